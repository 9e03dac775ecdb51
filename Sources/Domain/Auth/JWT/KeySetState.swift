import Core

/// When keys are fetched and how long old ones are good.
package struct KeySetSchedule: Sendable {
    /// Between two fetches while all is well.
    package var refreshSeconds: Int64 = 15 * 60
    /// Between two fetches at the least, however many unknown key ids come (row 42).
    package var demandSeconds: Int64 = 30
    /// Between two attempts while there are no keys at all, so that service comes back by itself within 5 s.
    package var retrySeconds: Int64 = 4
    /// How long keys are used that could not be fetched anew.
    package var staleSeconds: Int64 = 24 * 60 * 60

    package init() {}
}

/// What is known of an issuer's keys, and whether it is time to ask again.
struct KeySetState: Sendable {
    /// What a lookup finds.
    enum Lookup: Sendable {
        case found(VerificationKey)
        /// The issuer has no such key, as far as was asked recently.
        case unknown
        /// The keys cannot be had now.
        case unavailable
        /// A fetch is under way or should begin; ask again after it.
        case wait
    }

    let schedule: KeySetSchedule
    private(set) var keys: KeySet?
    /// When `keys` were last confirmed.
    private(set) var fetchedAt: UnixTime?
    private var lastAttempt: UnixTime?
    private(set) var isFetching = false
    private(set) var hasFailed = false

    init(_ schedule: KeySetSchedule) { self.schedule = schedule }

    func lookup(_ id: String, now: UnixTime) -> Lookup {
        let keys = self.usableKeys(now)
        if let key = keys?.key(id) { return .found(key) }
        if self.isFetching || self.mayFetch(now) { return .wait }
        // While the issuer cannot be asked, nobody knows whether it has this key.
        return keys == nil || self.hasFailed ? .unavailable : .unknown
    }

    /// Whether a fetch should begin by itself.
    func isDue(_ now: UnixTime) -> Bool {
        guard !self.isFetching else { return false }
        if self.usableKeys(now) == nil { return self.hasPassed(self.schedule.retrySeconds, now) }
        return self.hasPassed(self.hasFailed ? self.schedule.demandSeconds : self.schedule.refreshSeconds, now)
    }

    /// Notes the beginning of a fetch, if one may begin.
    mutating func begin(now: UnixTime) -> Bool {
        guard !self.isFetching, self.mayFetch(now) else { return false }
        self.isFetching = true
        self.lastAttempt = now
        return true
    }

    /// Takes what was fetched.
    ///
    /// - Returns: Whether the keys are others than before, so that what was decided with the old ones is void.
    mutating func succeed(_ keys: KeySet, now: UnixTime) -> Bool {
        let isSame = self.keys.map { $0.isSame(as: keys) } ?? false
        self.isFetching = false
        self.hasFailed = false
        self.fetchedAt = now
        if !isSame { self.keys = keys }
        return !isSame
    }

    /// Keeps what there was; nothing that an outage or a bad document says replaces good keys.
    mutating func fail() {
        self.isFetching = false
        self.hasFailed = true
    }

    /// The keys, unless they are too old to be believed.
    private func usableKeys(_ now: UnixTime) -> KeySet? {
        guard let fetchedAt = self.fetchedAt,
            now.milliseconds - fetchedAt.milliseconds < self.schedule.staleSeconds * 1000
        else { return nil }
        return self.keys
    }

    /// Whether an unknown key id may begin a fetch.
    private func mayFetch(_ now: UnixTime) -> Bool {
        let hasKeys = self.usableKeys(now) != nil
        return self.hasPassed(hasKeys ? self.schedule.demandSeconds : self.schedule.retrySeconds, now)
    }

    /// A clock that was set back must not put the next fetch off by as much.
    private func hasPassed(_ seconds: Int64, _ now: UnixTime) -> Bool {
        guard let last = self.lastAttempt else { return true }
        return now.milliseconds - last.milliseconds >= seconds * 1000 || now < last
    }
}
