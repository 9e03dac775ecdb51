package import Core

/// What decides how much of a conversation goes along with a message.
package struct HistoryTerms: Sendable, Equatable {
    package var wish: HistoryWish
    /// The room in the model's context; nil if nobody knows how much it has.
    package var window: HistoryWindow?

    package init(_ wish: HistoryWish = .standard, window: HistoryWindow? = nil) {
        self.wish = wish
        self.window = window
    }

    /// Tokens for `HistoryWish.tokens` where neither the wish nor anybody else knows a number.
    package static let standardTokens = 8_000

    /// The most tokens that may go along; nil for any number.
    var tokensMax: Int? {
        switch self.wish {
        case .tokens(let most):
            min(most ?? .max, self.window?.budget ?? (most == nil ? Self.standardTokens : .max))
        case .lastMessages, .summary:
            self.window?.budget
        }
    }
}

/// How a model's context is divided, in tokens.
package struct HistoryWindow: Sendable, Equatable {
    /// All that the model can read and write in one call.
    package var context: Int
    /// What its answer may take.
    package var output: Int
    /// What goes along in any case: system prompts, tools, the summary, the new message.
    package var prompt: Int

    package init(context: Int, output: Int, prompt: Int) {
        self.context = context
        self.output = output
        self.prompt = prompt
    }

    /// What is left for messages before the new one; never negative.
    package var budget: Int {
        let (afterOutput, first) = max(self.context, 0).subtractingReportingOverflow(max(self.output, 0))
        let (left, second) = afterOutput.subtractingReportingOverflow(max(self.prompt, 0))
        return first || second ? 0 : max(left, 0)
    }
}

/// A message, as far as choosing goes.
package struct HistoryItem: Sendable, Equatable {
    package let seq: Int
    package let role: SessionMessage.Role
    package let status: SessionMessage.Status
    /// An estimate of its tokens.
    package let tokens: Int
    /// Of its content.
    package let bytes: Int

    package init(seq: Int, role: SessionMessage.Role, status: SessionMessage.Status, tokens: Int, bytes: Int) {
        self.seq = seq
        self.role = role
        self.status = status
        self.tokens = tokens
        self.bytes = bytes
    }

    /// Whether a model can be told of it.
    ///
    /// An answer that is running is not known yet, and one without a word would say nothing: models refuse that.
    var canGo: Bool {
        guard self.role == .assistant else { return true }
        let emptyBytes = 2
        return self.status != .running && self.bytes > emptyBytes
    }
}

/// What of a conversation a model was not told.
package struct LeftOut: Sendable, Equatable {
    package enum Reason: String, Sendable, Hashable, CaseIterable {
        /// The policy wants no more.
        case policy
        /// No more fits in the model's context, or in one request.
        case context
    }

    /// How many messages.
    package let count: Int
    /// The first and the last of them.
    package let seqs: ClosedRange<Int>
    /// An estimate of their tokens.
    package let tokens: Int
    package let reason: Reason

    package init(count: Int, seqs: ClosedRange<Int>, tokens: Int, reason: Reason) {
        self.count = count
        self.seqs = seqs
        self.tokens = tokens
        self.reason = reason
    }
}
