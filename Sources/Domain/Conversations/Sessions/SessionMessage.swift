package import Chat
package import Core
package import NIOCore

/// What was said once in a session: by a person, or by a model.
package struct SessionMessage: Sendable, Equatable {
    package enum Role: String, Sendable, Hashable, CaseIterable { case user, assistant, system }

    package enum Status: String, Sendable, Hashable, CaseIterable {
        /// It is being answered; what is there so far may be behind. Next: one of the others.
        case running
        /// It is whole.
        case complete
        /// It ended before its end: somebody cancelled it, or the process died.
        case cut
        /// No model answered, or one gave up; `error` says why.
        case failed
    }

    /// The session's id.
    package let session: String
    /// Its place in the session, from 1.
    package let seq: Int
    package let role: Role
    package let status: Status
    /// JSON as it was given: a text, or a list of parts.
    ///
    /// A model's tool calls and their results are parts of its answer: `{type:"text",text}`, `{type:"thinking",…}`,
    /// `{type:"tool_call",id,name,arguments}`, `{type:"tool_result",id,name,content,isError}`.
    package let content: ByteBuffer
    /// What the provider said it used; nil if it did not.
    package let usage: TokenUsage?
    /// What it cost; nil if that is not known.
    package let cost: MicroDollars?
    /// The model that was asked for, and in the end the one that answered.
    package let model: String?
    package let provider: String?
    /// The request that said it, or had it said.
    package let requestID: String
    /// Why the model ended, in the words of the canonical answer (`stop`, `length`, …).
    package let finish: String?
    package let error: Fault?
    /// What of the conversation before it the model was not told; nil if it was told all.
    package let leftOut: LeftOut?
    /// An estimate of its tokens.
    package let tokens: Int
    package let createdAt: UnixTime
    /// Nil while it is running.
    package let endedAt: UnixTime?

    /// Names it among all messages: its session's mark and its number.
    package var id: String { Self.id(of: self.session, self.seq) }

    /// What the message with that number is or will be called.
    package static func id(of session: String, _ seq: Int) -> String {
        "msg_\(session.drop { $0 != "_" }.dropFirst())_\(seq)"
    }

    /// What went wrong with an answer.
    package struct Fault: Sendable, Equatable {
        /// As errors of the API have it.
        package let code: String
        /// Safe for its reader.
        package let message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }

        package init(_ error: GatewayError) { self.init(code: error.code.rawValue, message: error.message) }
    }
}

/// What somebody says in a session.
package struct NewMessage: Sendable {
    package let session: String
    /// Whose sessions the caller may write in.
    package let access: SessionAccess
    /// JSON: a text, or a list of parts; at most `SessionRule.messageBytesMax`.
    package var content: ByteBuffer
    /// An estimate of its tokens.
    package var tokens: Int
    /// The model that is asked for; nil: the session's.
    package var model: String?
    package var requestID: String
    /// The life of this process, as the ledger numbers it.
    package var epoch: Int64
    /// The session's title, if it has none; see `SessionRule.title(from:)`.
    package var title: String
    /// Whether it may come while another message is being answered.
    package var mayInterleave: Bool

    package init(
        session: String,
        access: SessionAccess,
        content: ByteBuffer,
        tokens: Int,
        model: String? = nil,
        requestID: String,
        epoch: Int64,
        title: String = "",
        mayInterleave: Bool = false
    ) {
        self.session = session
        self.access = access
        self.content = content
        self.tokens = tokens
        self.model = model
        self.requestID = requestID
        self.epoch = epoch
        self.title = title
        self.mayInterleave = mayInterleave
    }
}

/// A message of before, as far as a model is told of it.
package struct ToldMessage: Sendable, Equatable {
    /// Its place in the session, from 1.
    package let seq: Int
    package let role: SessionMessage.Role
    /// JSON as it was given: a text, or a list of parts.
    package let content: ByteBuffer
    /// An estimate of its tokens.
    package let tokens: Int
}

/// What came of saying something: where it stands, and what the model is to be told.
package struct SessionTurn: Sendable {
    /// As it is with the message in it.
    package let session: Session
    /// The number of what was said.
    package let questionSeq: Int
    /// The number of the answer, which is running now.
    package let answerSeq: Int
    /// What was said before and goes along, the oldest first; the new message is not in it.
    ///
    /// May be let go once the model is asked.
    package var history: [ToldMessage]
    /// Goes before the history; nil where there is none, or the policy has none.
    package let summary: SessionSummary?
    /// What does not go along; kept with the answer.
    package let leftOut: LeftOut?
    /// Messages that should go into the summary now, by their numbers; nil: none.
    package let toSummarize: ClosedRange<Int>?
}

/// How an answer stands when it is over.
package struct AnswerEnd: Sendable {
    /// Any but `running`.
    package var status: SessionMessage.Status
    /// JSON: a list of parts; at most `SessionRule.answerBytesMax`.
    package var content: ByteBuffer
    /// An estimate of its tokens, or what the provider counted.
    package var tokens: Int
    package var finish: String?
    package var usage: TokenUsage?
    package var cost: MicroDollars?
    package var model: String?
    package var provider: String?
    package var error: SessionMessage.Fault?
    /// What was left out in the end; nil: what `begin` said.
    package var leftOut: LeftOut?

    package init(
        _ status: SessionMessage.Status,
        content: ByteBuffer,
        tokens: Int,
        finish: String? = nil,
        usage: TokenUsage? = nil,
        cost: MicroDollars? = nil,
        model: String? = nil,
        provider: String? = nil,
        error: SessionMessage.Fault? = nil,
        leftOut: LeftOut? = nil
    ) {
        precondition(status != .running, "an answer that is over does not run")
        self.status = status
        self.content = content
        self.tokens = tokens
        self.finish = finish
        self.usage = usage
        self.cost = cost
        self.model = model
        self.provider = provider
        self.error = error
        self.leftOut = leftOut
    }
}
