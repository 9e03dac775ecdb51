import Auth
import Core
import Limits
import NIOConcurrencyHelpers
import NIOCore
import Providers
import Testing
import Transport

@testable import HTTP

/// A clock that only the test moves.
final class HandClock: Sendable {
    private let time = NIOLockedValueBox(NIODeadline.now())

    var now: NIODeadline { self.time.withLockedValue { $0 } }
    func advance(_ amount: TimeAmount) { self.time.withLockedValue { $0 = $0 + amount } }
    func move(to time: NIODeadline) { self.time.withLockedValue { $0 = max($0, time) } }
}

@Suite struct LimitTests {
    static let body = #"{"model":"fast","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#
    fileprivate static var whole: FakeUpstream.Script { .json(PlainCallTests.answer) }

    /// A road with rules and a clock.
    private struct Limited {
        let clock = HandClock()
        let desk = LimitDesk()
        let road: Road

        init(
            _ rules: LimitRule...,
            principal: Principal = Principal(group: GroupID("demo"), keyID: "dev"),
            credentialsFor: [String] = ["openai", "openrouter", "mistral"]
        ) throws {
            self.road = try Road(
                credentialsFor: credentialsFor,
                principal: principal,
                desk: self.desk,
                monotonicClock: { [clock] in clock.now }
            )
            self.desk.use(rules, now: self.clock.now)
        }

        /// One call; `script` nil where no provider may be reached.
        func chat(
            _ script: FakeUpstream.Script? = LimitTests.whole,
            body: String = LimitTests.body,
            fields: String = "",
            during: (FakeExchange) -> Void = { _ in }
        ) async -> FakeExchange {
            self.road.transport.scripts = script.map { [$0] } ?? []
            return await self.road.chat(body, fields: fields, arrival: self.clock.now, during: during)
        }

        /// How many requests went out.
        var sent: Int { self.road.transport.requests.count }
    }

    @Test func `without a rule nothing is said and nothing is counted`() async throws {
        let limited = try Limited()
        let answer = await limited.chat()
        #expect(answer.status == 200)
        #expect(!answer.fields.contains("ratelimit"))
        #expect(limited.desk.figures.counters == 0)
        #expect(limited.desk.figures.admitted == 0)
    }

    @Test func `an answer says what is left, as OpenAI does`() async throws {
        let limited = try Limited(
            LimitRule(name: "demo", scope: Scope([.group: .one("demo")]), requestsPerMinute: 10, tokensPerMinute: 6000)
        )
        let answer = await limited.chat()
        #expect(answer.status == 200)
        #expect(answer.field("x-ratelimit-limit-requests") == "10")
        #expect(answer.field("x-ratelimit-remaining-requests") == "9")
        #expect(answer.field("x-ratelimit-reset-requests") == "6s")
        #expect(answer.field("x-ratelimit-limit-tokens") == "6000")
        let left = try #require(answer.field("x-ratelimit-remaining-tokens").flatMap { Int($0) })
        // Fifty may come back, and what was asked is some ten.
        #expect((5900...5949).contains(left))
        #expect(answer.field("x-ratelimit-reset-tokens")?.hasSuffix("ms") == true)
    }

