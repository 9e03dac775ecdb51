import Chat
import Core
import Database
import Glibc
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

@testable import Metering

/// A process that dies at some moment of some record while several attempts are open, and the ledger that the next one
/// makes of what it left (row 74).
///
/// The journal lies in mapped memory, where no tool that watches system calls sees a write; so each death is a copy of
/// the files, taken through read(2) from within the write itself, and the next life begins with that copy and with the
/// store as it was.
@Suite struct JournalKillTests {
    @Test func `a death at any moment of any record leaves each attempt once, with what it had said by then`()
        async throws
    {
        let whole = try await Life.run(stoppingAt: nil)
        let moments = Dictionary(grouping: whole.moments.indices) { whole.moments[$0].name }
        // All kinds of records, each at each of its moments.
        #expect(Set(whole.moments.map(\.kind)) == [.intent, .checkpoint, .end, .carried, .seal])
        try await Self.check(whole)
        for places in moments.values {
            // The first and the last of its sort in each step: with as little and as much as there is around it.
            for place in Set([places[0], places[places.count / 2], places[places.count - 1]]) {
                let death = try await Life.run(stoppingAt: place)
                try await Self.check(death)
            }
        }
    }

    /// Starts anew on what a death left, and holds the ledger against what had been written.
    private static func check(_ death: Life) async throws {
        let comment = Comment(rawValue: "death at \(death.moments.last?.name ?? "no moment")")
        // Born again and again: the first time it dies before anything is in the ledger, the second time when all is
        // and the journal is not deleted yet, so that the third finds everything in both.
        try await death.bear().keeper.close()
        try death.keepJournal()
        try await Self.checkLife(of: death, comment)
        try await death.restoreJournal()
        try await Self.checkLife(of: death, comment)
    }

    private static func checkLife(of death: Life, _ comment: Comment) async throws {
        let (meter, fold, keeper) = try await death.bear()
        try await fold.install([Life.budget])
        let spent = meter.standings(at: Life.noon).first?.spent ?? 0
        try await fold.fold()

        let rows = try await death.rows()
        #expect(rows.count == Set(rows.map(\.id)).count, comment)
        #expect(Set(rows.map(\.id)) == Set(death.expected.keys), comment)
        for row in rows {
            #expect(death.expected[row.id] == row.figures, comment)
        }
        // The budget is what the ledger says, before it is there and afterwards, and nothing is set aside.
        #expect(spent == rows.reduce(0) { $0 + $1.charged }, comment)
        #expect(meter.standings(at: Life.noon).first?.spent ?? 0 == spent, comment)
        #expect(meter.standings(at: Life.noon).first?.reserved ?? 0 == 0, comment)
        let verdict = try await death.database.read { try LedgerStore().verify(in: $0) }
        #expect(verdict.isSound, comment)
        try await keeper.close()
    }
}

/// One life of a meter, from its first record to its death.
private final class Life {
    static let noon = UnixTime(seconds: 1_795_262_400)
    static let rates = Rates(input: 1_000_000, output: 2_000_000, source: "test")
    static let budget = BudgetRule(
        name: "all",
        scope: Scope([.group: .one("demo")]),
        unit: .money,
        limit: 1_000_000_000,
        window: .total,
        mode: .hard,
        alerts: []
    )

    struct Moment {
        var step: Int
        var kind: JournalKind
        var moment: JournalMoment
        var name: String { "\(self.kind) \(self.moment) in step \(self.step)" }
    }

    struct Figures: Equatable {
        var outcome: AttemptOutcome
        var output: Int64?
    }

    struct Row {
        var id: Int64
        var figures: Figures
        var charged: Int64
    }

    /// What the writer says while it writes.
    private struct Watch {
        var moments: [Moment] = []
        var step = 0
        var stop: Int?
        var isDead = false
        /// The records that exist, as the writer stored them.
        var stored = 0
        var storedAtDeath = 0
    }

    let scratch: ScratchFolder
    let database: SQLiteDatabase
    private let watch: NIOLockedValueBox<Watch>
    /// What the ledger must say, by attempt.
    private(set) var expected: [Int64: Figures] = [:]

    var moments: [Moment] { self.watch.withLockedValue(\.moments) }

