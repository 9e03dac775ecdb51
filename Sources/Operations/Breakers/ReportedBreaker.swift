/// What an administrator sees of one target's breaker.
package struct ReportedBreaker: Sendable, Equatable {
    package var provider: String
    /// What the provider calls the model.
    package var model: String
    /// The key it is about; empty where the provider needs none.
    package var credentialID: String
    /// `closed`, `open`, `half_open` or `held_open`.
    package var state: String
    /// Calls of the last while that ended, and those of them that failed.
    package var calls: Int
    package var failures: Int
    /// Calls that were not let through since the gateway began.
    package var refusals: UInt64
    /// Milliseconds until a call is let through; 0: at once; nil: when an administrator says so.
    package var opensInMilliseconds: Int64?
    /// Milliseconds for which the provider still wants to be left alone; nil if it does not.
    package var coolsForMilliseconds: Int64?

    package init(provider: String, model: String, credentialID: String, state: String, calls: Int, failures: Int) {
        self.provider = provider
        self.model = model
        self.credentialID = credentialID
        self.state = state
        self.calls = calls
        self.failures = failures
        self.refusals = 0
    }
}

/// Which targets an administrator means.
package struct BreakerSelection: Sendable, Equatable {
    package var provider: String
    /// Nil: all of its models.
    package var model: String?
    /// Nil: whatever key is used.
    package var credentialID: String?

    package init(provider: String, model: String? = nil, credentialID: String? = nil) {
        self.provider = provider
        self.model = model
        self.credentialID = credentialID
    }
}

/// The breakers of the gateway in this process.
package struct BreakerPanel: Sendable {
    package var list: @Sendable () -> [ReportedBreaker]
    /// Keeps calls away; for so many seconds, or until `close`.
    package var open: @Sendable (_ selection: BreakerSelection, _ seconds: Int?) -> [ReportedBreaker]
    /// Lets calls go there again.
    package var close: @Sendable (_ selection: BreakerSelection) -> [ReportedBreaker]

    package init(
        list: @escaping @Sendable () -> [ReportedBreaker],
        open: @escaping @Sendable (_ selection: BreakerSelection, _ seconds: Int?) -> [ReportedBreaker],
        close: @escaping @Sendable (_ selection: BreakerSelection) -> [ReportedBreaker]
    ) {
        self.list = list
        self.open = open
        self.close = close
    }
}
