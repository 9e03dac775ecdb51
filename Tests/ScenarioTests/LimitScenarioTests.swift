import Core
import Limits
import NIOCore
import Net
import Simulator
import TestKit
import Testing
import Transport

/// Limits through the whole gateway: real connections on two loops, and the simulator as provider.
@Suite struct LimitScenarioTests {
    private static let body = #"{"model":"sim","messages":[{"role":"user","content":"Hi"}]}"#

    private static let stalled =
        #"{"model":"sim?stall_before_head=1","messages":[{"role":"user","content":"Hi"}]}"#

    private static func request(_ body: String = body, key: String = GatewayScenario.key) -> String {
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(key)\r\n"
            + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Sends requests over one connection, one after the other.
    ///
    /// - Returns: Their statuses.
    private static func statuses(
        _ scenario: GatewayScenario,
        _ count: Int,
        key: String = GatewayScenario.key,
        until: @Sendable () -> Bool = { false }
    ) async throws -> [Int] {
        let peer = try await RawPeer.connect(port: scenario.port)
        var statuses: [Int] = []
        for _ in 0..<count where !until() {
            try await peer.send(Self.request(key: key))
            // Every answer here is JSON that ends with a brace, and has no other at its end.
            let text = try await peer.read(until: "}}")
            statuses.append(Int(text.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0)
            peer.clear()
        }
        await peer.close()
        return statuses
    }

    private static func waitFor(
        _ scenario: GatewayScenario,
        _ condition: (LimitDesk.Figures) -> Bool
    ) async throws -> Bool {
        for _ in 0..<800 {
            if condition(scenario.desk.figures) { return true }
            try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
        }
        return false
    }

    /// Row 81.
    @Test func `ten times the offered load over two loops is admitted within the bound`() async throws {
        let rule = LimitRule(name: "r", scope: Scope([.group: .one("default")]), requestsPerMinute: 300)
        try await GatewayScenario.with(limits: [rule]) { scenario in
            let begin = NIODeadline.now()
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<20 { group.addTask { try await Self.statuses(scenario, 150) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let seconds = Double((NIODeadline.now() - begin).nanoseconds) / 1e9
            let admitted = statuses.filter { $0 == 200 }.count
            #expect(statuses.count == 3000)
            #expect(statuses.allSatisfy { $0 == 200 || $0 == 429 })
            #expect(admitted >= 300)
            #expect(Double(admitted) <= 300 + 5 * seconds + 1)
            // What was refused reached nobody.
            #expect(scenario.simulator.record().count == admitted)
            #expect(try await Self.waitFor(scenario) { $0.admitted == 0 })
        }
    }

    @Test func `calls that wait on two loops are served one after the other, and all of them`() async throws {
        let rule = LimitRule(name: "c", scope: Scope(), concurrent: 2, queue: .seconds(60))
        try await GatewayScenario.with(limits: [rule]) { scenario in
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<24 { group.addTask { try await Self.statuses(scenario, 5) } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(statuses == Array(repeating: 200, count: 120))
            // A client has its answer a moment before the gateway has done with the call.
            #expect(try await Self.waitFor(scenario) { $0.admitted == 0 && $0.waiting == 0 })
            let metrics = try await scenario.get("/metrics").body
            #expect(metrics.contains("turnpike_limit_wait_seconds_count"))
        }
    }

    @Test func `at no time more calls are with the provider than a rule allows`() async throws {
        let rule = LimitRule(name: "c", scope: Scope(), concurrent: 3, queue: .seconds(60))
        try await GatewayScenario.with(limits: [rule]) { scenario in
            var peers: [RawPeer] = []
            for _ in 0..<10 {
                let peer = try await RawPeer.connect(port: scenario.port)
                try await peer.send(Self.request(Self.stalled))
                peers.append(peer)
            }
            #expect(try await Self.waitFor(scenario) { $0.waiting == 7 && $0.admitted == 3 })
            // One that is with the provider leaves, and one that waits has its place, on whichever loop it is.
            for left in 1...7 {
                await peers.removeFirst().close()
                #expect(try await Self.waitFor(scenario) { $0.waiting <= 7 - left && $0.admitted <= 3 })
            }
            #expect(try await Self.waitFor(scenario) { $0.admitted + $0.waiting == 3 })
            for peer in peers { try await peer.reset() }
            #expect(try await Self.waitFor(scenario) { $0.admitted == 0 && $0.waiting == 0 })
        }
    }

    /// Row 91.
    @Test func `clients that leave while they wait leave nothing behind`() async throws {
        let rule = LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(60))
        try await GatewayScenario.with(limits: [rule]) { scenario in
            let holder = try await RawPeer.connect(port: scenario.port)
            try await holder.send(Self.request(Self.stalled))
            #expect(try await Self.waitFor(scenario) { $0.admitted == 1 })
            for round in 0..<3 {
                var peers: [RawPeer] = []
                for _ in 0..<20 {
                    let peer = try await RawPeer.connect(port: scenario.port)
                    try await peer.send(Self.request())
                    peers.append(peer)
                }
                #expect(try await Self.waitFor(scenario) { $0.waiting == 20 })
                for (index, peer) in peers.enumerated() {
                    if (index + round).isMultiple(of: 2) { try await peer.reset() } else { await peer.close() }
                }
                #expect(try await Self.waitFor(scenario) { $0.waiting == 0 })
            }
            await holder.close()
            #expect(try await Self.waitFor(scenario) { $0.admitted == 0 })
            #expect(try await Self.statuses(scenario, 2) == [200, 200])
        }
    }

    @Test func `two groups share one rule about a model, though one brings three times as many`() async throws {
        let rules = [
            LimitRule(
                name: "model",
                scope: Scope([.model: .one("sim")]),
                requestsPerMinute: 1200,
                queue: .seconds(60),
                queueMax: 10_000
            )
        ]
        try await GatewayScenario.with(limits: rules) { scenario in
            // The burst goes first; from then on twenty come in every second, few enough for a busy machine.
            let all = Consumer(group: "first", model: "sim")
            for _ in 0..<1200 {
                let now = NIODeadline.now()
                let decision = scenario.desk.admit(
                    LimitRequest(consumer: all, tokens: 0, deadline: .distantFuture),
                    now: now
                )
                guard case .admitted(let grant, _) = decision else { break }
                scenario.desk.release(grant, tokens: nil, now: now)
            }
            let end = NIODeadline.now() + .seconds(5)
            let isOver: @Sendable () -> Bool = { NIODeadline.now() >= end }
            let counts = try await withThrowingTaskGroup(of: (String, Int).self) { group in
                for index in 0..<80 {
                    let key = index < 60 ? GatewayScenario.key : GatewayScenario.otherKey
                    // The last of each waited for its turn when the time was over.
                    group.addTask {
                        (key, try await Self.statuses(scenario, 1000, key: key, until: isOver).count - 1)
                    }
                }
                return try await group.reduce(into: [String: Int]()) { $0[$1.0, default: 0] += $1.1 }
            }
            let many = Double(counts[GatewayScenario.key] ?? 0)
            let few = Double(counts[GatewayScenario.otherKey] ?? 0)
            // Twenty connections against sixty: first come first served would give them a third of the others' share.
            #expect(few > 0.5 * many, "\(counts)")
        }
    }

    @Test func `a call that cannot make its time is refused at once`() async throws {
        let rule = LimitRule(name: "r", scope: Scope(), requestsPerMinute: 1, queue: .minutes(5))
        try await GatewayScenario.with(limits: [rule]) { scenario in
            #expect(try await Self.statuses(scenario, 1) == [200])
            let refused = try await scenario.exchange(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(GatewayScenario.key)\r\n"
                    + "x-turnpike-timeout-ms: 5000\r\nconnection: close\r\n"
                    + "content-length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)"
            )
            #expect(refused.status == 429)
            #expect(refused.json?["error"]?["details"]?["reason"]?.stringValue == "deadline")
            let wait = try #require(refused.field("retry-after").flatMap { Int($0) })
            #expect((1...60).contains(wait))
        }
    }

    @Test func `a shutdown ends the waits`() async throws {
        let rule = LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .minutes(5))
        try await GatewayScenario.with(limits: [rule]) { scenario in
            var peers: [RawPeer] = []
            for _ in 0..<4 {
                let peer = try await RawPeer.connect(port: scenario.port)
                try await peer.send(Self.request(Self.stalled))
                peers.append(peer)
            }
            #expect(try await Self.waitFor(scenario) { $0.waiting == 3 && $0.admitted == 1 })
            scenario.server.hurry()
            await scenario.server.drain(within: .zero)
            #expect(try await Self.waitFor(scenario) { $0.waiting == 0 && $0.admitted == 0 })
            for peer in peers { await peer.close() }
        }
    }
}