    private init(_ stop: Int?) async throws {
        self.scratch = try ScratchFolder()
        self.database = try SQLiteDatabase.inMemory()
        self.watch = NIOLockedValueBox(Watch(stop: stop))
        try await MigrationRunner().run(on: self.database, now: Self.noon)
    }

    // MARK: - The life

    /// Lives until the moment with the given number, or to the end.
    static func run(stoppingAt stop: Int?) async throws -> Life {
        let life = try await Life(stop)
        let (meter, fold, keeper) = try await life.open("journal", epoch: 1, watched: true)
        try await fold.install([Self.budget])
        await Self.breathe(keeper)
        var open: [OpenAttempt] = []
        for (number, step) in Self.steps.enumerated() {
            life.watch.withLockedValue { $0.step = number }
            try await life.take(step, meter, fold, keeper, &open)
            if life.watch.withLockedValue(\.isDead) { break }
        }
        try await keeper.close()
        return life
    }

    enum Step { case begin(Int), note, end(Int), turn, fold }

    /// Several attempts are open at any time; the segment turns twice under them, so that they have to be carried.
    private static let steps: [Step] = [
        .begin(6), .note, .end(2), .fold, .begin(3), .turn, .note, .fold, .end(3), .turn, .fold, .fold, .note, .end(4),
    ]

    private func take(
        _ step: Step,
        _ meter: Meter,
        _ fold: LedgerFold,
        _ keeper: JournalKeeper,
        _ open: inout [OpenAttempt]
    ) async throws {
        switch step {
        case .begin(let count):
            for _ in 0..<count where !self.isDead { open.append(try self.begin(meter)) }
        case .note:
            for index in open.indices where !self.isDead {
                let checkpoint = AttemptCheckpoint(usage: TokenUsage(), outputCounted: 10 + index)
                let before = self.stored
                _ = meter.note(checkpoint, of: open[index])
                if self.survives(before) {
                    self.expected[open[index].id.value] = Figures(outcome: .interrupted, output: Int64(10 + index))
                }
            }
        case .end(let count):
            for _ in 0..<count where !self.isDead { self.end(open.removeFirst(), meter) }
        case .turn:
            let segment = keeper.written.segment
            while keeper.written.segment == segment, !self.isDead { self.end(try self.begin(meter), meter) }
            await Self.breathe(keeper)
        case .fold:
            try await fold.fold()
        }
    }

    private func begin(_ meter: Meter) throws -> OpenAttempt {
        var intent = AttemptIntent(
            requestID: "req",
            startedAt: Self.noon,
            consumer: Consumer(group: "demo", user: "ann", key: "k1", model: "fast"),
            operation: "chat",
            provider: "sim",
            upstreamModel: "m",
            isStream: true,
            inputEstimate: 10,
            rates: Self.rates
        )
        // So that a segment is soon full.
        intent.metadata = String(repeating: "x", count: 2000)
        let before = self.stored
        let attempt = try meter.begin(intent, AttemptSize(inputBound: 10, outputWanted: 100, outputPossible: 100))
        if self.survives(before) {
            self.expected[attempt.id.value] = Figures(outcome: .interrupted, output: nil)
        }
        return attempt
    }

    private func end(_ attempt: OpenAttempt, _ meter: Meter) {
        let before = self.stored
        let findings = AttemptFindings(
            ending: .whole,
            hasContent: true,
            usage: TokenUsage(input: 10, output: 50),
            outputCounted: 50,
            endedAt: Self.noon
        )
        _ = meter.end(attempt, findings)
        if self.survives(before) { self.expected[attempt.id.value] = Figures(outcome: .ok, output: 50) }
    }

    private var isDead: Bool { self.watch.withLockedValue(\.isDead) }
    private var stored: Int { self.watch.withLockedValue(\.stored) }

    /// Whether the last record, of which there were `before` ahead of it, is in what the death left.
    ///
    /// A seal may come ahead of it, and counts as none.
    private func survives(_ before: Int) -> Bool {
        self.watch.withLockedValue { !$0.isDead || $0.storedAtDeath > before }
    }

    /// Has spare segments made.
    private static func breathe(_ keeper: JournalKeeper) async {
        keeper.tick()
        await keeper.settle()
    }