    @Test func `a refusal names rule, limit and time, and reaches no provider`() async throws {
        let limited = try Limited(LimitRule(name: "demo-rpm", scope: Scope(), requestsPerMinute: 7))
        for _ in 0..<7 { #expect(await limited.chat().status == 200) }
        let refused = await limited.chat(nil)
        #expect(refused.status == 429)
        #expect(limited.sent == 7)
        #expect(refused.field("retry-after") == "9")
        #expect(refused.field("retry-after-ms") == "8572")
        #expect(refused.field("x-ratelimit-remaining-requests") == "0")
        #expect(refused.field("x-ratelimit-reset-requests") == "1m0s")
        #expect(refused.field("x-should-retry") == nil)
        let error = try #require(refused.json?["error"])
        #expect(error["code"]?.stringValue == "rate_limited")
        #expect(error["type"]?.stringValue == "rate_limit_error")
        #expect(error["message"]?.stringValue?.contains("'demo-rpm'") == true)
        #expect(error["message"]?.stringValue?.contains("7 requests a minute") == true)
        #expect(error["details"]?["reason"]?.stringValue == "requests")
    }

    /// Row 81: right within a second, and never early.
    @Test(arguments: [1, 3, 7, 59, 60, 61, 599])
    func `a client that waits as long as told is let in`(limit: Int) async throws {
        for usesMilliseconds in [false, true] {
            let limited = try Limited(LimitRule(name: "r", scope: Scope(), requestsPerMinute: limit))
            while await limited.chat().status == 200 {}
            let refused = await limited.chat(nil)
            let seconds = try #require(refused.field("retry-after").flatMap { Int64($0) })
            let milliseconds = try #require(refused.field("retry-after-ms").flatMap { Int64($0) })
            let exact = 60_000.0 / Double(limit)
            #expect(Double(milliseconds) >= exact.rounded(.down) && Double(milliseconds) <= exact + 1)
            #expect(seconds * 1000 >= milliseconds && seconds * 1000 < milliseconds + 1000)
            limited.clock.advance(usesMilliseconds ? .milliseconds(milliseconds) : .seconds(seconds))
            #expect(await limited.chat().status == 200)
        }
    }

    @Test func `a request that can never pass is told so, and not to try again`() async throws {
        let limited = try Limited(LimitRule(name: "small", scope: Scope(), tokensPerMinute: 100, queue: .seconds(5)))
        let refused = await limited.chat(nil, body: #"{"model":"fast","max_tokens":101,"messages":[]}"#)
        #expect(refused.status == 429)
        // Every 429 names a time; this one says beside it that waiting does not help.
        #expect(refused.field("retry-after") == "60")
        #expect(refused.field("x-should-retry") == "false")
        #expect(refused.json?["error"]?["message"]?.stringValue?.contains("can never pass") == true)
        #expect(await limited.chat(body: #"{"model":"fast","max_tokens":50,"messages":[]}"#).status == 200)
    }

    @Test func `tokens are counted as the provider did, in the end`() async throws {
        let limited = try Limited(LimitRule(name: "t", scope: Scope(), tokensPerMinute: 1000))
        let body = #"{"model":"fast","max_tokens":900,"messages":[]}"#
        // The answer used 5 of some 900 that were set aside.
        for _ in 0..<15 { #expect(await limited.chat(body: body).status == 200) }
        let refused = try #require(await limited.chat(body: body).field("x-ratelimit-remaining-tokens"))
        #expect((Int(refused) ?? 0) < 100)
        // A provider that failed before it said anything used nothing; one that says nothing of it used the guess.
        let other = try Limited(LimitRule(name: "t", scope: Scope(), tokensPerMinute: 1000))
        for _ in 0..<3 { #expect(await other.chat(.json("{}", status: 400), body: body).status != 429) }
        #expect(await other.chat(.json(#"{"choices":[]}"#), body: body).status == 200)
        #expect(await other.chat(nil, body: body).status == 429)
    }

    enum Ending: CaseIterable { case whole, stream, providerFails, connectionFails, brokenStream, noCredential }

    @Test(arguments: Ending.allCases)
    func `what a call holds is given back however it ends`(ending: Ending) async throws {
        let limited = try Limited(
            LimitRule(name: "c", scope: Scope(), concurrent: 1),
            credentialsFor: ending == .noCredential ? [] : ["mistral"]
        )
        let isStream = ending == .stream || ending == .brokenStream
        let body = #"{"model":"mistral/x","stream":\#(isStream),"messages":[]}"#
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
        let script: FakeUpstream.Script? =
            switch ending {
            case .whole: Self.whole
            case .stream: .stream(.bytes(event), .bytes("data: [DONE]\n\n"))
            case .providerFails: .json("{}", status: 500)
            case .connectionFails: .failure(TransportError.closedBeforeHead)
            case .brokenStream: .stream(.bytes(event), .fail(TransportError.closedInBody))
            case .noCredential: nil
            }
        for _ in 0..<3 {
            let answer = await limited.chat(script, body: body)
            #expect(answer.status != 429)
            #expect(limited.desk.figures.admitted == 0)
        }
    }

    // MARK: - Waiting

    @Test func `where a rule says queue a call waits and is served`() async throws {
        let limited = try Limited(
            LimitRule(name: "q", scope: Scope(), requestsPerMinute: 60, queue: .seconds(5))
        )
        for _ in 0..<60 { #expect(await limited.chat().status == 200) }
        var untils: [NIODeadline] = []
        let begin = limited.clock.now
        limited.road.transport.duringWait = { until in
            untils.append(until)
            #expect(limited.desk.figures.waiting == 1)
            limited.clock.move(to: until)
        }
        #expect(await limited.chat().status == 200)
        #expect(untils == [begin + .seconds(1)])
        #expect(limited.desk.figures.waiting == 0)
        #expect(limited.road.exposition.contains("turnpike_limit_wait_seconds_bucket{le=\"1\"} 1"))
    }

    @Test func `a wake without a reason does no harm`() async throws {
        let limited = try Limited(
            LimitRule(name: "q", scope: Scope(), requestsPerMinute: 60, queue: .seconds(5))
        )
        for _ in 0..<60 { #expect(await limited.chat().status == 200) }
        var looks = 0
        limited.road.transport.duringWait = { _ in
            looks += 1
            limited.clock.advance(.milliseconds(100))
        }
        #expect(await limited.chat().status == 200)
        #expect(looks == 10)
    }

    @Test func `a call that cannot make its time is refused at once with the honest wait`() async throws {
        let limited = try Limited(
            LimitRule(name: "q", scope: Scope(), requestsPerMinute: 6, queue: .minutes(5))
        )
        for _ in 0..<6 { #expect(await limited.chat().status == 200) }
        limited.road.transport.duringWait = { _ in
            Issue.record("it waited")
            throw CancellationError()
        }
        let refused = await limited.chat(nil, fields: "x-turnpike-timeout-ms: 2000\r\n")
        #expect(refused.status == 429)
        #expect(refused.field("retry-after") == "10")
        #expect(refused.json?["error"]?["details"]?["reason"]?.stringValue == "deadline")
        #expect(limited.road.exposition.contains("turnpike_limit_refusals_total{reason=\"deadline\"} 1"))
    }

    @Test func `a call that waits in vain is refused after its time`() async throws {
        let limited = try Limited(LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(3)))
        guard
            case .admitted(let grant, _) = limited.desk.admit(
                LimitRequest(consumer: Consumer(group: "x"), tokens: 0, deadline: .distantFuture),
                now: limited.clock.now
            )
        else {
            Issue.record("the first was not let in")
            return
        }
        let begin = limited.clock.now
        limited.road.transport.duringWait = { limited.clock.move(to: $0) }
        let refused = await limited.chat(nil)
        #expect(refused.status == 429)
        #expect(limited.clock.now == begin + .seconds(3))
        #expect(limited.desk.figures.waiting == 0)
        // One that becomes free while somebody waits goes to it.
        limited.road.transport.duringWait = { _ in
            limited.desk.release(grant, tokens: nil, now: limited.clock.now)
        }
        #expect(await limited.chat().status == 200)
        #expect(limited.desk.figures.admitted == 0)
    }

    /// Row 91.
    @Test func `a client that leaves while it waits gives its place back`() async throws {
        let limited = try Limited(
            LimitRule(name: "q", scope: Scope(), requestsPerMinute: 60, queue: .seconds(5))
        )
        for _ in 0..<60 { #expect(await limited.chat().status == 200) }
        limited.road.transport.duringWait = { _ in throw CancellationError() }
        let answer = await limited.chat(nil) { $0.isGone = true }
        #expect(answer.status == 0)
        #expect(limited.desk.figures.waiting == 0)
        #expect(limited.desk.figures.admitted == 0)
        #expect(limited.road.exposition.contains("turnpike_clients_gone_total 1"))
        // Its turn is somebody else's.
        limited.clock.advance(.seconds(1))
        #expect(await limited.chat().status == 200)
    }

    // MARK: - Who

    @Test func `rules know group, user, key, agent and model`() async throws {
        let user = Principal(group: GroupID("demo"), keyID: "k1", owner: .user(UserID("anna")))
        let agent = Principal(group: GroupID("demo"), keyID: "k2", owner: .agent("helper"))
        let cases: [(Principal, Scope)] = [
            (user, Scope([.group: .one("demo")])), (user, Scope([.user: .one("anna")])), (user, Scope([.user: .each])),
            (user, Scope([.key: .one("k1")])), (user, Scope([.model: .one("fast")])), (agent, Scope([.agent: .each])),
            (agent, Scope([.agent: .one("helper"), .group: .each])),
        ]
        for (principal, scope) in cases {
            let limited = try Limited(
                LimitRule(name: "r", scope: scope, requestsPerMinute: 1),
                principal: principal
            )
            #expect(await limited.chat().status == 200)
            #expect(await limited.chat(nil).status == 429, "\(scope.description)")
        }
        let others = [Scope([.group: .one("x")]), Scope([.user: .one("bert")]), Scope([.model: .one("slow")])]
        for scope in others {
            let limited = try Limited(LimitRule(name: "r", scope: scope, requestsPerMinute: 1), principal: user)
            for _ in 0..<3 { #expect(await limited.chat().status == 200) }
        }
    }

    @Test func `refusals are logged once a second, and never with what was said`() async throws {
        let limited = try Limited(LimitRule(name: "r", scope: Scope(), requestsPerMinute: 1))
        #expect(await limited.chat().status == 200)
        for _ in 0..<5 { #expect(await limited.chat(nil).status == 429) }
        limited.clock.advance(.seconds(2))
        #expect(await limited.chat(nil).status == 429)
        let lines = limited.road.logged.text.split(separator: "\n").filter { $0.contains("A limit refuses calls") }
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.hasPrefix("info") && $0.contains("\"limit\": r") })
        #expect(lines.last?.contains("\"count\": 5") == true)
        #expect(limited.road.exposition.contains("turnpike_limit_refusals_total{reason=\"requests\"} 6"))
    }
}

/// What providers say of their own limits (A+.2).
@Suite struct ProviderLimitRoadTests {
    private static let body = #"{"model":"fast","max_tokens":500,"messages":[]}"#

    @Test(arguments: [
        "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 20s\r\n",
        "x-ratelimit-remaining-tokens: 400\r\nx-ratelimit-reset-tokens: 20s\r\n",
        "anthropic-ratelimit-output-tokens-remaining: 400\r\nanthropic-ratelimit-output-tokens-reset: "
            + "2023-11-14T22:13:40Z\r\n",
    ])
    func `a target with too little left comes behind the others until it has more`(fields: String) async throws {
        let clock = HandClock()
        let road = try Road(monotonicClock: { clock.now })
        road.transport.scripts = [
            .json(PlainCallTests.answer, fields: fields), .json(PlainCallTests.answer), .json(PlainCallTests.answer),
        ]
        let first = await road.chat(Self.body)
        #expect(first.field("x-turnpike-provider") == "openai")
        #expect(!first.fields.contains("ratelimit"))
        #expect(await road.chat(Self.body).field("x-turnpike-provider") == "openrouter")
        clock.advance(.seconds(20))
        #expect(await road.chat(Self.body).field("x-turnpike-provider") == "openai")
    }

    @Test func `a target that has enough left stays the first`() async throws {
        let road = try Road()
        let fields = "x-ratelimit-remaining-requests: 1\r\nx-ratelimit-remaining-tokens: 600\r\n"
        road.transport.scripts = (0..<2).map { _ in .json(PlainCallTests.answer, fields: fields) }
        for _ in 0..<2 { #expect(await road.chat(Self.body).field("x-turnpike-provider") == "openai") }
    }

    @Test func `a target that asked to be left alone is, as long as it asked, two minutes at most (row 85)`()
        async throws
    {
        for (asked, until) in [("30", 30), ("3600", 120)] {
            let clock = HandClock()
            let road = try Road(monotonicClock: { clock.now })
            road.transport.scripts = [
                .json("{}", status: 429, fields: "retry-after: \(asked)\r\n"), .json(PlainCallTests.answer),
                .json(PlainCallTests.answer),
            ]
            #expect(await road.chat(Self.body).status == 429)
            clock.advance(.seconds(Int64(until) - 1))
            #expect(await road.chat(Self.body).field("x-turnpike-provider") == "openrouter")
            clock.advance(.seconds(1))
            #expect(await road.chat(Self.body).field("x-turnpike-provider") == "openai")
        }
    }

    @Test func `the only target is used whatever it said`() async throws {
        let road = try Road()
        let fields = "x-ratelimit-remaining-requests: 0\r\n"
        road.transport.scripts = (0..<2).map { _ in .json(PlainCallTests.answer, fields: fields) }
        for _ in 0..<2 { #expect(await road.chat(#"{"model":"mistral/m"}"#).status == 200) }
    }
}

@Suite struct RateLimitFieldsTests {
    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (120, "120ms"), (999, "999ms"), (1000, "1s"), (1500, "1.5s"), (8640, "8.64s"),
        (1001, "1.001s"), (59_999, "59.999s"), (60_000, "1m0s"), (360_000, "6m0s"), (90_050, "1m30.05s"),
        (3_600_000, "1h0m0s"), (3_661_010, "1h1m1.01s"), (-5, "0s"),
    ])
    func `durations are written as OpenAI does`(milliseconds: Int, text: String) {
        var buffer = ByteBuffer()
        RateLimitFields.write(milliseconds: milliseconds, into: &buffer)
        #expect(String(buffer: buffer) == text + "\r\n")
    }
}
