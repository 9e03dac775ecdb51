import Chat
import Core
import Database
import Metering
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

/// A meter over a real journal and a real store, which can die and be born again.
final class MeterFixture {
    static let noon = UnixTime(seconds: 1_795_262_400)  // 2026-11-21T12:00:00Z
    static let rates = Rates(input: 1_000_000, output: 2_000_000, source: "test")
    static let demo = Consumer(group: "demo", user: "ann", key: "k1", model: "fast")

    let scratch: ScratchFolder
    let database: SQLiteDatabase
    let clock = NIOLockedValueBox(MeterFixture.noon)
    let alerts = NIOLockedValueBox<[BudgetAlert]>([])
    private var lives: [Life] = []
    var meter: Meter { self.lives[0].meter }
    var fold: LedgerFold { self.lives[0].fold }
    var keeper: JournalKeeper { self.lives[0].keeper }
    var claims: Set<String> { self.lives[0].claims }

    /// What ends with a process.
    private struct Life {
        var meter: Meter
        var fold: LedgerFold
        var keeper: JournalKeeper
        var claims: Set<String>
    }

    init(segmentBytes: Int = 64 << 10) async throws {
        self.scratch = try ScratchFolder()
        self.database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: self.database, now: Self.noon)
        self.segmentBytes = segmentBytes
        self.lives = [try await self.begin()]
    }

    private let segmentBytes: Int

    /// Ends as `kill -9` does, the file system alone surviving, and starts anew.
    func crash() async throws {
        try await self.keeper.close()
        // As the end of a process does.
        await self.fold.close()
        self.lives = []
        self.lives = [try await self.begin()]
    }

    private func begin() async throws -> Life {
        let (clock, alerts, database) = (self.clock, self.alerts, self.database)
        let folder = "\(self.scratch.path)/journal"
        let dead = try DeadJournal.all(in: folder)
        let now = { @Sendable in clock.withLockedValue { $0 } }
        let epoch = try await database.write { session in
            try LedgerStore().newEpoch(instance: "test", now: now(), in: session)
        }
        var options = JournalOptions(now: now) { Issue.record("the journal failed: \($0)") }
        options.segmentBytes = self.segmentBytes
        let (writer, encoder, keeper) = try Journal.open(
            folder: folder,
            epoch: epoch,
            key: JournalKey([UInt8](repeating: UInt8(truncatingIfNeeded: epoch), count: 16)),
            options: options
        )
        let meter = Meter(epoch: epoch, journal: writer, encoder: encoder, keeper: keeper) { alert in
            alerts.withLockedValue { $0.append(alert) }
        }
        let surroundings = LedgerFold.Surroundings(now: now, onFault: { Issue.record("\($0)") })
        let fold = LedgerFold(meter: meter, keeper: keeper, database: database, surroundings: surroundings)
        let claims = try await fold.recover(dead)
        return Life(meter: meter, fold: fold, keeper: keeper, claims: claims)
    }

    // MARK: - Attempts

    func intent(_ number: Int, consumer: Consumer = MeterFixture.demo) -> AttemptIntent {
        AttemptIntent(
            requestID: "req-\(number)",
            startedAt: self.clock.withLockedValue { $0 },
            consumer: consumer,
            operation: "chat",
            provider: "sim",
            upstreamModel: "m",
            isStream: true,
            inputEstimate: 10,
            rates: Self.rates
        )
    }

    /// Begins an attempt that costs at most `input + 2 * output` millionths.
    func begin(_ number: Int, input: Int = 10, output: Int = 5) throws(MeterRefusal) -> OpenAttempt {
        let size = AttemptSize(inputBound: input, outputWanted: output, outputPossible: output)
        return try self.meter.begin(self.intent(number), size)
    }

    func findings(
        _ ending: AttemptFindings.Ending = .whole,
        input: Int? = 10,
        output: Int? = 5,
        hasContent: Bool = true
    ) -> AttemptFindings {
        AttemptFindings(
            ending: ending,
            hasContent: hasContent,
            usage: TokenUsage(input: input, output: output),
            outputCounted: hasContent ? 5 : 0,
            endedAt: self.clock.withLockedValue { $0 }
        )
    }

    // MARK: - What came of it

    struct Totals: Equatable {
        var rows: Int64
        var charged: Int64
    }

    func totals() async throws -> Totals {
        try await self.database.read { session in
            let row = try session.first("SELECT COUNT(*) AS n, COALESCE(SUM(charged), 0) AS sum FROM ledger")
            return Totals(rows: try row?.integer("n") ?? 0, charged: try row?.integer("sum") ?? 0)
        }
    }

    func count(outcome: AttemptOutcome) async throws -> Int64 {
        try await self.database.read { session in
            try session.first("SELECT COUNT(*) AS n FROM ledger WHERE outcome = \(outcome.name)")?.integer("n") ?? 0
        }
    }

    func spent() -> Int64 { self.meter.standings(at: self.clock.withLockedValue { $0 }).first?.spent ?? -1 }
    func reserved() -> Int64 { self.meter.standings(at: self.clock.withLockedValue { $0 }).first?.reserved ?? -1 }
}
