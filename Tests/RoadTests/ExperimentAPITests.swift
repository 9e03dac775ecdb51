import Chat
import Core
import HTTP
import Metering
import NIOCore
import SQLite
import Testing

/// `GET /api/v1/experiments`: how the sides of an experiment compare.
@Suite struct ExperimentAPITests {
    private let road: AdminRoad
    private static let start = UnixTime(milliseconds: AdminRoad.now.milliseconds - 3_600_000)

    init() async throws {
        self.road = try await AdminRoad()
        try await self.road.database.write { session in
            try LedgerStore().append((0..<60).map(Self.attempt), in: session)
        }
    }

    /// By turns on the canary, a second attempt of it, on the control side, and on none; half of red, half of blue.
    private static func attempt(_ n: Int) -> Attempt {
        let isRed = n % 8 < 4
        var intent = AttemptIntent(
            requestID: "req-\(n)",
            startedAt: Self.start,
            consumer: Consumer(
                group: isRed ? "red" : "blue",
                user: isRed ? "member" : "adminOfBlue",
                key: isRed ? "key-member" : "key-adminOfBlue",
                model: "fast"
            ),
            operation: "chat",
            provider: "openai",
            upstreamModel: "gpt-4o",
            isStream: false,
            inputEstimate: 10,
            rates: .free
        )
        intent.variant = ["canary", "canary+hedge", "control", ""][n % 4]
        if n % 4 == 1 { intent.number = 2 }
        let end = AttemptEnd(
            endedAt: Self.start,
            outcome: n % 4 == 0 ? .failed : .ok,
            source: .provider,
            usage: TokenUsage(input: 100, output: 10),
            isCharged: true,
            upstreamStatus: 200
        )
        return Attempt(id: AttemptID(epoch: 1, counter: Int64(n)), intent: intent, end: end)
    }

    private func get(_ query: String = "", as caller: Caller = .systemAdmin) async -> FakeExchange {
        await self.road.send("GET", "/api/v1/experiments" + query, as: caller)
    }

    @Test func `each side is there with its share and with what it used`() async throws {
        let answer = await self.get()
        #expect(answer.status == 200)
        let data = try #require(answer.json?["data"])
        #expect(data[0]?["model"] == "fast" && data[0]?["by"] == "user" && data[1] == nil)
        let canary = try #require(data[0]?["variants"]?[0])
        #expect(canary["name"] == "canary" && canary["model"] == "next" && canary["weight"] == 5)
        #expect(canary["attempts"]?.intValue == 30 && canary["calls"]?.intValue == 15)
        #expect(canary["failed"]?.intValue == 15 && canary["ok"]?.intValue == 15)
        let control = try #require(data[0]?["variants"]?[1])
        #expect(control["name"] == "control" && control["model"] == "fast" && control["weight"] == 95)
        #expect(control["attempts"]?.intValue == 15 && control["failed"]?.intValue == 0)
        #expect(control["usage"]?["inputTokens"]?.intValue == 1500)
    }

    @Test(arguments: [
        (Caller.systemAdmin, 45), (.adminOfRed, 24), (.adminOfBlue, 21), (.member, 24), (.application, 0),
    ])
    func `everybody sees what is theirs (rows 44, 46)`(caller: Caller, attempts: Int) async throws {
        let answer = await self.get(as: caller)
        #expect(answer.status == 200)
        let variants = try #require(answer.json?["data"]?[0]?["variants"])
        let sum = (0..<2).reduce(0) { $0 + (variants[$1]?["attempts"]?.intValue ?? 0) }
        #expect(sum == attempts, "\(answer.sent)")
    }

    @Test func `a time can be asked for, and nothing else`() async throws {
        let later = await self.get("?from=2030-01-01")
        #expect(later.json?["data"]?[0]?["variants"]?[0]?["attempts"]?.intValue == 0)
        #expect(await self.get("?from=never").status == 400)
        #expect(await self.get("?by=day").status == 400)
        #expect(await self.get(as: .anonymous).status == 401)
    }
}
