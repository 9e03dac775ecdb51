import Chat
import Core
import Database
import SQLite
import TestKit
import Testing

@testable import Metering

@Suite struct MeterTests {
    private static func budget(_ limit: Int64) -> BudgetRule {
        BudgetRule(name: "demo", scope: Scope([.group: .one("demo")]), limit: limit, window: .month)
    }

    @Test func `a thousand calls at once on a budget for a hundred: exactly a hundred (rows 69, 70)`() async throws {
        for _ in 0..<20 {
            let fixture = try await MeterFixture(segmentBytes: 1 << 20)
            try await fixture.fold.install([Self.budget(100 * 20)])
            let meter = fixture.meter
            let intent = fixture.intent(1)
            let findings = fixture.findings()
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<1000 {
                    group.addTask {
                        let size = AttemptSize(inputBound: 10, outputWanted: 5, outputPossible: 5)
                        guard let attempt = try? meter.begin(intent, size) else { return false }
                        await Task.yield()
                        return meter.end(attempt, findings).charged == MicroDollars(20)
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 100)
            try await fixture.fold.fold()
            #expect(try await fixture.totals() == .init(rows: 100, charged: 2000))
            #expect(fixture.spent() == 2000)
            #expect(fixture.reserved() == 0)
        }
    }

    @Test func `what no budget covers is refused before anything is written`() async throws {
        let fixture = try await MeterFixture()
        try await fixture.fold.install([Self.budget(10)])
        #expect(throws: MeterRefusal.self) { try fixture.begin(1) }
        try await fixture.fold.fold()
        #expect(try await fixture.totals().rows == 0)
        #expect(fixture.meter.counts.refused == 1)
    }

    @Test func `an answer is held to what can be paid for (row 71)`() async throws {
        let fixture = try await MeterFixture()
        try await fixture.fold.install([Self.budget(110)])
        let size = AttemptSize(inputBound: 10, outputWanted: nil, outputPossible: 4096)
        let attempt = try fixture.meter.begin(fixture.intent(1), size)
        // Ten for the request, two for each of fifty tokens.
        #expect(attempt.outputLimit == 50)
        #expect(attempt.intent.reserved == MicroDollars(110))
        #expect(throws: MeterRefusal.self) { try fixture.begin(2) }
        _ = fixture.meter.end(attempt, fixture.findings(input: 10, output: 20))
        #expect(fixture.spent() == 50)
        // A provider that gives more than it was allowed is paid; the next call is refused, and somebody should look.
        let second = try fixture.begin(3, input: 10, output: 25)
        _ = fixture.meter.end(second, fixture.findings(input: 10, output: 500))
        #expect(fixture.spent() == 50 + 1010)
        #expect(fixture.meter.counts.absurd == 1)
        #expect(throws: MeterRefusal.self) { try fixture.begin(4, input: 1, output: 1) }
    }

    @Test func `an answer that outgrows its bound goes on only as long as there is money`() async throws {
        let fixture = try await MeterFixture()
        try await fixture.fold.install([Self.budget(3000)])
        let attempt = try fixture.begin(1, input: 10, output: 100)
        #expect(fixture.meter.note(.init(usage: .init(), outputCounted: 150), of: attempt))
        #expect(fixture.reserved() == 210)
        #expect(fixture.meter.note(.init(usage: .init(), outputCounted: 400), of: attempt))
        #expect(fixture.reserved() > 800)
        #expect(!fixture.meter.note(.init(usage: .init(), outputCounted: 5000), of: attempt))
        var findings = fixture.findings(.cut, input: nil, output: nil)
        findings.outputCounted = 1400
        let end = fixture.meter.end(attempt, findings)
        #expect(end.outcome == .cut)
        #expect(end.charged == MicroDollars(10 + 2800))
        #expect(fixture.reserved() == 0)
    }

    @Test func `a new budget knows what was spent before it, folded or not`() async throws {
        let fixture = try await MeterFixture()
        func spend(_ number: Int) throws { _ = fixture.meter.end(try fixture.begin(number), fixture.findings()) }
        for number in 0..<5 { try spend(number) }
        try await fixture.fold.fold()
        for number in 5..<8 { try spend(number) }
        let open = try fixture.begin(8)
        try await fixture.fold.install([Self.budget(200)])
        #expect(fixture.spent() == 160)
        // It began before the budget was there, so nothing was set aside for it; what it used counts.
        _ = fixture.meter.end(open, fixture.findings())
        #expect(fixture.spent() == 180)
        try await fixture.fold.fold()
        try spend(9)
        #expect(fixture.spent() == 200)
        try await fixture.crash()
        try await fixture.fold.install([Self.budget(200)])
        #expect(fixture.spent() == 200)
        #expect(throws: MeterRefusal.self) { try fixture.begin(10) }
    }

    @Test func `whenever it dies, each attempt is in the ledger once and the budget knows it (rows 74, 75)`()
        async throws
    {
        for seed in 0..<15 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let fixture = try await MeterFixture()
            try await fixture.fold.install([Self.budget(.max)])
            var open: [OpenAttempt] = []
            var begun: Int64 = 0
            var charged: Int64 = 0
            var ended: Int64 = 0
            for step in 0..<400 {
                switch Int.random(in: 0..<100, using: &generator) {
                case ..<50:
                    open.append(try fixture.begin(step))
                    begun += 1
                case ..<85 where !open.isEmpty:
                    let one = open.remove(at: Int.random(in: 0..<open.count, using: &generator))
                    let isWhole = Bool.random(using: &generator)
                    let findings = isWhole ? fixture.findings() : fixture.findings(.refused, hasContent: false)
                    charged += fixture.meter.end(one, findings).charged.value
                    ended += 1
                case ..<90 where !open.isEmpty:
                    let place = Int.random(in: 0..<open.count, using: &generator)
                    _ = fixture.meter.note(.init(usage: .init(), outputCounted: 3), of: open[place])
                case ..<97: try await fixture.fold.fold()
                default:
                    try await fixture.crash()
                    try await fixture.fold.install([Self.budget(.max)])
                    let cutOff = await fixture.fold.recovered.interrupted
                    // Those of a death that nobody folded since are among them.
                    #expect(cutOff >= open.count)
                    open = []
                    charged = fixture.spent()
                }
            }
            for one in open { charged += fixture.meter.end(one, fixture.findings()).charged.value }
            try await fixture.fold.fold()
            let totals = try await fixture.totals()
            #expect(totals == .init(rows: begun, charged: charged))
            #expect(fixture.spent() == charged)
            #expect(fixture.reserved() == 0)
            let verdict = try await fixture.database.read { try LedgerStore().verify(in: $0) }
            #expect(verdict.isSound, "\(verdict)")
        }
    }

