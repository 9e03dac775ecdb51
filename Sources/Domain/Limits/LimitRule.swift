package import Core

/// One limit as the operator wrote it: which calls it is about, and what they may do.
package struct LimitRule: Sendable, Equatable {
    /// As the settings call it; named in refusals.
    package var name: String
    package var scope: Scope
    /// Requests a minute.
    package var requestsPerMinute: Int?
    /// Tokens a minute, of requests and answers together.
    package var tokensPerMinute: Int?
    /// Calls at a time.
    package var concurrent: Int?
    /// How long a call may wait for its turn; nil: it is refused at once.
    package var queue: Duration?

    package init(
        name: String,
        scope: Scope,
        requestsPerMinute: Int? = nil,
        tokensPerMinute: Int? = nil,
        concurrent: Int? = nil,
        queue: Duration? = nil
    ) {
        self.name = name
        self.scope = scope
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrent = concurrent
        self.queue = queue
    }
}
