import Core
import NIOCore
import Net
import Simulator
import TestKit
import Testing
import Transport

/// Requests with an `Idempotency-Key` through the whole gateway; the provider's own record says how often it was called
/// (row 77).
@Suite struct IdempotencyScenarioTests {
    private static let field = "idempotency-key: k-1\r\n"

    /// Sends a request with a key on a connection of its own, and reads the whole answer.
    private static func ask(
        _ scenario: GatewayScenario,
        _ model: String,
        stream: Bool,
        extra: String = ""
    ) async throws -> RawAnswer {
        let fields = Self.field + "connection: close\r\n"
        let peer = try await scenario.chat(model, stream: stream, extra: extra, fields: fields)
        let text = try await peer.readToEnd(within: 60)
        await peer.close()
        return RawAnswer(text)
    }

    @Test(arguments: [false, true])
    func `a request that is sent again brings the same answer, and one call`(stream: Bool) async throws {
        try await GatewayScenario.with { scenario in
            let first = try await Self.ask(scenario, "sim?chunks=20", stream: stream)
            let again = try await Self.ask(scenario, "sim?chunks=20", stream: stream)
            #expect(first.status == 200)
            #expect(first.isComplete)
            #expect(again.status == 200)
            #expect(again.isComplete)
            #expect(again.body == first.body)
            #expect(first.field("x-turnpike-idempotent-replay") == nil)
            #expect(again.field("x-turnpike-idempotent-replay") == "true")
            #expect(scenario.simulator.record().count == 1)
            let other = try await Self.ask(scenario, "sim?chunks=20", stream: stream, extra: #","seed":1"#)
            #expect(other.status == 409)
            #expect(other.errorCode == "idempotency_conflict")
            #expect(scenario.simulator.record().count == 1)
        }
    }

    @Test func `of a hundred at once one reaches the provider, and nobody gets another answer`() async throws {
        try await GatewayScenario.with { scenario in
            let answers = try await withThrowingTaskGroup(of: RawAnswer.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        while true {
                            let answer = try await Self.ask(scenario, "sim?chunks=20&interval_ms=5", stream: false)
                            guard answer.status == 409 else { return answer }
                            #expect(answer.errorCode == "conflict")
                            try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(50)) }
                        }
                    }
                }
                return try await group.reduce(into: [RawAnswer]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 && $0.isComplete })
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(scenario.simulator.record().count == 1)
        }
    }

    @Test(arguments: [false, true], StreamScenarioTests.Leaving.allCases)
    func `a call whose client has left runs to its end, and the retry finds all of it`(
        stream: Bool,
        leaving: StreamScenarioTests.Leaving
    ) async throws {
        try await GatewayScenario.with { scenario in
            let model = "sim?chunks=30&interval_ms=10"
            let peer = try await scenario.chat(model, stream: stream, fields: Self.field)
            if stream { try await peer.read(until: "data: ") }
            #expect(try await scenario.waitForRecord { !$0.isEmpty })
            if leaving == .fin { await peer.close() } else { try await peer.reset() }
            #expect(try await scenario.waitForRecord { $0.first?.ending == .completed })
            var answer = try await Self.ask(scenario, model, stream: stream)
            for _ in 0..<200 where answer.status == 409 {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
                answer = try await Self.ask(scenario, model, stream: stream)
            }
            #expect(answer.status == 200)
            #expect(answer.field("x-turnpike-idempotent-replay") == "true")
            #expect(answer.isComplete)
            if stream {
                #expect(answer.events.last == "[DONE]")
                #expect(answer.events.count == 33)
            }
            let calls = scenario.simulator.record()
            #expect(calls.count == 1)
            let call = try #require(calls.first)
            // The gateway's own account of it has all that the provider counted, although nobody was there.
            for _ in 0..<200 where !scenario.logText().contains("\"status\":499") {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            let figures = "\"tokensIn\":\(call.promptTokens),\"tokensOut\":\(call.completionTokens)"
            #expect(scenario.logText().contains(figures))
        }
    }

    @Test func `a slow reader of a large answer gets all of it, kept or not`() async throws {
        try await GatewayScenario.with { scenario in
            let model = "sim?chunks=3000&chunk_bytes=4096"
            let first = try await Self.ask(scenario, model, stream: true)
            #expect(first.events.count == 3003)
            #expect(first.isComplete)
            let again = try await Self.ask(scenario, model, stream: true)
            #expect(again.status == 409, "12 MB are more than is kept")
            #expect(scenario.simulator.record().count == 1)
        }
    }

    @Test func `a server that will wait no longer ends what runs on without a client`() async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat("sim?endless=1&interval_ms=10", stream: true, fields: Self.field)
            try await peer.read(until: "data: ")
            await peer.close()
            try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(100)) }
            #expect(await scenario.server.drain(within: .milliseconds(100)) == 1)
            #expect(try await scenario.waitForRecord { [.clientClosed, .clientReset].contains($0.first?.ending) })
        }
    }
}
