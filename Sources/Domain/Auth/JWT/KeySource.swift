package import Core
import NIOConcurrencyHelpers
import NIOCore
import Transport

/// Keeps the keys of one issuer: asks at start, again and again, and when a token names a key that is not known.
///
/// Fetches belong to `run`, not to the calls that wait for them: a caller that leaves takes no fetch with it, and many
/// callers wait for one.
final class KeySource: Sendable {
    private struct State {
        var keys: KeySetState
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var waiterCount = 0
        /// Wakes `run`; nil while nobody runs it.
        var signal: AsyncStream<Void>.Continuation?
        var lastFailure: String?
    }

    let issuer: JWTIssuer
    private let fetcher: Fetcher
    private let now: @Sendable () -> UnixTime
    private let onEvent: @Sendable (KeySetEvent) -> Void
    private let onChange: @Sendable () -> Void
    private let state: NIOLockedValueBox<State>

    /// More calls than this never wait at once; the rest is told that the keys are not there.
    private static let waiterMax = 4096

    init(
        _ issuer: JWTIssuer,
        schedule: KeySetSchedule,
        fetcher: Fetcher,
        now: @escaping @Sendable () -> UnixTime,
        onEvent: @escaping @Sendable (KeySetEvent) -> Void,
        onChange: @escaping @Sendable () -> Void
    ) {
        self.issuer = issuer
        self.fetcher = fetcher
        self.now = now
        self.onEvent = onEvent
        self.onChange = onChange
        self.state = NIOLockedValueBox(State(keys: KeySetState(schedule)))
    }

    /// The key of this id, after one fetch if that may help.
    ///
    /// - Throws: `TokenError`, `CancellationError`.
    func key(_ id: String) async throws -> VerificationKey {
        var found = self.lookup(id)
        if case .wait = found {
            await self.waitForFetch(of: id)
            try Task.checkCancellation()
            found = self.lookup(id)
        }
        switch found {
        case .found(let key): return key
        case .unknown: throw TokenError.refused(.unknownKey)
        case .unavailable, .wait: throw TokenError.keysUnavailable(issuer: self.issuer.name)
        }
    }

    /// What `doctor` and the status page show.
    var status: KeySetStatus {
        self.state.withLockedValue { state in
            KeySetStatus(
                issuerName: self.issuer.name,
                keyCount: state.keys.keys?.count ?? 0,
                fetchedAt: state.keys.fetchedAt,
                failure: state.keys.hasFailed ? state.lastFailure : nil
            )
        }
    }

    /// Fetches when it is time or a call needs it, until cancelled.
    func run() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.state.withLockedValue { $0.signal = signal }
        defer {
            self.state.withLockedValue { $0.signal = nil }
            self.wakeAll()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    if self.isDue { signal.yield() }
                    try await Task.sleep(for: .seconds(1))
                }
            }
            group.addTask {
                for await _ in signals { await self.fetchIfAllowed() }
                throw CancellationError()
            }
            try await group.next()
        }
    }

    /// Fetches now, unless that was done a moment ago, and wakes who waits.
    func fetchIfAllowed() async {
        let now = self.now()
        guard self.state.withLockedValue({ $0.keys.begin(now: now) }) else { return self.wakeAll() }
        do {
            let keys = try await self.fetch()
            let done = self.now()
            let isChange = self.state.withLockedValue { $0.keys.succeed(keys, now: done) }
            if isChange { self.onChange() }
            self.wakeAll()
            self.onEvent(KeySetEvent(issuerName: self.issuer.name, keyCount: keys.count, failure: nil))
        } catch {
            let failure = Self.sentence(of: error)
            self.state.withLockedValue { state in
                state.keys.fail()
                state.lastFailure = failure
            }
            self.wakeAll()
            self.onEvent(KeySetEvent(issuerName: self.issuer.name, keyCount: 0, failure: failure))
        }
    }

    private func fetch() async throws -> KeySet {
        var request = FetchRequest("GET", self.issuer.keys, path: self.issuer.keysQuery)
        request.fields = [("accept", "application/jwk-set+json, application/json"), ("user-agent", "turnpike")]
        request.answerBytesMax = KeySet.bytesMax
        let answer = try await self.fetcher.fetch(request)
        guard answer.status == 200 else { throw KeyFetchError.status(answer.status) }
        return try await KeySet(answer.body, algorithms: self.issuer.algorithms)
    }

    private enum KeyFetchError: Error { case status(Int) }

    /// What happened, in our own words.
    private static func sentence(of error: any Error) -> String {
        switch error {
        case KeyFetchError.status(let status): "the server answers with status \(status)"
        case let error as KeySetError: "the document is refused: \(error.rawValue)"
        case let error as FetchError: error.description
        case let error as TransportError: "no answer: \(error)"
        default: "interrupted"
        }
    }

    private var isDue: Bool {
        let now = self.now()
        return self.state.withLockedValue { $0.keys.isDue(now) }
    }

    private func lookup(_ id: String) -> KeySetState.Lookup {
        let now = self.now()
        return self.state.withLockedValue { $0.keys.lookup(id, now: now) }
    }

    // MARK: - Waiting

    /// Waits until a fetch has ended, if one may help; returns at once if not, or if nobody fetches.
    private func waitForFetch(of id: String) async {
        let number = self.state.withLockedValue { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = self.now()
                // Asked again under the lock: a fetch that ended meanwhile would wake nobody.
                let signal = self.state.withLockedValue { state -> AsyncStream<Void>.Continuation? in
                    guard let signal = state.signal, !Task.isCancelled, state.waiters.count < Self.waiterMax,
                        case .wait = state.keys.lookup(id, now: now)
                    else { return nil }
                    state.waiters[number] = continuation
                    return signal
                }
                if let signal { signal.yield() } else { continuation.resume() }
            }
        } onCancel: {
            self.state.withLockedValue { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }

    private func wakeAll() {
        let waiters = self.state.withLockedValue { state in
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }
}

/// One attempt to fetch an issuer's keys, for the log.
package struct KeySetEvent: Sendable {
    package let issuerName: String
    /// How many keys can be used; 0 after a failure, which leaves the old ones in force.
    package let keyCount: Int
    /// Nil after a success; safe to log.
    package let failure: String?
}

/// How it stands with the keys of an issuer.
package struct KeySetStatus: Sendable {
    package let issuerName: String
    package let keyCount: Int
    /// When they were last confirmed; nil if never.
    package let fetchedAt: UnixTime?
    /// Why the last attempt failed; nil if it did not.
    package let failure: String?
}
