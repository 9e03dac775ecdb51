import Auth
import Chat
import Core
import Database
import HTTP
import Metering
import NIOCore
import SQLite
import Testing

/// `GET /api/v1/usage`: who sees what, and in which shapes.
@Suite struct UsageAPITests {
    private let road: AdminRoad
    /// An hour before the gateway's clock.
    private static let start = UnixTime(milliseconds: AdminRoad.now.milliseconds - 3_600_000)

    init() async throws {
        self.road = try await AdminRoad()
        try await self.fill(0..<300)
    }

    private func fill(_ numbers: Range<Int>) async throws {
        try await self.road.database.write { session in
            for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: LedgerStore.batchMax) {
                let some = start..<min(start + LedgerStore.batchMax, numbers.upperBound)
                try LedgerStore().append(some.map(Self.attempt), in: session)
            }
        }
    }

    /// Of `red`: a third by its member, a third by the application's key, a third of `blue`.
    private static func attempt(_ n: Int) -> Attempt {
        let consumer =
            switch n % 3 {
            case 0: Consumer(group: "red", user: "member", key: "key-member", model: "=cmd()")
            case 1: Consumer(group: "red", key: "key-application", model: "fast")
            default: Consumer(group: "blue", user: "adminOfBlue", key: "key-adminOfBlue", model: "fast")
            }
        let rates = Rates(input: 1_000_000, output: 2_000_000, source: "test")
        let intent = AttemptIntent(
            requestID: "req-\(n)",
            startedAt: UnixTime(milliseconds: Self.start.milliseconds + Int64(n)),
            consumer: consumer,
            operation: "chat",
            provider: "openai",
            upstreamModel: "gpt-4o",
            isStream: false,
            inputEstimate: 10,
            rates: rates
        )
        let usage = TokenUsage(input: 100, output: 10)
        let end = AttemptEnd(
            endedAt: intent.startedAt,
            outcome: .ok,
            source: .provider,
            usage: usage,
            cost: rates.cost(of: usage),
            charged: rates.cost(of: usage),
            isCharged: true,
            upstreamStatus: 200
        )
        return Attempt(id: AttemptID(epoch: 1, counter: Int64(n)), intent: intent, end: end)
    }

    private func get(_ query: String, as caller: Caller = .systemAdmin, fields: String = "") async -> FakeExchange {
        await self.road.send("GET", "/api/v1/usage" + query, as: caller, fields: fields)
    }

    @Test(arguments: [
        (Caller.systemAdmin, 300), (.adminOfRed, 200), (.adminOfBlue, 100), (.member, 100), (.application, 100),
        (.administratorsApplication, 0),
    ])
    func `everybody sees what is theirs, in sums, in rows and in exports (rows 44, 46)`(
        caller: Caller,
        attempts: Int
    ) async throws {
        let sums = await self.get("", as: caller)
        #expect(sums.status == 200)
        #expect(sums.json?["data"]?[0]?["attempts"]?.intValue == attempts, "\(sums.sent)")
        #expect(sums.json?["total"]?["attempts"]?.intValue == attempts)
        #expect(sums.json?["nextCursor"]?.isNull == true)
        let rows = await self.get("?rows=true&limit=200", as: caller)
        #expect(rows.json?["data"]?.arrayValue?.count == min(200, attempts))
        let export = await self.get("?rows=true&format=ndjson", as: caller)
        #expect(export.status == 200)
        #expect(Self.lines(export).count == attempts)
        let groups = Set(Self.lines(export).compactMap { try? JSONValue.parse($0)["groupId"]?.stringValue })
        #expect(caller == .systemAdmin || groups.subtracting([caller.group.text]).isEmpty)
    }

    @Test func `another group is as if it did not exist, and other people's usage is none (row 44)`() async throws {
        for query in ["?group=blue", "?group=blue&rows=true", "?group=blue&format=csv", "?group=nowhere"] {
            #expect(await self.get(query, as: .adminOfRed).status == 404, "\(query)")
            #expect(await self.get(query, as: .member).status == 404, "\(query)")
        }
        let other = await self.get("?user=adminOfBlue&rows=true", as: .member)
        #expect(other.json?["data"]?.arrayValue?.isEmpty == true)
        #expect(
            await self.get("?key=key-application&rows=true", as: .member).json?["data"]?.arrayValue?.isEmpty == true
        )
        #expect(await self.get("?group=blue", as: .systemAdmin).json?["total"]?["attempts"]?.intValue == 100)
    }

    @Test func `sums have every figure, and pages make the whole`() async throws {
        let answer = await self.get("?by=group,user&from=today")
        let first = try #require(answer.json?["data"]?[0])
        #expect(
            first.text
                == """
                {"groupId":"blue","userId":"adminOfBlue","calls":100,"attempts":100,"ok":100,"failed":0,\
                "chargedCalls":100,"chargedTokens":11000,"usage":{"inputTokens":10000,"outputTokens":1000,\
                "totalTokens":11000,"cachedInputTokens":0,"cacheWriteTokens":0,"cacheWrite1hTokens":0,\
                "reasoningTokens":0,\
                "audioInputTokens":0,"audioOutputTokens":0,"images":0,\
                "characters":0,"soundMs":0,"searches":0},"costUsd":0.012,"chargedUsd":0.012,\
                "usageSource":{"provider":100,"providerPartial":0,"estimated":0,"none":0}}
                """
        )
        let whole = answer.json?["data"]?.arrayValue ?? []
        #expect(whole.map { $0["userId"]?.stringValue } == ["adminOfBlue", nil, "member"])
        var pages: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = await self.get("?by=group,user&from=today&limit=1" + (cursor.map { "&cursor=\($0)" } ?? ""))
            #expect((page.json?["total"]?.isNull == false) == (cursor == nil))
            pages += page.json?["data"]?.arrayValue ?? []
            cursor = page.json?["nextCursor"]?.stringValue
        } while cursor != nil
        #expect(pages == whole)
    }

    @Test func `an export is a stream of any length, whose cells are no formulas (row 107)`() async throws {
        try await self.fill(300..<3300)
        let answer = await self.get("?rows=true&format=csv")
        #expect(answer.field("content-type") == "text/csv; charset=utf-8; header=present")
        #expect(answer.field("cache-control") == "no-store")
        let lines = Self.lines(answer)
        #expect(lines.count == 3301)
        #expect(lines[0].hasPrefix("seq,kind,attemptId,"))
        #expect(Set(lines).count == 3301)
        #expect(lines.filter { $0.contains("\"'=cmd()\"") }.count == 1100)
        #expect(!lines.contains { $0.contains(",=cmd") })
        let accepted = await self.get("?rows=true", fields: "accept: text/csv\r\n")
        #expect(Self.lines(accepted) == lines)
        let sums = await self.get("?by=model,month&format=csv")
        #expect(Self.lines(sums).count == 3)
        #expect(Self.lines(sums)[1].hasPrefix("\"'=cmd()\",2023-11,1100,"))
        let none = await self.get("?rows=true&format=csv&provider=nobody")
        #expect(Self.lines(none) == [lines[0]])
    }

    @Test(arguments: [
        ("?from=then", "from"), ("?to=-7y", "to"), ("?by=colour", "by"), ("?by=day,day", "by"),
        ("?rows=true&by=day", "by"), ("?format=xml", "format"), ("?format=csv&limit=5", "limit"),
        ("?rows=yes", "rows"), ("?cursor=zz", "cursor"), ("?by=day&cursor=zz", "cursor"), ("?limit=0", "limit"),
        ("?rows=true&cursor=9", "cursor"), ("?colour=red", "colour"), ("?format=csv&cursor=1", "cursor"),
    ])
    func `what makes no sense is refused by name`(query: String, field: String) async throws {
        let answer = await self.get(query)
        #expect(answer.status == 400, "\(query): \(answer.sent)")
        #expect(answer.json?["details"]?["field"]?.stringValue == field, "\(query): \(answer.sent)")
    }

    @Test func `a key that may call only some paths may not look either`() async throws {
        #expect(await self.get("", as: .anonymous).status == 401)
        let answer = await self.road.send("POST", "/api/v1/usage")
        #expect(answer.status == 405)
    }

    /// The lines of a body.
    private static func lines(_ answer: FakeExchange) -> [String] {
        answer.sent.split(whereSeparator: \.isNewline).map(String.init)
    }
}
