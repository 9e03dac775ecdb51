package import Auth
package import Core
internal import Metering
internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization
package import Telemetry
package import Wire

/// What a running answer is found by.
enum AnswerName: Hashable, Sendable {
    /// The key that its client gave the request.
    case keyed(IdempotencyScope)
    /// The session that it is the last answer of.
    case session(String)
}

/// The answers that may outlive their connection.
///
/// They are found by name, run on for a while when nobody reads them, and some are kept for a while when they are over.
/// `run()` cuts off what nobody wants any more, and lets go of what was kept long enough.
package final class RunningAnswers: Sendable {
    /// Bytes of running answers in memory at the same time; what would be more is sent on, but not kept.
    static let heldBytesMax = 256 << 20
    /// Calls that may go on without a client at the same time.
    static let aloneMax = 1_000

    private struct Entry {
        let answer: RunningAnswer
        /// Until when it is kept although it is over; nil while it runs.
        var expiry: NIODeadline?
        /// Bytes of the memory for running answers that it holds although it is over.
        var held = 0
    }

    private struct State {
        var entries: [AnswerName: Entry] = [:]
        var isHurried = false
    }

    private let runOn: @Sendable () -> TimeAmount
    let monotonicClock: @Sendable () -> NIODeadline
    private let state = NIOLockedValueBox(State())
    private let held = Atomic<Int>(0)

    /// - Parameter runOn: How long an answer goes on that nobody reads, and is kept when it is over; the one in force.
    package init(
        runOn: @escaping @Sendable () -> TimeAmount,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.runOn = runOn
        self.monotonicClock = monotonicClock
    }

    // MARK: - Names

    /// Enters an answer that is about to run, in the place of one that is over.
    ///
    /// - Returns: The one that runs under that name already; nil if the new one was entered.
    func enter(_ answer: RunningAnswer, as name: AnswerName) -> RunningAnswer? {
        let (other, freed, isHurried) = self.state.withLockedValue { state -> (RunningAnswer?, Int, Bool) in
            if let entry = state.entries[name], entry.expiry == nil { return (entry.answer, 0, false) }
            let freed = state.entries[name]?.held ?? 0
            state.entries[name] = Entry(answer: answer)
            return (nil, freed, state.isHurried)
        }
        self.free(freed)
        if other == nil, isHurried { answer.cut(.shutdown) }
        return other
    }

    /// The answer of that name, running or kept; nil if there is none.
    func find(_ name: AnswerName) -> RunningAnswer? { self.state.withLockedValue { $0.entries[name]?.answer } }

    /// Ends the answer that is under way for a request's `Idempotency-Key`; what it said so far is charged.
    ///
    /// - Returns: The request that it answers; nil if none was under way.
    /// - Throws: `GatewayError` unless there is one key, and a good one.
    package func cancel(
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        of principal: Principal
    ) throws(GatewayError) -> String? {
        let scope = try IdempotencyScope(of: principal, head, headBytes)
        guard let answer = self.find(.keyed(scope)), !answer.isOver else { return nil }
        answer.cut(.asked)
        return answer.requestID
    }

    /// An answer is over and found elsewhere from now on; the memory it has taken is free.
    func leave(_ answer: RunningAnswer, as name: AnswerName, held: Int) {
        self.free(held)
        self.state.withLockedValue { state in
            if state.entries[name]?.answer === answer { state.entries[name] = nil }
        }
    }

    /// An answer is over, and is kept for those who lost their connection near its end.
    func retire(_ answer: RunningAnswer, as name: AnswerName, held: Int) {
        let expiry = self.monotonicClock() + self.runOn()
        let isKept = self.state.withLockedValue { state in
            guard state.entries[name]?.answer === answer else { return false }
            state.entries[name]?.expiry = expiry
            state.entries[name]?.held = held
            return true
        }
        if !isKept { self.free(held) }
    }

    // MARK: - Memory

    /// Takes memory for running answers; false if there is none.
    func hold(_ count: Int) -> Bool {
        guard self.held.wrappingAdd(count, ordering: .relaxed).newValue > Self.heldBytesMax else { return true }
        self.held.wrappingSubtract(count, ordering: .relaxed)
        return false
    }

    private func free(_ count: Int) { self.held.wrappingSubtract(count, ordering: .relaxed) }

    // MARK: - Ends

    /// Cuts off every answer: the server goes down and will wait no longer.
    package func hurry() {
        let running = self.state.withLockedValue { state in
            state.isHurried = true
            return state.entries.values.filter { $0.expiry == nil }.map(\.answer)
        }
        for answer in running { answer.cut(.shutdown) }
    }

    /// Whether any answer goes on although nobody reads it.
    package var hasAnswerWithoutReader: Bool {
        self.state.withLockedValue { $0.entries.values.contains { $0.answer.isAlone } }
    }

    /// Cuts off what goes on for nobody for too long, the surplus of what goes on for nobody, and lets go of what was
    /// kept long enough.
    package func cutForsaken() {
        let now = self.monotonicClock()
        let limit = self.runOn()
        let (running, freed) = self.state.withLockedValue { state in
            var running: [RunningAnswer] = []
            var freed = 0
            for (name, entry) in state.entries {
                if let expiry = entry.expiry {
                    guard expiry <= now else { continue }
                    freed += entry.held
                    state.entries[name] = nil
                } else {
                    running.append(entry.answer)
                }
            }
            return (running, freed)
        }
        self.free(freed)
        var alone = 0
        for answer in running {
            if answer.isAlone { alone += 1 }
            if alone > Self.aloneMax || answer.isForsaken(now: now, limit: limit) { answer.cut(.noReader) }
        }
    }

    /// Goes on until cancelled.
    package func run() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(500))
            self.cutForsaken()
        }
    }

    // MARK: - Figures

    /// For `/metrics`.
    package var gauges: [Gauge] {
        [
            Gauge(name: "turnpike_resumable_answers", help: "Answers that run now and may outlive their connection.") {
                Double(self.state.withLockedValue { $0.entries.values.count { $0.expiry == nil } })
            },
            Gauge(name: "turnpike_resumable_bytes", help: "Bytes of such answers in memory.") {
                Double(self.held.load(ordering: .relaxed))
            },
        ]
    }
}
