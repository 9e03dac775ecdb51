package import Core
package import Database
package import Logging
internal import Metering
internal import NIOConcurrencyHelpers
package import NIOCore
package import Providers
package import Telemetry

/// Calls to shadow targets: how many there may be, what they may cost, and where their answers are kept.
///
/// `run()` writes comparisons into the store, behind the road. Whatever is too much is left out: no client waits for a
/// shadow, and none is refused for one. Safe to use from any thread.
package final class ShadowBook: Sendable {
    /// Shadow calls at the same time.
    static let openMax = 16
    /// How long one may take.
    static let timeMax = TimeAmount.minutes(2)
    /// The largest request that is copied.
    static let bodyBytesMax = 1 << 20
    /// Comparisons that wait for the store; later ones are lost.
    private static let waitingMax = 256
    private static let batch = 32

    private struct Open {
        var deadline: NIODeadline
        var task: Task<Void, any Error>?
    }

    private struct Spending {
        /// When the day began that the sum is of.
        var day: UnixTime
        var sum = MicroDollars.zero
    }

    private struct State {
        var open: [Int: Open] = [:]
        var nextNumber = 0
        var waiting: [(answer: ShadowAnswer, keep: Int)] = []
        var spending: [String: Spending] = [:]
        /// Whether it is known what was spent today before this process began.
        var knowsSpending = false
        var isStopped = false
        var begun: UInt64 = 0
        var kept: UInt64 = 0
        var withheld: UInt64 = 0
        var lost: UInt64 = 0
    }

    private let database: any Database
    private let logger: Logger
    private let wallClock: @Sendable () -> UnixTime
    private let monotonicClock: @Sendable () -> NIODeadline
    private let state = NIOLockedValueBox(State())

    package init(
        database: any Database,
        logger: Logger,
        wallClock: @escaping @Sendable () -> UnixTime,
        monotonicClock: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.database = database
        self.logger = logger
        self.wallClock = wallClock
        self.monotonicClock = monotonicClock
    }

    // MARK: - One shadow call

    /// Lets a shadow call begin, or says why not.
    ///
    /// - Returns: Its number, for `run` and `leave`.
    func admit(_ alias: String, _ terms: ShadowEntry) -> Result<Int, ShadowRefusal> {
        let deadline = self.monotonicClock() + Self.timeMax
        let today = self.wallClock().startOfDay
        return self.state.withLockedValue { state in
            if let refusal = Self.refusal(alias, terms, today, state) {
                state.withheld += 1
                return .failure(refusal)
            }
            state.nextNumber += 1
            state.open[state.nextNumber] = Open(deadline: deadline)
            state.begun += 1
            return .success(state.nextNumber)
        }
    }

    private static func refusal(
        _ alias: String,
        _ terms: ShadowEntry,
        _ today: UnixTime,
        _ state: State
    ) -> ShadowRefusal? {
        if state.isStopped { return .goingDown }
        if state.open.count >= Self.openMax { return .tooMany }
        guard let limit = terms.dailyBudget else { return nil }
        guard state.knowsSpending else { return .spendingUnknown }
        let spending = state.spending[alias].flatMap { $0.day == today ? $0.sum : nil } ?? .zero
        return spending < limit ? nil : .budget
    }

    /// The task of a call that was let in.
    func run(_ number: Int, _ task: Task<Void, any Error>) {
        let mustEnd = self.state.withLockedValue { state in
            state.open[number]?.task = task
            return state.isStopped
        }
        if mustEnd { task.cancel() }
    }

    /// A call that was let in is over.
    ///
    /// - Parameter cost: What its provider takes for it.
    func leave(_ number: Int, _ alias: String, cost: MicroDollars) {
        let today = self.wallClock().startOfDay
        self.state.withLockedValue { state in
            state.open[number] = nil
            Self.add(cost, to: alias, on: today, &state)
        }
    }

    private static func add(_ cost: MicroDollars, to alias: String, on day: UnixTime, _ state: inout State) {
        var spending = state.spending[alias] ?? Spending(day: day)
        if spending.day != day { spending = Spending(day: day) }
        spending.sum += cost
        state.spending[alias] = spending
    }

    /// Hands over a comparison for the store.
    ///
    /// - Parameter limit: How many of its alias are kept.
    func keep(_ answer: ShadowAnswer, atMost limit: Int) {
        guard limit > 0 else { return }
        self.state.withLockedValue { state in
            guard state.waiting.count < Self.waitingMax else { return state.lost += 1 }
            state.waiting.append((answer, limit))
        }
    }

    // MARK: - Life

    /// Ends what takes too long; to be called now and then.
    package func cutOverdue() {
        let now = self.monotonicClock()
        let overdue = self.state.withLockedValue { state in
            state.open.values.filter { $0.deadline <= now }.compactMap(\.task)
        }
        for task in overdue { task.cancel() }
    }

    /// Goes on until cancelled.
    package func run() async throws {
        while true {
            await self.learnSpending()
            self.cutOverdue()
            await self.write()
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Begins no more, ends what runs, and writes down the last of it.
    package func finish() async {
        let tasks = self.state.withLockedValue { state in
            state.isStopped = true
            return state.open.values.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
        await self.write()
    }

    /// Reads what was spent today before this process began, once; until then nothing with a budget is let in.
    package func learnSpending() async {
        guard !self.state.withLockedValue({ $0.knowsSpending }) else { return }
        let today = self.wallClock().startOfDay
        var query = UsageQuery(from: today)
        query.filters = [.init(.variant, AttemptIntent.shadowVariant)]
        let wanted = query
        guard
            let found = try? await self.database.read({ session in
                try LedgerStore().groups(wanted, by: [.model], limit: LedgerStore.pageMax, in: session)
            })
        else { return }
        self.state.withLockedValue { state in
            state.knowsSpending = true
            for group in found.groups {
                guard case .text(let alias)? = group.values.first else { continue }
                Self.add(MicroDollars(group.sums[.cost]), to: alias, on: today, &state)
            }
        }
    }

    /// Writes what waits into the store; what it does not take now waits on.
    package func write() async {
        while true {
            let batch = self.state.withLockedValue { Array($0.waiting.prefix(Self.batch)) }
            guard !batch.isEmpty else { return }
            do {
                try await self.database.write { session in
                    let store = ShadowStore()
                    try store.insert(batch.map(\.answer), in: session)
                    var keep: [String: Int] = [:]
                    for (answer, limit) in batch { keep[answer.alias] = limit }
                    for (alias, limit) in keep { try store.trim(alias, keep: limit, in: session) }
                }
            } catch {
                self.logger.debug(
                    "Comparisons with shadow targets cannot be written now",
                    metadata: [LogKeys.errorReason: "\(error)"]
                )
                return
            }
            self.state.withLockedValue { state in
                state.waiting.removeFirst(batch.count)
                state.kept += UInt64(batch.count)
            }
        }
    }

    // MARK: - Figures

    /// Whether an alias's budget of today is used up, or may be.
    package func isUsedUp(_ alias: String, _ terms: ShadowEntry) -> Bool {
        let today = self.wallClock().startOfDay
        return self.state.withLockedValue { state in
            let refusal = Self.refusal(alias, terms, today, state)
            return refusal == .budget || refusal == .spendingUnknown
        }
    }

    /// Shadow calls that are under way.
    package var count: Int { self.state.withLockedValue { $0.open.count } }

    /// For `/metrics`.
    package var gauges: [Gauge] {
        func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (Figures) -> UInt64) -> Gauge {
            Gauge(name: name, help: help, type: .counter) { Double(read(self.figures)) }
        }
        return [
            Gauge(name: "turnpike_shadows_open", help: "Calls to shadow targets that are under way.") {
                Double(self.count)
            },
            counter("turnpike_shadows_total", "Calls to shadow targets.") { $0.begun },
            counter("turnpike_shadows_withheld_total", "Calls to shadow targets that were not made.") { $0.withheld },
            counter("turnpike_shadow_answers_total", "Comparisons written into the store.") { $0.kept },
            counter("turnpike_shadow_answers_lost_total", "Comparisons that found no room.") { $0.lost },
        ]
    }

    /// What was counted since the start.
    package struct Figures: Sendable, Equatable {
        package var begun: UInt64
        package var kept: UInt64
        package var withheld: UInt64
        package var lost: UInt64
    }

    package var figures: Figures {
        self.state.withLockedValue { state in
            Figures(begun: state.begun, kept: state.kept, withheld: state.withheld, lost: state.lost)
        }
    }
}

/// Why a copy of a call was not sent to its shadow target.
enum ShadowRefusal: Error, Sendable, Equatable {
    case goingDown, tooMany, spendingUnknown, budget

    /// The same in words.
    var words: StaticReason {
        switch self {
        case .goingDown: "the gateway is going down"
        case .tooMany: "as many as may be are under way"
        case .spendingUnknown: "it is not known yet what was spent today"
        case .budget: "the day's budget for it is used up"
        }
    }
}
