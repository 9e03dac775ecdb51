import Chat
import Core
import Database
import Metering
import SQLite
import TestKit

/// An empty, migrated store in memory, and attempts to fill it with.
struct LedgerFixture: Sendable {
    let database: SQLiteDatabase
    let ledger = LedgerStore()

    /// 2026-11-20T10:00:00Z: the beginning of an hour.
    static let start = UnixTime(milliseconds: 1_795_168_800_000)

    static let rates = Rates(input: 2_500_000, output: 10_000_000, cachedInput: 1_250_000, source: "test 1")

    init() async throws {
        self.database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: self.database, now: Self.start)
    }

    /// The n-th attempt of an epoch, a second after the one before: its figures follow from `n`.
    static func attempt(
        _ n: Int,
        epoch: Int64 = 1,
        change: (inout Attempt) -> Void = { _ in }
    ) -> Attempt {
        var intent = AttemptIntent(
            requestID: "req-\(n)",
            startedAt: UnixTime(milliseconds: Self.start.milliseconds + Int64(n) * 1000),
            consumer: Consumer(
                group: n % 2 == 0 ? "acme" : "bolt",
                user: "user-\(n % 3)",
                key: "key-\(n % 4)",
                agent: n % 5 == 0 ? "agent-1" : "",
                model: "fast"
            ),
            operation: "chat",
            provider: n % 3 == 0 ? "openai" : "openrouter",
            upstreamModel: "gpt-4o",
            isStream: n % 2 == 0,
            inputEstimate: 100 + n,
            outputMax: n % 2 == 0 ? 4096 : nil,
            rates: Self.rates
        )
        intent.credentialID = "cred-1"
        intent.metadata = n % 7 == 0 ? "{\"team\":\"a\"}" : ""
        let usage = TokenUsage(input: 100 + n % 50, output: 10 + n % 20, cachedInput: n % 4 == 0 ? 50 : nil)
        let cost = Self.rates.cost(of: usage)
        let end = AttemptEnd(
            endedAt: UnixTime(milliseconds: intent.startedAt.milliseconds + 800),
            outcome: .ok,
            source: .provider,
            usage: usage,
            cost: cost,
            charged: cost,
            isCharged: true,
            upstreamStatus: 200,
            firstContentMilliseconds: 120
        )
        var attempt = Attempt(id: AttemptID(epoch: epoch, counter: Int64(n)), intent: intent, end: end)
        change(&attempt)
        return attempt
    }

    /// Adds attempts with these numbers.
    @discardableResult
    func fill(_ numbers: Range<Int>, epoch: Int64 = 1) async throws -> Int {
        let ledger = self.ledger
        return try await self.database.write { session in
            try ledger.append(numbers.map { Self.attempt($0, epoch: epoch) }, in: session)
        }
    }

    func append(_ attempts: [Attempt], cursor: JournalCursor? = nil) async throws -> Int {
        let ledger = self.ledger
        return try await self.database.write { try ledger.append(attempts, cursor: cursor, in: $0) }
    }
}

/// What a test makes fail.
enum InjectedFailure: Error { case here }
