package import Core
package import Database
package import Logging
package import Metering
internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization
package import Telemetry

/// The answers that may outlive their connection, and the keys that clients find them by.
///
/// `run()` cuts off what nobody wants any more, writes down what the store did not take at once, and forgets old keys.
package final class RunningAnswers: Sendable {
    /// Bytes of running answers in memory at the same time; what would be more is sent on, but not kept.
    static let heldBytesMax = 256 << 20
    /// Calls that may go on without a client at the same time.
    static let aloneMax = 1_000
    /// Outcomes that wait for the store; later ones are lost, and their keys stay taken until the next start.
    private static let unsettledMax = 1_000
    /// Bytes of answers among them; what would be more is not kept.
    private static let unsettledBytesMax = 64 << 20

    private struct State {
        var running: [IdempotencyScope: RunningAnswer] = [:]
        var unsettled: [(claim: IdempotencyClaim, outcome: IdempotencyOutcome)] = []
        var unsettledBytes = 0
        /// As far as this process knows, since it last looked.
        var size = IdempotencyStore.Size(keys: 0, bytes: 0)
        var isHurried = false
    }

    /// The life of this process, which its claims name.
    package let epoch: Int64
    private let database: any Database
    private let limits: @Sendable () -> IdempotencyLimits
    private let logger: Logger
    private let wallClock: @Sendable () -> UnixTime
    let monotonicClock: @Sendable () -> NIODeadline
    private let state = NIOLockedValueBox(State())
    private let held = Atomic<Int>(0)
    private let replays = Atomic<Int>(0)

    /// - Parameters:
    ///   - epoch: From the store, different for each start of each process.
    ///   - limits: Those in force.
    package init(
        database: any Database,
        epoch: Int64,
        limits: @escaping @Sendable () -> IdempotencyLimits,
        logger: Logger,
        wallClock: @escaping @Sendable () -> UnixTime,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.database = database
        self.epoch = epoch
        self.limits = limits
        self.logger = logger
        self.wallClock = wallClock
        self.monotonicClock = monotonicClock
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

    /// What this process knows of a key without the store; nil if nothing.
    private func finding(_ claim: IdempotencyClaim) -> IdempotencyFinding? {
        self.state.withLockedValue { state in
            if let running = state.running[claim.scope] {
                return running.claim.fingerprint == claim.fingerprint ? .running : .mismatch
            }
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

    // MARK: - Running answers

    /// Enters an answer that is about to run.
    func enter(_ answer: RunningAnswer) {
        let isHurried = self.state.withLockedValue { state in
            state.running[answer.claim.scope] = answer
            return state.isHurried
        }
        if isHurried { answer.cut(.shutdown) }
    }

    /// Writes down how an answer ended, and only then lets its readers have the end.
    ///
    /// Waits for the store whatever happens to the task. The memory that the answer has taken, `held` bytes, is free.
    func close(_ answer: RunningAnswer, _ outcome: IdempotencyOutcome, held: Int) async {
        await self.settle(answer.claim, outcome)
        self.held.wrappingSubtract(held, ordering: .relaxed)
        self.state.withLockedValue { state in
            if state.running[answer.claim.scope] === answer { state.running[answer.claim.scope] = nil }
        }
        answer.write(wakes: true) { $0.show() }
    }

    /// Takes memory for running answers; false if there is none.
    func hold(_ count: Int) -> Bool {
        guard self.held.wrappingAdd(count, ordering: .relaxed).newValue > Self.heldBytesMax else { return true }
        self.held.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    /// Cuts off every answer: the server goes down and will wait no longer.
    package func hurry() {
        let running = self.state.withLockedValue { state in
            state.isHurried = true
            return Array(state.running.values)
        }
        for answer in running { answer.cut(.shutdown) }
    }

    /// Whether any answer goes on although nobody reads it.
    package var hasAnswerWithoutReader: Bool {
        self.state.withLockedValue { $0.running.values.contains { $0.isAlone } }
    }

    /// Cuts off what goes on for nobody for too long, and the surplus of what goes on for nobody.
    package func cutForsaken() {
        let now = self.monotonicClock()
        let limit = self.limits().runOn
        let running = self.state.withLockedValue { Array($0.running.values) }
        var alone = 0
        for answer in running {
            if answer.isAlone { alone += 1 }
            if alone > Self.aloneMax || answer.isForsaken(now: now, limit: limit) { answer.cut(.noReader) }
        }
    }

    // MARK: - Life

    /// Goes on until cancelled.
    package func run() async throws {
        var round = 0
        while true {
            try await Task.sleep(for: .milliseconds(500))
            self.cutForsaken()
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
            Gauge(name: "turnpike_idempotent_calls", help: "Calls with an idempotency key that run now.") {
                Double(self.state.withLockedValue { $0.running.count })
            },
            Gauge(name: "turnpike_idempotent_bytes", help: "Bytes of their answers in memory.") {
                Double(self.held.load(ordering: .relaxed))
            },
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
