import Chat
import Core
import Glibc
import Metering
import SQLite

import struct Database.MigrationRunner

/// A store, a journal, a meter and a fold as the gateway has them, and calls to fill them with.
struct Works {
    let database: SQLiteDatabase
    let meter: Meter
    let fold: LedgerFold
    let keeper: JournalKeeper

    /// 2026-11-01T00:00:00Z.
    static let start = UnixTime(milliseconds: 1_793_491_200_000)
    static let rates = Rates(input: 150_000, output: 600_000, cachedInput: 75_000, source: "built-in 2026-11-20")

    /// A hard budget and a soft one, both about every call and never used up.
    static let budgets = [
        BudgetRule(name: "group", scope: Scope([.group: .each]), limit: 1 << 50, window: .month, alerts: [80]),
        BudgetRule(
            name: "user",
            scope: Scope([.user: .each]),
            limit: 1 << 50,
            window: .day,
            mode: .soft,
            alerts: [50, 80, 100]
        ),
    ]

    /// Opens all of it below a folder, for the epoch that comes next.
    static func open(_ folder: String, epoch: Int64) async throws -> Works {
        let database = try await Self.store(folder)
        let now = { @Sendable in Self.now }
        var options = JournalOptions(now: now) { _ in abort() }
        options.bytesMax = 4 << 30
        let (writer, encoder, keeper) = try Journal.open(
            folder: "\(folder)/journal",
            epoch: epoch,
            key: JournalKey([UInt8](repeating: 7, count: 16)),
            options: options
        )
        let meter = Meter(epoch: epoch, journal: writer, encoder: encoder, keeper: keeper)
        let surroundings = LedgerFold.Surroundings(now: now, onFault: { _ in abort() })
        let fold = LedgerFold(meter: meter, keeper: keeper, database: database, surroundings: surroundings)
        return Works(database: database, meter: meter, fold: fold, keeper: keeper)
    }

    /// A migrated store in a file.
    static func store(_ folder: String) async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase.open(path: "\(folder)/turnpike.db")
        _ = try await MigrationRunner().run(on: database, now: Self.start)
        return database
    }

    static var now: UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    // MARK: - Calls

    /// A chat call of today, of one of a hundred people in ten groups.
    static func intent(_ number: Int, at time: UnixTime) -> AttemptIntent {
        let user = number &* 7919 % 100
        var intent = AttemptIntent(
            requestID: "req_01ja8x2k9vcmb4s6t7yw3z5d\(number % 100)",
            startedAt: time,
            consumer: Consumer(
                group: "group-\(user % 10)",
                user: "user-\(user)",
                key: "tpk_abcdefgh\(user)",
                model: "gpt-4o-mini"
            ),
            operation: "chat",
            provider: "openai",
            upstreamModel: "gpt-4o-mini-2024-07-18",
            isStream: number % 2 == 0,
            inputEstimate: 250,
            outputMax: 1000,
            rates: Self.rates
        )
        intent.credentialID = "cred_01ja8x2k9vcmb4s6t7yw3z5d"
        return intent
    }

    static let size = AttemptSize(inputBound: 1100, outputWanted: 1000, outputPossible: 16_384)

    static func findings(_ intent: AttemptIntent) -> AttemptFindings {
        AttemptFindings(
            ending: .whole,
            hasContent: true,
            usage: TokenUsage(input: 250, output: 120, cachedInput: 0),
            outputCounted: 118,
            endedAt: UnixTime(milliseconds: intent.startedAt.milliseconds + 900),
            upstreamStatus: 200,
            firstContentMilliseconds: 350
        )
    }

    /// Begins and ends calls, and says what CPU time that took in this thread.
    ///
    /// Waits while the journal has no room: here come more in a second than providers answer in a minute.
    func settle(_ intents: [AttemptIntent]) async throws -> Double {
        var used = 0.0
        var rest = intents[...]
        while !rest.isEmpty {
            let began = Clock.thread.seconds
            let done = try self.settle(rest)
            used += Clock.thread.seconds - began
            rest = rest.dropFirst(done)
            if !rest.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
        return used
    }

    /// As many as there is room for.
    private func settle(_ intents: ArraySlice<AttemptIntent>) throws -> Int {
        for (index, intent) in intents.enumerated() {
            do throws(MeterRefusal) {
                let attempt = try self.meter.begin(intent, Self.size)
                _ = self.meter.end(attempt, Self.findings(intent))
            } catch {
                guard case .storageFull = error else { throw error }
                return index
            }
        }
        return intents.count
    }
}
