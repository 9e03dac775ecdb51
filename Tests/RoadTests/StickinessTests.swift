import Auth
import Core
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport

/// Users and sessions that go to the same target each time, and experiments that they stay on one side of.
@Suite struct StickinessTests {
    private static func road(
        _ strategy: Strategy = .weighted,
        by stickiness: Stickiness,
        principal: Principal = Principal(group: GroupID("demo"), keyID: "dev"),
        book: TargetBook = TargetBook()
    ) throws -> Road {
        try ChooseRouteTests.road(strategy, principal: principal, book: book) { $0.stickiness = stickiness }
    }

    private static func served(_ road: Road, _ body: String = "", fields: String = "") async -> String {
        await ChooseRouteTests.served(road, body: body, fields: fields)[0]
    }

    // MARK: - Targets

    @Test(arguments: [Strategy.weighted, .roundRobin, .leastLatency, .leastBusy])
    func `a session stays where it was, whatever the strategy, and sessions spread`(strategy: Strategy) async throws {
        let road = try Self.road(strategy, by: .session)
        var homes: Set<String> = []
        for number in 0..<30 {
            let fields = "x-turnpike-session: chat-\(number)\r\n"
            let home = await Self.served(road, fields: fields)
            homes.insert(home)
            for _ in 0..<3 { #expect(await Self.served(road, fields: fields) == home) }
        }
        #expect(homes == ["a", "b", "c"])
        // The same in a process that knows nothing of the first one.
        let other = try Self.road(strategy, by: .session)
        for number in 0..<10 {
            let fields = "x-turnpike-session: chat-\(number)\r\n"
            #expect(await Self.served(other, fields: fields) == Self.served(road, fields: fields))
        }
    }

    @Test func `what OpenAI's clients send names a session too, the header before it`() async throws {
        let road = try Self.road(by: .session)
        for number in 0..<12 {
            let key = #","prompt_cache_key":"k\#(number)","user":"u\#(number)""#
            let user = #","user":"u\#(number)""#
            let home = await Self.served(road, key)
            #expect(await Self.served(road, key) == home)
            #expect(await Self.served(road, fields: "x-turnpike-session: k\(number)\r\n") == home)
            #expect(await Self.served(road, user, fields: "x-turnpike-session: k\(number)\r\n") == home)
            let users = await Self.served(road, user)
            #expect(await Self.served(road, user) == users)
        }
    }

    @Test func `without a session the strategy chooses`() async throws {
        let road = try Self.road(.roundRobin, by: .session)
        #expect(await ChooseRouteTests.served(road, calls: 3) == ["a", "b", "c"])
        #expect(await ChooseRouteTests.served(road, calls: 3, body: #","user":"""#) == ["a", "b", "c"])
        #expect(await ChooseRouteTests.served(road, calls: 3, body: #","user":7"#) == ["a", "b", "c"])
    }

    @Test func `a user is who the request names, else whom the key belongs to`() async throws {
        func home(_ principal: Principal, _ body: String = "") async throws -> String {
            let road = try Self.road(by: .user, principal: principal)
            let homes = Set(await ChooseRouteTests.served(road, calls: 4, body: body))
            #expect(homes.count == 1)
            return homes.first ?? ""
        }
        var homes: [String: Set<String>] = [:]
        for number in 0..<20 {
            let demo = GroupID("demo")
            let ann = Principal(group: demo, keyID: "k", owner: .user(UserID("ann\(number)")))
            homes["user", default: []].insert(try await home(ann))
            // Two keys of one person are one user.
            let second = Principal(group: demo, keyID: "other", owner: .user(UserID("ann\(number)")))
            #expect(try await home(ann) == home(second))
            homes["agent", default: []].insert(
                try await home(Principal(group: demo, keyID: "k", owner: .agent("bot\(number)")))
            )
            let key = Principal(group: demo, keyID: "k\(number)")
            homes["key", default: []].insert(try await home(key))
            let body = #","safety_identifier":"s\#(number)","user":"x""#
            #expect(try await home(key, body) == home(ann, body))
            homes["body", default: []].insert(try await home(key, body))
        }
        for kind in ["user", "agent", "key", "body"] { #expect(homes[kind]?.count == 3, "\(kind)") }
    }

    @Test(arguments: ["x-turnpike-session: one\r\n", ""])
    func `groups that use the same names are not taken for each other`(fields: String) async throws {
        let local = ["a", "b", "c"].map { RouteEntry.TargetEntry(provider: "local", model: $0) }
        var homes: Set<String> = []
        for number in 0..<20 {
            let principal = Principal(group: GroupID("g\(number)"), keyID: "k")
            let road = try ChooseRouteTests.road(.weighted, targets: local, principal: principal) {
                $0.stickiness = .session
            }
            homes.insert(await Self.served(road, #","prompt_cache_key":"one""#, fields: fields))
        }
        #expect(homes == ["a", "b", "c"])
    }

    @Test func `whose target fails goes to the next of its own, and back when it is well`() async throws {
        let road = try Self.road(by: .session)
        let fields = "x-turnpike-session: chat-1\r\n"
        let home = await Self.served(road, fields: fields)
        var seconds: Set<String> = []
        for _ in 0..<3 {
            road.transport.scripts = [
                .failure(TransportError.connectFailed("refused")), .json(ChooseRouteTests.answer),
            ]
            seconds.insert(await road.chat(#"{"model":"fast"}"#, fields: fields).field("x-turnpike-model") ?? "")
            #expect(await Self.served(road, fields: fields) == home)
        }
        #expect(seconds.count == 1 && !seconds.contains(home))
    }

    @Test func `a target that many stick to sheds those above its share where the strategy is least busy`() async throws
    {
        let book = TargetBook()
        let road = try Self.road(.leastBusy, by: .session, book: book)
        let fields = "x-turnpike-session: everybody\r\n"
        let home = await Self.served(road, fields: fields)
        /// Calls of one session inside of each other.
        func nested(_ depth: Int) async -> [String] {
            var inner: [String] = []
            road.transport.scripts = [
                .pausing(before: ChooseRouteTests.answer) { if depth > 1 { inner = await nested(depth - 1) } }
            ]
            let answer = await road.chat(#"{"model":"fast"}"#, fields: fields)
            return [answer.field("x-turnpike-model") ?? ""] + inner
        }
        let models = await nested(12)
        #expect(models[0] == home)
        #expect(Set(models).count == 3, "\(models)")
        #expect(models.filter { $0 == home }.count < 8, "\(models)")
        #expect(await Self.served(road, fields: fields) == home)
    }

    // MARK: - Experiments

    private static func split(
        by stickiness: Stickiness? = .user,
        variants: [Split.Variant] = [
            .init(name: "canary", weight: 20, route: "next"), .init(name: "control", weight: 80),
        ],
        credentialsFor: [String] = ["openai", "openrouter", "mistral"],
        book: TargetBook = TargetBook()
    ) throws -> Road {
        try ChooseRouteTests.road(
            .fallback,
            targets: [.init(provider: "openai", model: "old")],
            more: [RouteEntry(name: "next", targets: [.init(provider: "mistral", model: "new")])],
            credentialsFor: credentialsFor,
            book: book
        ) { $0.split = Split(stickiness: stickiness, variants: variants) }
    }

    @Test func `users stay on their side, and the sides have their shares`() async throws {
        let book = TargetBook()
        let road = try Self.split(book: book)
        var onCanary = 0
        for number in 0..<300 {
            let body = #","user":"u\#(number)""#
            road.transport.scripts = [.json(ChooseRouteTests.answer), .json(ChooseRouteTests.answer)]
            let answer = await road.chat(#"{"model":"fast"\#(body)}"#)
            let again = await road.chat(#"{"model":"fast"\#(body)}"#)
            let variant = answer.field("x-turnpike-variant")
            #expect(variant == again.field("x-turnpike-variant"))
            #expect(answer.field("x-turnpike-model") == (variant == "canary" ? "new" : "old"))
            if variant == "canary" { onCanary += 1 }
        }
        #expect((40...80).contains(onCanary), "\(onCanary) of 300, 60 expected")
        let counts = book.gauges(now: { .now() }).first { $0.name == "turnpike_experiment_calls_total" }?.samples()
        #expect(counts?.map(\.value) == [Double(2 * onCanary), Double(600 - 2 * onCanary)])
    }

    @Test func `a larger share takes in others and lets nobody go`() async throws {
        let small = try Self.split()
        let large = try Self.split(variants: [
            .init(name: "canary", weight: 40, route: "next"), .init(name: "control", weight: 60),
        ])
        for number in 0..<100 {
            let body = #","user":"u\#(number)""#
            let before = await ChooseRouteTests.served(small, body: body)
            let after = await ChooseRouteTests.served(large, body: body)
            if before == ["new"] { #expect(after == ["new"]) }
        }
    }

    @Test func `with split by call the same user is on both sides`() async throws {
        let road = try Self.split(by: nil)
        let models = await ChooseRouteTests.served(road, calls: 200, body: #","user":"ann""#)
        #expect(Set(models) == ["old", "new"])
    }

    @Test func `a canary that fails leaves its users to the targets of the alias`() async throws {
        let road = try Self.split(variants: [.init(name: "canary", weight: 1, route: "next")])
        road.transport.scripts = [.failure(TransportError.connectFailed("refused")), .json(ChooseRouteTests.answer)]
        let answer = await road.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 200)
        #expect(answer.field("x-turnpike-model") == "old")
        #expect(answer.field("x-turnpike-variant") == "canary", "it is counted where it was put")
        #expect(answer.field("x-turnpike-attempts") == "2")
    }

    @Test func `a group that cannot use a side is not on it`() async throws {
        let road = try Self.split(credentialsFor: ["openai"])
        for number in 0..<40 {
            road.transport.scripts = [.json(ChooseRouteTests.answer)]
            let answer = await road.chat(#"{"model":"fast","user":"u\#(number)"}"#)
            #expect(answer.field("x-turnpike-variant") == "control" && answer.field("x-turnpike-model") == "old")
        }
        let none = try Self.split(
            variants: [.init(name: "canary", weight: 1, route: "next")],
            credentialsFor: ["openai"]
        )
        none.transport.scripts = [.json(ChooseRouteTests.answer)]
        let answer = await none.chat(#"{"model":"fast"}"#)
        #expect(answer.status == 200 && answer.field("x-turnpike-variant") == nil)
        let unusable = try Self.split(credentialsFor: [])
        #expect(await unusable.chat(#"{"model":"fast"}"#).status == 424)
    }
}
