import Chat
import Core
import Database
import Metering
import NIOConcurrencyHelpers
import SQLite
import TestKit
import Testing

/// What a check of the ledger finds, on a store where somebody has taken the triggers away (row 82).
@Suite struct VerifyTests {
    private let fixture: LedgerFixture

    init() async throws {
        self.fixture = try await LedgerFixture()
        try await self.fixture.fill(0..<500)
        try await self.fixture.fill(500..<1000)
    }

    private func verdict(against known: LedgerHead? = nil) async throws -> LedgerVerdict {
        let ledger = self.fixture.ledger
        return try await self.fixture.database.read { try ledger.verify(against: known, in: $0) }
    }

    /// Does what the store would refuse: as with another program on the file.
    private func tamper(_ statements: SQL...) async throws {
        try await self.fixture.database.write { session in
            try session.execute("DROP TRIGGER ledger_no_update")
            try session.execute("DROP TRIGGER ledger_no_delete")
            for statement in statements { try session.execute(statement) }
        }
    }

    @Test func `a ledger as it was written is sound, and an empty one too`() async throws {
        let verdict = try await self.verdict()
        #expect(verdict.isSound, "\(verdict.faults)")
        #expect(verdict.rows == 1000)
        #expect(verdict.head?.seq == 1000)
        let wanted = (0..<1000).map { LedgerFixture.attempt($0).end.cost.value }.reduce(0, +)
        #expect(verdict.cost.value == wanted)
        let empty = try await LedgerFixture()
        let other = try await empty.database.read { try empty.ledger.verify(in: $0) }
        #expect(other.isSound)
        #expect(other.rows == 0)
    }

