internal import Agents
package import Auth
package import Chat
package import Conversations
internal import Core
internal import Logging
internal import Metering
package import NIOCore
internal import Providers
internal import Telemetry
package import Transport

/// What somebody says in a session, and how they want to be answered.
package struct PostedMessage: Sendable {
    package let session: String
    /// JSON: a text, or a list of parts of OpenAI's chat.
    package let content: ByteBuffer
    /// What was said, for the title; empty where nothing of it is text.
    package let text: String
    /// Who is asked; nil: whoever the session says.
    package let model: String?
    /// What bounds the answer up to its first content; nil: what the target has.
    package let timeout: TimeAmount?

    package init(session: String, content: ByteBuffer, text: String, model: String?, timeout: TimeAmount? = nil) {
        self.session = session
        self.content = content
        self.text = text
        self.model = model
        self.timeout = timeout
    }
}

/// An answer that is being made in a session, for those who follow it.
package struct SessionAnswer: Sendable {
    package let session: String
    /// The number of the answer's message.
    package let seq: Int
    let answer: RunningAnswer
    private let now: @Sendable () -> NIODeadline

    init(session: String, seq: Int, _ answer: RunningAnswer, now: @escaping @Sendable () -> NIODeadline) {
        self.session = session
        self.seq = seq
        self.answer = answer
        self.now = now
    }

    /// Whether the answer is over and nothing of it is left for a client that had so many events.
    package func hasAll(before place: Int) -> Bool { self.answer.hasAll(before: place) }

    /// Pushes the answer's events into a sink, from one of them on, as they come.
    ///
    /// - Parameter start: How many events are passed over.
    /// - Throws: Why no model answered; `GatewayError` with `GONE`; `CancellationError`, and the answer goes on.
    package func follow(into reply: any ReplySink, from start: Int = 0) async throws {
        try await self.answer.follow(into: reply, from: start, now: self.now)
    }

    /// Waits until the answer is over and stored, also for a client that has left: a shutdown waits for its connection.
    package func settle() async { await self.answer.settle() }

    /// Waits until the answer is over and stored.
    ///
    /// - Throws: As `follow`.
    package func end() async throws { try await self.follow(into: NoReply()) }

    /// The same, for those who wait no longer than to a moment: then the answer is cut where it is.
    ///
    /// - Throws: As `follow`.
    package func end(by deadline: NIODeadline, on transport: any LoopTransport) async throws {
        let wait = transport.makeWait()
        let work = Uncancelled.begin {
            defer { wait.wake() }
            try await self.end()
        }
        do {
            while !self.answer.isShown {
                guard transport.eventLoop.now < deadline else {
                    self.answer.cut(.asked)
                    break
                }
                try await wait.wait(until: deadline)
            }
        } catch {
            work.cancel()
            throw error
        }
        try await work.value
    }
}

