import Chat
import Core
import Database
import Metering
import SQLite
import TestKit
import Testing

@Suite struct ReportTests {
    private let fixture: LedgerFixture
    private let attempts: [Attempt]

    /// 600 attempts, one every two hours from 2026-11-20 on: 50 days, three months.
    init() async throws {
        self.fixture = try await LedgerFixture()
        self.attempts = (0..<600).map { n in
            LedgerFixture.attempt(n) { attempt in
                attempt.intent.startedAt.milliseconds += Int64(n) * 7_200_000
                attempt.intent.variant = n % 10 == 0 ? "b" : ""
            }
        }
        for start in stride(from: 0, to: 600, by: 200) {
            _ = try await self.fixture.append(Array(self.attempts[start..<(start + 200)]))
        }
    }

    private func groups(
        _ query: UsageQuery = UsageQuery(),
        by dimensions: [UsageDimension],
        limit: Int = 1000
    ) async throws -> [UsageGroup] {
        let ledger = self.fixture.ledger
        var all: [UsageGroup] = []
        var cursor: String?
        repeat {
            let after = cursor
            let page = try await self.fixture.database.read { session in
                try ledger.groups(query, by: dimensions, after: after, limit: limit, in: session)
            }
            #expect(page.groups.count <= limit)
            all += page.groups
            cursor = page.next
        } while cursor != nil
        return all
    }

    private func rows(_ query: UsageQuery = UsageQuery(), limit: Int = 1000) async throws -> [LedgerRow] {
        let ledger = self.fixture.ledger
        var all: [LedgerRow] = []
        var cursor: String?
        repeat {
            let before = cursor
            let page = try await self.fixture.database.read { session in
                try ledger.rows(query, before: before, limit: limit, in: session)
            }
            all += page.rows
            cursor = page.next
        } while cursor != nil
        return all
    }

    /// What a dimension is for an attempt, worked out another way.
    private static func value(_ dimension: UsageDimension, _ attempt: Attempt) -> UsageGroup.Value {
        let (intent, consumer) = (attempt.intent, attempt.intent.consumer)
        return switch dimension {
        case .month: .time(intent.startedAt.startOfMonth)
        case .week: .time(intent.startedAt.startOfWeek)
        case .day: .time(intent.startedAt.startOfDay)
        case .hour: .time(intent.startedAt.startOfHour)
        case .group: .text(consumer.group)
        case .user: .text(consumer.user)
        case .key: .text(consumer.key)
        case .agent: .text(consumer.agent)
        case .model: .text(consumer.model)
        case .operation: .text(intent.operation)
        case .provider: .text(intent.provider)
        case .upstreamModel: .text(intent.upstreamModel)
        case .credential: .text(intent.credentialID)
        case .variant: .text(intent.variant)
        }
    }

    @Test(arguments: UsageDimension.allCases)
    func `sums by each dimension are those of its attempts`(dimension: UsageDimension) async throws {
        let groups = try await self.groups(by: [dimension])
        let wanted = Dictionary(grouping: self.attempts) { Self.value(dimension, $0) }
        #expect(groups.count == wanted.count)
        for group in groups {
            let mine = try #require(wanted[group.values[0]], "\(group.values)")
            #expect(group.sums[.attempts] == Int64(mine.count))
            #expect(group.sums[.cost] == mine.map(\.end.cost.value).reduce(0, +))
            #expect(group.sums[.inputTokens] == mine.map { Int64($0.end.usage.input ?? 0) }.reduce(0, +))
        }
    }