    // MARK: - The next life

    /// Starts anew on what the death left.
    func bear() async throws -> (meter: Meter, fold: LedgerFold, keeper: JournalKeeper) {
        let folder = self.isDead ? "left" : "journal"
        let epoch = try await self.database.write { session in
            try LedgerStore().newEpoch(instance: "next", after: 1, now: Self.noon, in: session)
        }
        let dead = try DeadJournal.all(in: "\(self.scratch.path)/\(folder)").filter { $0.epoch == 1 }
        let opened = try await self.open(folder, epoch: epoch, watched: false)
        _ = try await opened.fold.recover(dead)
        return opened
    }

    private var left: String { "\(self.scratch.path)/\(self.isDead ? "left" : "journal")/1" }

    /// Puts a copy of what the death left aside.
    func keepJournal() throws { try Self.copy(self.left, to: "\(self.scratch.path)/kept") }

    /// Puts it back, as if it had never been deleted, and the cursor as if it had not followed the rows yet.
    func restoreJournal() async throws {
        try await self.database.write { try $0.execute("DELETE FROM journal_cursors") }
        let kept = "\(self.scratch.path)/kept/1"
        #expect(mkdir(self.left, 0o700) == 0)
        for segment in try JournalFolder.segments(in: kept) {
            let name = segment.path.dropFirst(kept.count)
            try TestFile.write(try TestFile.bytes(segment.path), at: 0, to: "\(self.left)\(name)")
        }
    }

    func rows() async throws -> [Row] {
        try await self.database.read { session in
            try session.map("SELECT attempt_id, outcome, output_tokens, charged FROM ledger ORDER BY seq") {
                row throws(DatabaseError) in
                Row(
                    id: try row.integer("attempt_id"),
                    figures: Figures(
                        outcome: AttemptOutcome(name: try row.text("outcome")) ?? .failed,
                        output: try row.optionalInteger("output_tokens")
                    ),
                    charged: try row.integer("charged")
                )
            }
        }
    }

    private func open(
        _ folder: String,
        epoch: Int64,
        watched: Bool
    ) async throws -> (meter: Meter, fold: LedgerFold, keeper: JournalKeeper) {
        var options = JournalOptions(now: { Self.noon }) { Issue.record("the journal failed: \($0)") }
        options.segmentBytes = 128 << 10
        if watched { options.probe = self.probe() }
        let (writer, encoder, keeper) = try Journal.open(
            folder: "\(self.scratch.path)/\(folder)",
            epoch: epoch,
            key: JournalKey([UInt8](repeating: UInt8(truncatingIfNeeded: epoch), count: 16)),
            options: options
        )
        let meter = Meter(epoch: epoch, journal: writer, encoder: encoder, keeper: keeper)
        let surroundings = LedgerFold.Surroundings(now: { Self.noon }, onFault: { Issue.record("\($0)") })
        return (
            meter,
            LedgerFold(meter: meter, keeper: keeper, database: self.database, surroundings: surroundings),
            keeper
        )
    }

    private func probe() -> @Sendable (JournalMoment, JournalKind) -> Void {
        let (watch, path) = (self.watch, self.scratch.path)
        return { moment, kind in
            watch.withLockedValue { watch in
                if watch.isDead { return }
                watch.moments.append(Moment(step: watch.step, kind: kind, moment: moment))
                if moment == .stored, kind != .seal { watch.stored += 1 }
                guard watch.stop == watch.moments.count - 1 else { return }
                watch.isDead = true
                watch.storedAtDeath = watch.stored
                do { try Self.copy("\(path)/journal/1", to: "\(path)/left") } catch { Issue.record("\(error)") }
            }
        }
    }

    /// What the kernel has of the files.
    private static func copy(_ from: String, to folder: String) throws {
        #expect(mkdir(folder, 0o700) == 0)
        #expect(mkdir("\(folder)/1", 0o700) == 0)
        for segment in try JournalFolder.segments(in: from) {
            let name = segment.path.dropFirst(from.count)
            try TestFile.write(try TestFile.bytes(segment.path), at: 0, to: "\(folder)/1\(name)")
        }
    }
}