/// Answers messages in sessions: takes them in, has a model answer, and keeps what it says.
///
/// An answer is made in a task of its own, so that it goes on when its client leaves: for as long as `streams.keep`
/// says, and anybody who may see the session can follow it.
package final class SessionDesk: Sendable {
    /// How long a message may wait for those before it.
    static let queueMax: TimeAmount = .minutes(2)
    /// The longest answer, as the JSON that is stored; some room is for what stands around it.
    private static let answerBytesMax = SessionRule.answerBytesMax - 4_096

    let book: SessionBook
    let pipeline: Pipeline
    let instruments: Instruments
    private let queue = SessionQueue()

    package init(_ book: SessionBook, pipeline: Pipeline, instruments: Instruments) {
        self.book = book
        self.pipeline = pipeline
        self.instruments = instruments
    }

    // MARK: - For clients

    /// Takes in a message and begins to answer it.
    ///
    /// Returns once both messages are in the store. From then on the answer does not depend on the caller.
    ///
    /// - Throws: `GatewayError`, `CancellationError`.
    package func post(_ message: PostedMessage, by caller: InnerCaller) async throws -> SessionAnswer {
        let transport = caller.exchange.transport
        // Whose session it is not neither waits nor takes a place, so that nobody can tell it from none (row 44).
        if self.queue.isTaken(message.session) {
            try await self.book.session(message.session, for: .own(of: caller.principal))
        }
        // Who is to be answered by a moment is not to wait beyond it.
        let patience = min(Self.queueMax, message.timeout ?? Self.queueMax)
        let ticket = try await self.queue.enter(
            message.session,
            on: transport,
            until: transport.eventLoop.now + patience
        )
        do {
            let turn = try await self.book.begin(
                self.newMessage(message, caller),
                terms: HistoryRule(caller.snapshot, group: caller.principal.group, message).terms
            )
            return self.begin(turn, message, caller, ticket)
        } catch {
            self.queue.leave(message.session, ticket)
            throw error
        }
    }

    /// Begins a conversation of somebody's own.
    ///
    /// - Returns: The session's id.
    /// - Throws: `GatewayError`; `MODEL_NOT_FOUND` if there is no such agent, since nobody could ever answer.
    package func open(agent: String?, for caller: InnerCaller) async throws -> String {
        if let agent, caller.snapshot.agents.agent(agent, for: caller.principal.group) == nil {
            throw GatewayError(.modelNotFound, "There is no such agent here.", param: "agentId")
        }
        return try await self.book.open(SessionDraft(agentID: agent), for: caller.principal)
    }

    /// A session was deleted: nobody will ever see what is still being answered in it.
    package func end(_ session: String) { self.instruments.running.find(.session(session))?.cut(.asked) }

    /// The answer that is under way in a session, or was until a moment ago.
    ///
    /// - Throws: `GatewayError`: `NOT_FOUND` if the caller may not see the session, `GONE` if nothing is kept.
    package func current(_ session: String, for access: SessionAccess) async throws -> SessionAnswer {
        try await self.book.session(session, for: access)
        guard let answer = self.instruments.running.find(.session(session)), let seq = answer.seq else {
            throw GatewayError(
                .gone,
                "No answer is under way in this session. What was said is in its messages."
            )
        }
        return SessionAnswer(session: session, seq: seq, answer, now: self.instruments.running.monotonicClock)
    }

    /// Ends the answer that is under way in a session; what it said so far stays.
    ///
    /// - Returns: The number of its message; nil if none was under way.
    /// - Throws: `GatewayError` with `NOT_FOUND`.
    package func cancel(_ session: String, for access: SessionAccess) async throws -> Int? {
        try await self.book.session(session, for: access)
        guard let answer = self.instruments.running.find(.session(session)), !answer.isOver else { return nil }
        answer.cut(.asked)
        return answer.seq
    }

    /// What the agent of a session has said when no provider answers, by language; empty where it has nothing.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`.
    package func fallbackTexts(of session: String, for caller: InnerCaller) async throws -> [String: String] {
        let found = try await self.book.session(session, for: .own(of: caller.principal))
        let agent = found.agentID.flatMap { caller.snapshot.agents.agent($0, for: caller.principal.group) }
        return agent?.fallbackText ?? [:]
    }

    /// A message of a session.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND`.
    package func message(_ seq: Int, of session: String, for access: SessionAccess) async throws -> SessionMessage {
        try await self.book.message(seq, of: session, for: access)
    }

    // MARK: - One answer

    private func newMessage(_ message: PostedMessage, _ caller: InnerCaller) -> NewMessage {
        NewMessage(
            session: message.session,
            access: .own(of: caller.principal),
            content: message.content,
            tokens: HistoryRule.tokens(ofBytes: message.content.readableBytes),
            model: message.model,
            requestID: caller.requestID.text,
            epoch: self.book.epoch,
            title: SessionRule.title(from: message.text)
        )
    }

    private func begin(
        _ turn: SessionTurn,
        _ message: PostedMessage,
        _ caller: InnerCaller,
        _ ticket: Int
    ) -> SessionAnswer {
        let limits = caller.snapshot.limits
        let tape = AnswerTape(bytesMax: limits.idempotency.answerBytesMax, heldBytesMax: limits.heldBytesMax)
        let answer = RunningAnswer(requestID: caller.requestID.text, seq: turn.answerSeq, tape)
        let name = AnswerName.session(turn.session.id)
        // One that ran under this name has left the queue before us, so it is over.
        _ = self.instruments.running.enter(answer, as: name)
        let opening = Opening(turn, message, caller)
        let rule = HistoryRule(caller.snapshot, group: caller.principal.group, message)
        var turn = turn
        // It is in the request now, and need not be in memory for as long as the answer takes.
        turn.history = []
        let begun = turn
        let work = Uncancelled.begin { [self] in
            let held = await self.serve(begun, opening, caller, answer)
            self.instruments.running.retire(answer, as: name, held: held)
            self.queue.leave(begun.session.id, ticket)
            await self.summarize(begun, rule, caller)
        }
        answer.run(work)
        return SessionAnswer(
            session: begun.session.id,
            seq: begun.answerSeq,
            answer,
            now: self.instruments.running.monotonicClock
        )
    }

    /// What an answer begins with.
    private final class Opening {
        /// The data of the first event.
        let start: ByteBuffer
        let timeout: TimeAmount?
        private var body: ByteBuffer

        init(_ turn: SessionTurn, _ message: PostedMessage, _ caller: InnerCaller) {
            self.start = SessionEvents.start(turn, caller.requestID)
            let model = message.model ?? turn.session.answeringModel
            self.body = SessionBody.make(turn, content: message.content, model: model)
            self.timeout = message.timeout
        }

        /// What the model is asked, once: the call lets go of it when its answer begins, and nobody else keeps it.
        func takeBody() -> ByteBuffer {
            defer { self.body = ByteBuffer() }
            return self.body
        }
    }

    /// Has a model answer, and keeps what it said, however it ended.
    ///
    /// - Returns: Bytes of memory that the answer holds.
    private func serve(
        _ turn: SessionTurn,
        _ opening: Opening,
        _ caller: InnerCaller,
        _ answer: RunningAnswer
    ) async -> Int {
        let (session, seq) = (turn.session.id, turn.answerSeq)
        let tape = SessionTape(answer, of: self.instruments.running)
        let reply = InnerReply(bytesMax: Self.answerBytesMax, tape)
        tape.onProgress = { [book, unowned reply] in book.note(reply.parts, of: session, seq) }
        tape.push(SessionEvents.start, opening.start, isContent: false)
        var failure: GatewayError?
        var call: Call?
        do {
            let made = try Call.inner(
                opening.takeBody(),
                for: caller,
                arrival: self.instruments.monotonicClock(),
                timeout: opening.timeout
            )
            call = made
            try await self.pipeline.run(made, reply: reply)
            failure = reply.failure
        } catch {
            failure = reply.failure ?? Self.understand(error, answer)
        }
        let end = SessionEvents.end(reply, failure, isCut: answer.cutReason != nil, call)
        await self.book.finish(seq, of: session, end)
        if let failure, end.status == .failed || answer.cutReason == nil {
            answer.write(wakes: true) { tape in
                tape.fail(failure)
                tape.show()
            }
        } else {
            tape.push(SessionEvents.done, SessionEvents.done(turn, end, caller.requestID), isContent: true)
            answer.write(wakes: true) { tape in
                tape.end()
                tape.show()
            }
        }
        return tape.held
    }

    private static func understand(_ error: any Error, _ answer: RunningAnswer) -> GatewayError {
        if let error = error as? GatewayError { return error }
        return answer.cutReason?.error
            ?? GatewayError(.internalFailure, "Something went wrong inside the gateway.", cause: error)
    }

    // MARK: - Summaries

    /// Has older messages summed up, where the session wants that; without it they are left out for now.
    private func summarize(_ turn: SessionTurn, _ rule: HistoryRule, _ caller: InnerCaller) async {
        guard let seqs = turn.toSummarize, case .summary(_, let model) = rule.wish(of: turn.session) else { return }
        do {
            let messages = try await self.book.messages(in: seqs, of: turn.session.id)
            let asked = model ?? rule.model(turn.session)
            let body = SessionBody.summary(of: messages, after: turn.session.summary, model: asked)
            let reply = InnerReply(bytesMax: SessionRule.summaryBytesMax)
            let call = try Call.inner(body, for: caller, arrival: self.instruments.monotonicClock())
            try await self.pipeline.run(call, reply: reply)
            let text = reply.parts.text
            guard reply.failure == nil, reply.finish == .stop, !text.isEmpty,
                text.utf8.count <= SessionRule.summaryBytesMax
            else { return }
            try await self.book.keep(SessionSummary(text: text, throughSeq: seqs.upperBound), of: turn.session.id)
        } catch {
            // The messages are still there, and the next answer tries again.
            self.instruments.logger.debug("A session cannot be summed up", metadata: [LogKeys.errorReason: "\(error)"])
        }
    }
}

extension SessionAccess {
    /// The sessions that somebody may write in: their own.
    package static func own(of principal: Principal) -> SessionAccess {
        .own(SessionOwner(user: principal.user, keyID: principal.keyID), in: principal.group)
    }
}
