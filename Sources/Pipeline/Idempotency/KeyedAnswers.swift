package import Core
package import Database
package import Logging
package import Metering
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization
package import Telemetry

/// The keys that clients give their requests, and what became of them.
///
/// `run()` writes down what the store did not take at once, and forgets old keys.
package final class KeyedAnswers: Sendable {
    /// Outcomes that wait for the store; later ones are lost, and their keys stay taken until the next start.
    private static let unsettledMax = 1_000
    /// Bytes of answers among them; what would be more is not kept.
    private static let unsettledBytesMax = 64 << 20

    private struct State {
        var unsettled: [(claim: IdempotencyClaim, outcome: IdempotencyOutcome)] = []
        var unsettledBytes = 0
        /// As far as this process knows, since it last looked.
        var size = IdempotencyStore.Size(keys: 0, bytes: 0)
    }

    /// The life of this process, which its claims name.
    package let epoch: Int64
    private let database: any Database
    private let limits: @Sendable () -> IdempotencyLimits
    private let logger: Logger
    private let wallClock: @Sendable () -> UnixTime
    private let state = NIOLockedValueBox(State())
    private let replays = Atomic<Int>(0)

    /// - Parameters:
    ///   - epoch: From the store, different for each start of each process.
    ///   - limits: Those in force.
    package init(
        database: any Database,
        epoch: Int64,
        limits: @escaping @Sendable () -> IdempotencyLimits,
        logger: Logger,
        wallClock: @escaping @Sendable () -> UnixTime
    ) {
        self.database = database
        self.epoch = epoch
        self.limits = limits
        self.logger = logger
        self.wallClock = wallClock
    }

    // MARK: - Keys

    /// Takes a key for a call, or says what has become of it.
    ///
    /// Waits for the store, also if the client leaves meanwhile: a claim that nobody knows of would never end.
    ///
    /// - Throws: `GatewayError` with `STORE_UNAVAILABLE`.
    func claim(_ claim: IdempotencyClaim, keep: TimeAmount) async throws -> IdempotencyFinding {
        if let finding = self.finding(claim) { return finding }
        let now = self.wallClock()
        let (end, isBeyond) = now.milliseconds.addingReportingOverflow(keep.milliseconds)
        let expiry = UnixTime(milliseconds: isBeyond ? .max : end)
        let finding: IdempotencyFinding
        do {
            let database = self.database
            finding = try await uncancelled {
                try await database.write { try IdempotencyStore().claim(claim, now: now, expiry: expiry, in: $0) }
            }
        } catch {
            throw GatewayError(
                .storeUnavailable,
                "The store did not answer, and without it nobody knows whether this request has run before. Try again.",
                retryAfter: .seconds(1),
                cause: error
            )
        }
        if finding == .claimed { self.state.withLockedValue { $0.size.keys += 1 } }
        return finding
    }

    /// What this process knows of the end of a call without the store; nil if nothing.
    private func finding(_ claim: IdempotencyClaim) -> IdempotencyFinding? {
        self.state.withLockedValue { state in
            guard let over = state.unsettled.first(where: { $0.claim.scope == claim.scope }) else { return nil }
            guard over.claim.fingerprint == claim.fingerprint else { return .mismatch }
            switch over.outcome {
            case .answered(let bytes): return .answered(bytes, requestID: over.claim.requestID)
            case .unkept: return .unkept(requestID: over.claim.requestID)
            case .interrupted: return .interrupted(requestID: over.claim.requestID)
            // The key is free only once the store has let it go.
            case .released: return nil
            }
        }
    }

    /// Writes down how a call with a key ended; where the store does not take it, it is tried again.
    ///
    /// Waits for the store whatever happens to the task.
    func settle(_ claim: IdempotencyClaim, _ outcome: IdempotencyOutcome) async {
        do {
            let database = self.database
            try await uncancelled {
                try await database.write { try IdempotencyStore().finish(claim, outcome, in: $0) }
            }
            self.count(outcome)
        } catch {
            let isLost = self.state.withLockedValue { state in
                guard state.unsettled.count < Self.unsettledMax else { return true }
                let isTooLarge = state.unsettledBytes + outcome.bytes > Self.unsettledBytesMax
                let kept = isTooLarge ? .unkept : outcome
                state.unsettled.append((claim, kept))
                state.unsettledBytes += kept.bytes
                return false
            }
            self.logger.warning(
                "The outcome of a request with a key cannot be written down yet",
                metadata: [
                    LogKeys.requestID: "\(claim.requestID)", LogKeys.errorReason: "\(error)",
                    LogKeys.action: isLost ? "given up until the next start" : "tried again",
                ]
            )
        }
    }

    private func count(_ outcome: IdempotencyOutcome) {
        self.state.withLockedValue { state in
            switch outcome {
            case .answered(let bytes): state.size.bytes += bytes.count
            case .released: state.size.keys -= 1
            case .unkept, .interrupted: break
            }
        }
    }

    func noteReplay() { self.replays.wrappingAdd(1, ordering: .relaxed) }

    // MARK: - Life

    /// Goes on until cancelled.
    package func run() async throws {
        var round = 0
        while true {
            try await Task.sleep(for: .milliseconds(500))
            round += 1
            let isFull = self.state.withLockedValue { state in
                let limits = self.limits()
                return state.size.keys > limits.keysMax || state.size.bytes > limits.bytesMax
            }
            guard round % 60 == 1 || isFull || self.hasUnsettled else { continue }
            do {
                try await self.settleRest()
                if round % 60 == 1 || isFull { try await self.forget() }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // Nothing is lost by waiting for the store; whoever needs it now is told so.
                self.logger.debug(
                    "Old idempotency keys cannot be forgotten now",
                    metadata: [LogKeys.errorReason: "\(error)"]
                )
            }
        }
    }

    /// The last of it, once no call is running any more: what the store did not take before.
    package func finish() async { try? await self.settleRest() }

    private var hasUnsettled: Bool { self.state.withLockedValue { !$0.unsettled.isEmpty } }

    /// Tries once more to write down what the store did not take.
    package func settleRest() async throws {
        while let next = self.state.withLockedValue({ $0.unsettled.first }) {
            try await self.database.write { try IdempotencyStore().finish(next.claim, next.outcome, in: $0) }
            self.state.withLockedValue { state in
                guard state.unsettled.first?.claim == next.claim else { return }
                state.unsettled.removeFirst()
                state.unsettledBytes -= next.outcome.bytes
            }
            self.count(next.outcome)
        }
    }

    /// Forgets the keys whose time is over, and the oldest where there are too many.
    package func forget() async throws {
        let now = self.wallClock()
        let limits = self.limits()
        let store = IdempotencyStore()
        while try await self.database.write({ try store.expire(now: now, in: $0) }) == IdempotencyStore.batch {}
        while try await self.database.write({ try store.trim(limits, in: $0) }) {}
        let size = try await self.database.read { try store.size(in: $0) }
        self.state.withLockedValue { $0.size = size }
    }

    // MARK: - Figures

    /// For `/metrics`.
    package var gauges: [Gauge] {
        [
            Gauge(name: "turnpike_idempotent_keys", help: "Idempotency keys in the store.") {
                Double(self.state.withLockedValue { $0.size.keys })
            },
            Gauge(
                name: "turnpike_idempotent_replays_total",
                help: "Answers that were given once more without a call.",
                type: .counter
            ) { Double(self.replays.load(ordering: .relaxed)) },
        ]
    }
}

extension IdempotencyOutcome {
    /// Bytes of the answer that is kept.
    fileprivate var bytes: Int { if case .answered(let bytes) = self { bytes.count } else { 0 } }
}
