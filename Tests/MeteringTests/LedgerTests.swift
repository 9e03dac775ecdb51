import Chat
import Core
import Database
import Metering
import SQLite
import TestKit
import Testing

@Suite struct LedgerTests {
    private static func sums(_ fixture: LedgerFixture) async throws -> [Int64] {
        try await fixture.database.read { session in
            let row = try session.first(
                """
                SELECT COALESCE(SUM(attempts), 0) AS a, COALESCE(SUM(calls), 0) AS b,
                    COALESCE(SUM(input_tokens), 0) AS c, COALESCE(SUM(output_tokens), 0) AS d,
                    COALESCE(SUM(cost), 0) AS e, COALESCE(SUM(charged), 0) AS f,
                    COALESCE(SUM(charged_calls), 0) AS g, COALESCE(SUM(charged_tokens), 0) AS h
                FROM usage_hours
                """
            )
            return try row?.values.map { value in
                guard case .integer(let number) = value else { throw InjectedFailure.here }
                return number
            } ?? []
        }
    }

    @Test func `an attempt that is there already is neither added nor summed again, in any order`() async throws {
        let fixture = try await LedgerFixture()
        #expect(try await fixture.fill(0..<600) == 600)
        let before = try await Self.sums(fixture)
        #expect(try await fixture.fill(0..<600) == 0)
        let mixed = [700, 3, 650, 650, 599, 0, 701].map { LedgerFixture.attempt($0) }
        #expect(try await fixture.append(mixed) == 3)
        let after = try await Self.sums(fixture)
        let three = [700, 650, 701].map { LedgerFixture.attempt($0).end }
        #expect(after[0] - before[0] == 3)
        #expect(after[4] - before[4] == three.map(\.cost.value).reduce(0, +))
        #expect(after[7] - before[7] == three.map { $0.usage.total }.reduce(0, +))
        let count = try await fixture.database.read { try $0.first("SELECT COUNT(*) AS n FROM ledger")?.integer("n") }
        #expect(count == 603)
    }

    @Test func `sums are what the rows say, to the token and the millionth of a dollar`() async throws {
        let fixture = try await LedgerFixture()
        let attempts = (0..<2500).map { n in
            LedgerFixture.attempt(n) { attempt in
                attempt.intent.startedAt.milliseconds += Int64(n) * 20_000
                guard n % 4 == 3 else { return }
                attempt.intent.number = 2
                attempt.intent.firstAttempt = AttemptID(epoch: 1, counter: Int64(n - 1))
                attempt.end.outcome = .failed
                attempt.end.charged = .zero
                attempt.end.isCharged = false
            }
        }
        for start in stride(from: 0, to: 2500, by: 500) {
            _ = try await fixture.append(Array(attempts[start..<(start + 500)]))
        }
        let charged = attempts.filter(\.end.isCharged)
        func total(_ attempts: [Attempt], _ figure: (Attempt) -> Int64) -> Int64 {
            attempts.reduce(0) { $0 + figure($1) }
        }
        let wanted = [
            2500,
            total(attempts) { $0.intent.number == 1 ? 1 : 0 },
            total(attempts) { Int64($0.end.usage.input ?? 0) },
            total(attempts) { Int64($0.end.usage.output ?? 0) },
            total(attempts) { $0.end.cost.value },
            total(charged) { $0.end.charged.value },
            Int64(charged.count),
            total(charged) { $0.end.usage.total },
        ]
        #expect(try await Self.sums(fixture) == wanted)
    }