    @Test func `an attempt that stays open keeps no old segment of the journal`() async throws {
        let fixture = try await MeterFixture()
        let long = try fixture.begin(0)
        for number in 1..<3000 {
            _ = fixture.meter.end(try fixture.begin(number), fixture.findings())
            if number % 100 == 0 {
                fixture.keeper.tick()
                await fixture.keeper.settle()
                try await fixture.fold.fold()
            }
        }
        try await fixture.fold.fold()
        #expect(fixture.keeper.status.bytes <= 4 * 64 << 10)
        try await fixture.crash()
        let interrupted = await fixture.fold.recovered.interrupted
        #expect(interrupted == 1)
        try await fixture.fold.fold()
        #expect(try await fixture.totals().rows == 3000)
        _ = long
    }

    @Test func `an attempt that is carried after it has ended does not begin again`() async throws {
        let fixture = try await MeterFixture()
        let long = try fixture.begin(0)
        for number in 1..<600 {
            _ = fixture.meter.end(try fixture.begin(number), fixture.findings())
            fixture.keeper.tick()
            await fixture.keeper.settle()
        }
        #expect(fixture.keeper.written.segment > 1)
        let known = OpenAttempts.Known(intent: long.intent, checkpoint: nil, position: long.position)
        _ = fixture.meter.end(long, fixture.findings())
        try fixture.meter.carry(long.id, known)
        try await fixture.fold.fold()
        #expect(try await fixture.totals().rows == 600)
        try await fixture.crash()
        let interrupted = await fixture.fold.recovered.interrupted
        #expect(interrupted == 0)
        try await fixture.fold.fold()
        #expect(try await fixture.totals().rows == 600)
    }

    @Test func `while the store cannot be written the journal keeps everything, and nothing twice`() async throws {
        let fixture = try await MeterFixture(segmentBytes: 1 << 20)
        for number in 0..<50 { _ = fixture.meter.end(try fixture.begin(number), fixture.findings()) }
        try await fixture.database.write { try $0.execute("ALTER TABLE usage_hours RENAME TO gone") }
        await #expect(throws: DatabaseError.self) { try await fixture.fold.fold() }
        for number in 50..<60 { _ = fixture.meter.end(try fixture.begin(number), fixture.findings()) }
        await #expect(throws: DatabaseError.self) { try await fixture.fold.fold() }
        #expect(try await fixture.totals().rows == 0)
        try await fixture.database.write { try $0.execute("ALTER TABLE gone RENAME TO usage_hours") }
        try await fixture.fold.fold()
        #expect(try await fixture.totals() == .init(rows: 60, charged: 1200))
    }
}
