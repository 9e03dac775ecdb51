import Database
import Metering
import NIOCore
import Net
import Providers
import SQLite
import Simulator
import TestKit
import Testing
import Transport

/// Hedging through the whole gateway, with real sockets, a journal and a ledger, against a provider with a slow tail.
@Suite(.serialized) struct HedgeScenarioTests {
    struct Outcome {
        /// Milliseconds to the first content, of the attempts that answered a client.
        var firstContents: [Int64] = []
        /// Attempts that somebody was charged for, and all of them.
        var charged = 0
        var attempts = 0
        /// What the provider saw.
        var seen = 0
        var open = 0
        var variants: [String: Int] = [:]

        func quantile(_ permille: Int) -> Int64 {
            self.firstContents.sorted()[self.firstContents.count * permille / 1000]
        }
    }

    /// Sends calls over some connections, and reads from the ledger what became of them.
    ///
    /// Three of a hundred calls that the provider sees are slow: those, by number, that a seed picks.
    private static func run(_ count: Int, warmUp: Int = 0, hedge: HedgeTerms?, lanes: Int = 18) async throws -> Outcome
    {
        let books = try await DrainScenarioTests.Books()
        books.extras.onDisconnect = .cancel
        books.extras.hedge = hedge
        books.extras.model = "sim?ttft_ms=20"
        var outcome = Outcome()
        var before = 0
        outcome.seen = try await GatewayScenario.with(extras: books.extras) { scenario in
            try await Self.send(warmUp, to: scenario, lanes: lanes)
            try await books.bringIn()
            before = try await books.rows().count
            scenario.simulator.clearRecord()
            try scenario.simulator.script(Self.slowCalls(among: count + count / 10))
            try await Self.send(count, to: scenario, lanes: lanes)
            // An attempt that was called off is known at the provider when its connection ends.
            #expect(try await scenario.waitForRecord { !$0.contains { $0.ending == .running } })
            return scenario.simulator.record().count
        }
        try await books.bringIn()
        let rows = try await books.database.read { session in
            try session.rows("SELECT * FROM ledger ORDER BY attempt_id").map { row in
                (
                    isCharged: try row.bool("is_charged"), first: try row.optionalInteger("first_content_ms"),
                    variant: try row.text("variant"), source: try row.text("usage_source")
                )
            }
        }
        outcome.attempts = rows.count - before
        for row in rows.dropFirst(before) {
            outcome.variants[row.variant, default: 0] += 1
            guard row.isCharged else {
                #expect(row.source == "none")
                continue
            }
            outcome.charged += 1
            if let first = row.first { outcome.firstContents.append(first) }
        }
        outcome.open = books.extras.meter?.counts.open ?? -1
        try await books.close()
        return outcome
    }

    private static func slowCalls(among count: Int) -> [ScriptEntry] {
        var random = SeededGenerator(seed: 20_261_121)
        var slow: Set<Int> = []
        while slow.count < count * 3 / 100 { slow.insert(random.below(count)) }
        // Each entry counts the calls that the ones before it let by.
        return slow.sorted().enumerated().map { index, number in
            ScriptEntry(skip: number - index, times: 1, fault: ["ttft_ms": "6000"])
        }
    }

    private static func send(_ count: Int, to scenario: GatewayScenario, lanes: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    for _ in stride(from: lane, to: count, by: lanes) {
                        let peer = try await scenario.chat("fast", stream: true)
                        try await peer.read(until: "data: [DONE]")
                        await peer.close()
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `a slow tail of 3 percent is cut by half at the 99th percentile, for 6 percent of calls at most`()
        async throws
    {
        let count = 600
        let plain = try await Self.run(count, hedge: nil)
        let hedged = try await Self.run(count, warmUp: 120, hedge: HedgeTerms())
        #expect(plain.attempts == count && plain.charged == count && plain.seen == count)
        #expect(plain.quantile(990) >= 6000)
        #expect(hedged.quantile(990) * 2 <= plain.quantile(990), "\(hedged.quantile(990)), \(plain.quantile(990))")
        // Every attempt is settled once, and one of each call is charged for.
        #expect(hedged.charged == count && hedged.firstContents.count == count)
        #expect(hedged.open == 0)
        // One may have been called off before it was sent.
        #expect(hedged.seen <= hedged.attempts && hedged.seen >= count)
        #expect(hedged.attempts - count == hedged.variants["hedge"])
        #expect(Double(hedged.attempts - count) <= 0.06 * Double(count), "\(hedged.attempts - count) more")
    }

    @Test func `attempts that race for every call are settled once each, whoever wins`() async throws {
        // The second attempt begins about when the first has content, so that either may win, and both at once.
        let terms = HedgeTerms(delay: .milliseconds(10), permille: 1000)
        let outcome = try await Self.run(300, hedge: terms, lanes: 16)
        #expect(outcome.charged == 300)
        #expect(outcome.open == 0)
        #expect((outcome.variants["hedge"] ?? 0) > 0)
    }
}

extension HedgeScenarioTests {
    @Test(arguments: [false, true], [TimeAmount.milliseconds(10), .minutes(9)])
    func `a client that leaves with its answer was answered, and one that stays can ask again at once`(
        stream: Bool,
        delay: TimeAmount
    ) async throws {
        var extras = GatewayScenario.Extras()
        extras.hedge = HedgeTerms(delay: delay, permille: 1000)
        extras.model = "sim?head_ms=60"
        try await GatewayScenario.with(extras: extras) { scenario in
            for _ in 0..<3 {
                let peer = try await scenario.chat("fast", stream: stream)
                try await peer.read(until: stream ? "data: [DONE]" : "\"total_tokens\"")
                await peer.close()
            }
            for _ in 0..<400 where scenario.logText().split(separator: "\"msg\":\"call\"").count < 4 {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            let text = scenario.logText()
            #expect(text.split(separator: "\"status\":200").count == 4, "\(text)")
            // The connection is there for the next call as soon as an answer is out.
            let peer = try await scenario.chat("fast", stream: stream)
            for _ in 0..<3 {
                try await peer.read(until: stream ? "data: [DONE]" : "\"total_tokens\"")
                peer.clear()
                try await peer.send(GatewayScenario.request("fast", stream: stream))
            }
            try await peer.read(until: stream ? "data: [DONE]" : "\"total_tokens\"")
            await peer.close()
        }
    }
}