    @Test func `pages of any size make the same report, each group once and in order`() async throws {
        let dimensions: [UsageDimension] = [.day, .provider, .user, .variant]
        let whole = try await self.groups(by: dimensions)
        #expect(whole.count > 200)
        for limit in [1, 7, 100] { #expect(try await self.groups(by: dimensions, limit: limit) == whole) }
        let ledger = self.fixture.ledger
        let total = try await self.fixture.database.read { try ledger.total(UsageQuery(), in: $0) }
        var sum = UsageSums()
        for group in whole { sum += group.sums }
        #expect(sum == total)
    }

    @Test func `filters hold together, for sums and for rows`() async throws {
        let query = UsageQuery(filters: [.init(.group, "acme"), .init(.provider, "openai"), .init(.agent, "")])
        let wanted = self.attempts.filter { attempt in
            let consumer = attempt.intent.consumer
            return consumer.group == "acme" && attempt.intent.provider == "openai" && consumer.agent.isEmpty
        }
        #expect(!wanted.isEmpty)
        #expect(try await self.rows(query).map(\.attempt) == wanted.reversed().map(\.id))
        #expect(try await self.groups(query, by: [.group]).map { $0.sums[.attempts] } == [Int64(wanted.count)])
        let nobody = UsageQuery(filters: [.init(.group, "acme"), .init(.group, "bolt")])
        #expect(try await self.rows(nobody).isEmpty)
        #expect(try await self.groups(nobody, by: [.day]).isEmpty)
    }

    @Test func `rows keep to the millisecond of from and to, sums to the hours they touch`() async throws {
        let from = self.attempts[100].intent.startedAt
        let to = self.attempts[200].intent.startedAt
        let query = UsageQuery(from: from, to: to)
        #expect(try await self.rows(query).map(\.attempt) == self.attempts[100..<200].reversed().map(\.id))
        let later = UsageQuery(from: UnixTime(milliseconds: from.milliseconds + 1), to: to)
        #expect(try await self.rows(later).count == 99)
        #expect(try await self.groups(later, by: [.group]).map { $0.sums[.attempts] }.reduce(0, +) == 101)
        let months = try await self.groups(query, by: [.month])
        #expect(months.map { $0.sums[.attempts] }.reduce(0, +) == 101)
    }

    @Test(arguments: [1, 13, 200, 1000])
    func `rows come once each, the newest first, whatever is added meanwhile`(limit: Int) async throws {
        let ledger = self.fixture.ledger
        let first = try await self.fixture.database.read { try ledger.rows(UsageQuery(), limit: limit, in: $0) }
        _ = try await self.fixture.append([LedgerFixture.attempt(5000 + limit)])
        var rows = first.rows
        var cursor = first.next
        while let before = cursor {
            let page = try await self.fixture.database.read {
                try ledger.rows(UsageQuery(), before: before, limit: limit, in: $0)
            }
            rows += page.rows
            cursor = page.next
        }
        #expect(rows.map(\.attempt) == self.attempts.reversed().map(\.id))
    }

    @Test(arguments: ["", "zz", "5", "1-2-3", "-", "9-", "7b7d", "5b315d", "5b2261222c2262225d", "5b6e756c6c5d"])
    func `what is no cursor of such a list is refused`(cursor: String) async throws {
        let ledger = self.fixture.ledger
        await #expect(throws: UsageReportError.badCursor) {
            try await self.fixture.database.read {
                try ledger.groups(UsageQuery(), by: [.group], after: cursor, in: $0)
            }
        }
        await #expect(throws: UsageReportError.badCursor) {
            try await self.fixture.database.read { try ledger.rows(UsageQuery(), before: cursor, in: $0) }
        }
    }

    @Test func `a row comes back as it was written, corrections aside`() async throws {
        let row = try #require(try await self.rows().last)
        let attempt = self.attempts[0]
        #expect(row.seq == 1)
        #expect(row.usage == attempt.end.usage)
        #expect(row.consumer == attempt.intent.consumer)
        #expect(row.rates == LedgerFixture.rates.text)
        let json = row.json
        #expect(json["attemptId"]?.stringValue == "1-0")
        #expect(json["startedAt"]?.stringValue == "2026-11-20T10:00:00.000Z")
        #expect(json["costUsd"]?.text == attempt.end.cost.dollars)
        #expect(json["metadata"]?["team"]?.stringValue == "a")
        #expect(json["usage"]?["cachedInputTokens"]?.intValue == 50)
        #expect(json["userId"]?.stringValue == "user-0")
        #expect(json["agentId"]?.stringValue == "agent-1")
        #expect(json["corrects"]?.isNull == true)
    }

    @Test func `a CSV has a name for each column, and as many cells in each line`() async throws {
        let rows = try await self.rows(limit: 100)
        let names = LedgerRow.csvHeader.split(separator: ",").count
        for row in rows where row.metadata.isEmpty {
            #expect(UsageCSV.line(row.json).split(separator: ",", omittingEmptySubsequences: false).count == names)
        }
        let groups = try await self.groups(by: [.month, .provider])
        let header = UsageSums.csvHeader([.month, .provider])
        #expect(header.hasPrefix("month,provider,calls,attempts,ok,failed,"))
        #expect(
            header.hasSuffix("costUsd,chargedUsd,sourceProvider,sourceProviderPartial,sourceEstimated,sourceNone\r\n")
        )
        let line = UsageCSV.line(groups[0].json([.month, .provider]))
        #expect(line.hasPrefix("2026-11,openai,"))
        #expect(line.split(separator: ",").count == header.split(separator: ",").count)
    }

    @Test(arguments: [
        ("=1+1", "\"'=1+1\""), ("+49", "\"'+49\""), ("-2", "\"'-2\""), ("@SUM(A1)", "\"'@SUM(A1)\""),
        ("\t=x", "\"'\t=x\""), ("\r=x", "\"'\r=x\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""), ("plain", "plain"), ("", ""), ("a=b", "a=b"),
    ])
    func `no cell is a formula (row 107)`(text: String, cell: String) { #expect(UsageCSV.cell(text) == cell) }

    @Test func `moments are read as people write them`() {
        // Friday, 2026-11-20T10:30:00Z.
        let now = UnixTime(milliseconds: LedgerFixture.start.milliseconds + 1_800_000)
        let wanted = [
            ("now", "2026-11-20T10:30:00.000Z"), ("today", "2026-11-20T00:00:00.000Z"),
            ("yesterday", "2026-11-19T00:00:00.000Z"), ("week", "2026-11-16T00:00:00.000Z"),
            ("month", "2026-11-01T00:00:00.000Z"), ("-7d", "2026-11-13T10:30:00.000Z"),
            ("-90m", "2026-11-20T09:00:00.000Z"), ("-1w", "2026-11-13T10:30:00.000Z"),
            ("2026-02-28", "2026-02-28T00:00:00.000Z"), ("2026-11-20T12:00:00+02:00", "2026-11-20T10:00:00.000Z"),
        ]
        for (text, time) in wanted { #expect(UsageMoment.read(text, now: now)?.rfc3339 == time, "\(text)") }
        for text in ["", "-", "-d", "-7", "7d", "--7d", "-7y", "2026-02-30", "2026-1-1", "Today", "-999999999d"] {
            #expect(UsageMoment.read(text, now: now) == nil, "\(text)")
        }
    }
}
