package import Core
package import NIOCore

/// One limit as the operator wrote it: which calls it is about, and what they may do.
package struct LimitRule: Sendable, Equatable {
    /// Most requests or tokens that a rule can allow in a minute, and most calls at a time.
    package static let valueMax = 1_000_000_000
    /// The highest priority; 0 is the lowest.
    package static let priorityMax = 9
    /// The largest weight; 1 is the usual.
    package static let weightMax = 1_000

    /// As the settings call it; named in refusals.
    package var name: String
    package var scope: Scope
    /// Requests a minute, 1 to `valueMax`.
    package var requestsPerMinute: Int?
    /// Tokens a minute, of requests and answers together, 1 to `valueMax`.
    package var tokensPerMinute: Int?
    /// Calls at a time, 1 to `valueMax`.
    package var concurrent: Int?
    /// How long a call may wait for its turn; nil: it is refused at once.
    package var queue: TimeAmount?
    /// Calls that may wait for one counter of this rule at a time.
    package var queueMax: Int
    /// How urgent the calls of this scope are wherever they wait, 0 to `priorityMax`; nil: what others say, else 0.
    package var priority: Int?
    /// The share of their group wherever they wait, 1 to `weightMax`; nil: what others say, else 1.
    package var weight: Int?

    package init(
        name: String,
        scope: Scope,
        requestsPerMinute: Int? = nil,
        tokensPerMinute: Int? = nil,
        concurrent: Int? = nil,
        queue: TimeAmount? = nil,
        queueMax: Int = 1000,
        priority: Int? = nil,
        weight: Int? = nil
    ) {
        self.name = name
        self.scope = scope
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrent = concurrent
        self.queue = queue
        self.queueMax = queueMax
        self.priority = priority
        self.weight = weight
    }

    /// Whether it limits anything; one that does not only says who comes first in the queues of others.
    package var isLimiting: Bool {
        self.requestsPerMinute != nil || self.tokensPerMinute != nil || self.concurrent != nil
    }
}