    @Test func `rows, sums and cursor are one step: what is rolled back leaves none of them`() async throws {
        let fixture = try await LedgerFixture()
        _ = try await fixture.append(
            [LedgerFixture.attempt(1)],
            cursor: JournalCursor(epoch: 1, segment: 2, offset: 64)
        )
        let ledger = fixture.ledger
        await #expect(throws: InjectedFailure.here) {
            try await fixture.database.write { session in
                try ledger.append(
                    [LedgerFixture.attempt(2)],
                    cursor: JournalCursor(epoch: 1, segment: 9, offset: 9),
                    in: session
                )
                throw InjectedFailure.here
            }
        }
        #expect(try await Self.sums(fixture)[0] == 1)
        let cursor = try await fixture.database.read { try ledger.cursor(of: 1, in: $0) }
        #expect(cursor == JournalCursor(epoch: 1, segment: 2, offset: 64))
        #expect(try await fixture.database.read { try ledger.cursor(of: 2, in: $0) } == nil)
    }

    @Test func `epochs count up, also past those that only a journal knows of`() async throws {
        let fixture = try await LedgerFixture()
        let ledger = fixture.ledger
        let epochs = try await fixture.database.write { session in
            let first = try ledger.newEpoch(instance: "a", now: LedgerFixture.start, in: session)
            let second = try ledger.newEpoch(instance: "b", after: 41, now: LedgerFixture.start, in: session)
            try ledger.closeEpoch(first, now: LedgerFixture.start, in: session)
            return [first, second, try ledger.newEpoch(instance: "c", now: LedgerFixture.start, in: session)]
        }
        #expect(epochs == [1, 42, 43])
        #expect(try await fixture.database.read { try ledger.openEpochs(in: $0) } == [42, 43])
    }

    @Test(arguments: [
        "UPDATE ledger SET cost = 0 WHERE seq = 1" as SQL, "DELETE FROM ledger WHERE seq = 1", "DELETE FROM ledger",
    ])
    func `the store itself refuses to change or delete a row (row 82)`(statement: SQL) async throws {
        let fixture = try await LedgerFixture()
        try await fixture.fill(0..<3)
        await #expect(throws: DatabaseError.self) { try await fixture.database.write { try $0.execute(statement) } }
        #expect(try await Self.sums(fixture)[0] == 3)
    }

    @Test func `what a stranger says beyond reason is held in bounds, so that no sum overflows (row 72)`() async throws
    {
        let fixture = try await LedgerFixture()
        let attempts = (0..<200).map { n in
            LedgerFixture.attempt(n) { attempt in
                attempt.intent.consumer.model = String(repeating: "m\u{0}", count: 5000)
                attempt.intent.inputEstimate = .max
                attempt.end.usage = TokenUsage(input: .max, output: .max, images: -5, cost: .max)
                attempt.end.cost = .max
                attempt.end.charged = .max
            }
        }
        #expect(try await fixture.append(attempts) == 200)
        #expect(try await fixture.append(attempts) == 0)
        let sums = try await Self.sums(fixture)
        #expect(sums[2] == 200 * Int64(LedgerRow.countMax))
        #expect(sums[4] == 200 * LedgerRow.amountMax.value)
    }

    @Test func `budgets start from sums by hour and consumer`() async throws {
        let fixture = try await LedgerFixture()
        let late = LedgerFixture.attempt(2) { $0.intent.startedAt.milliseconds += UsageHourKey.length }
        _ = try await fixture.append([0, 12, 1].map { LedgerFixture.attempt($0) } + [late])
        let ledger = fixture.ledger
        func sums(from start: UnixTime) async throws -> [BudgetSum] {
            try await fixture.database.read { session in
                var sums: [BudgetSum] = []
                try ledger.budgetSums(from: start, in: session) { sum throws(DatabaseError) in sums.append(sum) }
                return sums
            }
        }
        let all = try await sums(from: LedgerFixture.start)
        #expect(all.map(\.requests).reduce(0, +) == 4)
        let acme = all.filter { $0.consumer.group == "acme" && $0.hour == LedgerFixture.start }
        let both = [0, 12].map { LedgerFixture.attempt($0).end }
        #expect(acme.map(\.charged.value).reduce(0, +) == both.map(\.charged.value).reduce(0, +))
        #expect(acme.map(\.tokens).reduce(0, +) == both.map(\.usage.total).reduce(0, +))
        let later = try await sums(from: UnixTime(milliseconds: LedgerFixture.start.milliseconds + 1))
        #expect(later.map(\.consumer) == [late.intent.consumer])
    }

    @Test func `a correction is a row of its own that counts where the attempt did (row 82)`() async throws {
        let fixture = try await LedgerFixture()
        try await fixture.fill(0..<20)
        let before = try await Self.sums(fixture)
        let ledger = fixture.ledger
        let attempt = LedgerFixture.attempt(4)
        let correction = LedgerCorrection(
            of: attempt.id,
            usage: TokenUsage(output: -3),
            cost: MicroDollars(-30),
            charged: MicroDollars(-30),
            reason: "invoice"
        )
        let later = UnixTime(milliseconds: LedgerFixture.start.milliseconds + 900_000_000)
        #expect(try await fixture.database.write { try ledger.correct(correction, now: later, in: $0) })
        let after = try await Self.sums(fixture)
        #expect(zip(after, before).map { $0 - $1 } == [0, 0, 0, -3, -30, -30, 0, -3])
        let query = UsageQuery(from: LedgerFixture.start, to: later)
        let row = try #require(try await fixture.database.read { try ledger.rows(query, in: $0).rows.first })
        #expect(row.kind == "correction" && row.corrects == attempt.id && row.attempt == nil && row.code == "invoice")
        #expect(row.startedAt == attempt.intent.startedAt && row.endedAt == later)
        #expect(try await fixture.database.read { try ledger.verify(in: $0) }.isSound)
        let unknown = LedgerCorrection(of: AttemptID(9), cost: .zero, charged: .zero, reason: "")
        #expect(try await !fixture.database.write { try ledger.correct(unknown, now: later, in: $0) })
        // What is corrected may come again from the journal, and is still one attempt.
        #expect(try await fixture.fill(0..<20) == 0)
    }
}