    /// Every column but the number itself, which `a row that is gone` covers, and the hash.
    @Test func `a value flipped in any column names its row (row 82)`() async throws {
        let columns: [(SQL, SQL)] = [
            ("attempt_id", "attempt_id + 500000"), ("request_id", "'x'"), ("first_attempt", "7"),
            ("number", "2"), ("started_at", "started_at + 1"), ("ended_at", "ended_at + 1"),
            ("group_id", "group_id || ' '"), ("user_id", "''"), ("key_id", "'k'"), ("agent_id", "'a'"),
            ("model", "'m'"), ("operation", "'o'"), ("provider", "'p'"), ("upstream_model", "'u'"),
            ("credential_id", "'c'"), ("variant", "'v'"), ("is_stream", "1 - is_stream"),
            ("input_estimate", "input_estimate + 1"), ("output_max", "1"), ("reserved", "5"),
            ("outcome", "'failed'"), ("usage_source", "'estimated'"), ("upstream_status", "500"), ("code", "'x'"),
            ("first_content_ms", "NULL"), ("input_tokens", "input_tokens - 1"),
            ("output_tokens", "output_tokens + 1"), ("cached_input_tokens", "0"), ("cache_write_tokens", "0"),
            ("reasoning_tokens", "0"), ("audio_input_tokens", "0"), ("audio_output_tokens", "0"), ("images", "0"),
            ("reported_cost", "0"), ("cost", "cost + 1"), ("charged", "charged - 1"),
            ("is_charged", "1 - is_charged"), ("rates", "rates || '0'"), ("metadata", "'{}'"),
            ("cache_write_long_tokens", "0"), ("characters", "0"), ("sound_ms", "0"), ("searches", "7"),
            ("hash", "zeroblob(32)"), ("kind", "'correction', attempt_id = NULL, corrects = 1"),
        ]
        #expect(columns.count == 45)
        try await self.tamper()
        let ledger = self.fixture.ledger
        for (column, value) in columns {
            let found = NIOLockedValueBox<LedgerVerdict?>(nil)
            await #expect(throws: InjectedFailure.here) {
                try await self.fixture.database.write { session in
                    try session.execute("UPDATE ledger SET \(column) = \(value) WHERE seq = 402")
                    let verdict = try ledger.verify(in: session)
                    found.withLockedValue { $0 = verdict }
                    throw InjectedFailure.here
                }
            }
            let verdict = try #require(found.withLockedValue { $0 })
            #expect(verdict.faults.first?.seq == 402, "\(column): \(verdict.faults)")
            #expect(verdict.faults.first?.kind == .chain, "\(column)")
        }
        #expect(try await self.verdict().isSound)
    }

    @Test func `a row that is gone is missed, in the middle and at the end`() async throws {
        try await self.tamper("DELETE FROM ledger WHERE seq = 700")
        let middle = try await self.verdict()
        #expect(middle.faults.first?.seq == 700)
        try await self.fixture.database.write { try $0.execute("DELETE FROM ledger WHERE seq > 600") }
        let end = try await self.verdict()
        #expect(end.faults.first?.kind == .end)
        #expect(end.faults.first?.seq == 601)
    }

    @Test func `what is written after the end was cut off leaves the gap to be seen`() async throws {
        try await self.tamper("DELETE FROM ledger WHERE seq > 900")
        try await self.fixture.fill(2000..<2010)
        let verdict = try await self.verdict()
        #expect(verdict.faults.first?.seq == 901)
        #expect(verdict.faults.first?.reason == "it is missing; the next one is row 1001")
    }

    @Test func `a head that is gone, or another one, is seen, also after more was written`() async throws {
        try await self.fixture.database.write { try $0.execute("DELETE FROM ledger_head") }
        #expect(try await self.verdict().faults.map(\.seq) == [1000])
        try await self.fixture.fill(2000..<2010)
        #expect(try await self.verdict().faults.map(\.seq) == [1001])
    }

    @Test func `an older state of the whole store is found by an end that was noted elsewhere`() async throws {
        let noted = try #require(try await self.verdict().head)
        #expect(LedgerHead(text: noted.text) == noted)
        try await self.fixture.fill(3000..<3010)
        #expect(try await self.verdict(against: noted).isSound)
        let other = try await LedgerFixture()
        try await other.fill(1..<900)
        let behind = try await other.database.read { try other.ledger.verify(against: noted, in: $0) }
        #expect(behind.faults.map(\.seq) == [900])
        try await other.fill(900..<1200)
        let changed = try await other.database.read { try other.ledger.verify(against: noted, in: $0) }
        #expect(changed.faults.map(\.seq) == [1000])
    }

    @Test(arguments: [
        "0:", "x", "5:ab", "-1:" + String(repeating: "0", count: 64), "3:" + String(repeating: "g", count: 64),
    ])
    func `what is no noted end is not taken for one`(text: String) { #expect(LedgerHead(text: text) == nil) }

    @Test(arguments: [
        "UPDATE usage_hours SET input_tokens = input_tokens - 1 WHERE user_id = 'user-1' AND key_id = 'key-1'" as SQL,
        "DELETE FROM usage_hours WHERE user_id = 'user-2' AND key_id = 'key-3'",
    ])
    func `sums that are not those of the rows are named (invariant I3)`(statement: SQL) async throws {
        let changed = try await self.fixture.database.write { try $0.execute(statement) }
        #expect(changed > 0)
        let verdict = try await self.verdict()
        #expect(verdict.faults.allSatisfy { $0.kind == .sums })
        #expect(verdict.faults.first?.description.contains("key key-") == true, "\(verdict.faults)")
    }

    @Test func `two wrong sums do not make up for each other`() async throws {
        try await self.fixture.database.write { session in
            try session.execute("UPDATE usage_hours SET charged = charged + 1 WHERE user_id = 'user-0'")
            try session.execute("UPDATE usage_hours SET charged = charged - 1 WHERE user_id = 'user-1'")
        }
        #expect(try await !self.verdict().isSound)
    }

    @Test func `a cost that its own rates and tokens do not make is named, whoever wrote it (row 72)`() async throws {
        let wrong: [(inout Attempt) -> Void] = [
            {
                $0.end.cost.value += 1; $0.end.charged = $0.end.cost
            },
            { $0.end.charged.value -= 1 },
            { $0.end.isCharged = false },
            { $0.end.source = .none },
            { $0.intent.rates.output += 1_000_000 },
        ]
        for (index, change) in wrong.enumerated() {
            let fixture = try await LedgerFixture()
            try await fixture.fill(0..<5)
            _ = try await fixture.append([LedgerFixture.attempt(10, change: change)])
            let verdict = try await fixture.database.read { try fixture.ledger.verify(in: $0) }
            #expect(verdict.faults.map(\.kind) == [.cost], "\(index): \(verdict.faults)")
            #expect(verdict.faults.first?.seq == 6)
        }
    }

    @Test func `what is right is not complained of: failures, free calls, reported costs, figures beyond reason`()
        async throws
    {
        let fixture = try await LedgerFixture()
        let right: [(inout Attempt) -> Void] = [
            { attempt in
                attempt.end.outcome = .failed
                attempt.end.charged = .zero
                attempt.end.isCharged = false
            },
            { attempt in
                attempt.end = AttemptEnd(endedAt: attempt.end.endedAt, outcome: .refused, source: .none)
            },
            { attempt in
                attempt.intent.rates = .free
                attempt.end.cost = .zero
                attempt.end.charged = .zero
            },
            { attempt in
                attempt.intent.rates.takesReportedCost = true
                attempt.end.usage.cost = MicroDollars(77)
                attempt.end.cost = MicroDollars(77)
                attempt.end.charged = MicroDollars(77)
            },
            { attempt in
                attempt.end.usage.input = .max
                attempt.end.cost = LedgerFixture.rates.cost(of: attempt.end.usage)
                attempt.end.charged = attempt.end.cost
            },
        ]
        _ = try await fixture.append(right.enumerated().map { LedgerFixture.attempt($0.offset, change: $0.element) })
        let verdict = try await fixture.database.read { try fixture.ledger.verify(in: $0) }
        #expect(verdict.isSound, "\(verdict.faults)")
        #expect(verdict.rows == 5)
    }

    @Test func `a second row of an attempt is named where the store no longer refuses it`() async throws {
        try await self.fixture.database.write { session in
            try session.execute("DROP INDEX ledger_attempts")
            try session.execute("DROP TRIGGER ledger_no_update")
            try session.execute(
                "UPDATE ledger SET attempt_id = (SELECT attempt_id FROM ledger WHERE seq = 3) WHERE seq = 9"
            )
        }
        let verdict = try await self.verdict()
        #expect(verdict.faults.contains { $0.kind == .attempt && $0.seq == 9 })
    }
}
