import Core
import NIOCore
import Net
import Simulator
import TestKit
import Testing
import Transport

/// Calls through the whole gateway, with everything going wrong that can.
@Suite struct StreamScenarioTests {
    private let end = "data: [DONE]\n\n"

    @Test func `an unmodified stream arrives, and the log has the tokens that the provider counted`() async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat("sim?chunks=5", stream: true)
            let answer = try await peer.read(until: self.end)
            #expect(answer.contains("x-turnpike-provider: sim"))
            #expect(!answer.contains("\"usage\""))
            await peer.close()
            #expect(try await scenario.waitForRecord { $0.first?.ending == .completed })
            let call = try #require(scenario.simulator.record().first)
            for _ in 0..<200 where !scenario.logText().contains("\"msg\":\"call\"") {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            let line = scenario.logText()
            #expect(line.contains("\"tokensIn\":\(call.promptTokens),\"tokensOut\":\(call.completionTokens)"))
        }
    }

    enum Leaving: CaseIterable { case fin, reset }

    @Test(
        arguments: ["sim?stall_before_head=1", "sim?stall_after_head=1", "sim?chunks=9&stall_after_events=4"],
        Leaving.allCases
    )
    func `a client that leaves a stream cancels the provider's call, row 91`(
        _ model: String,
        _ leaving: Leaving
    ) async throws {
        try await self.leave(model, stream: true, leaving)
    }

    @Test(arguments: Leaving.allCases)
    func `a client that leaves a plain call cancels it too, row 91`(_ leaving: Leaving) async throws {
        try await self.leave("sim?stall_before_head=1", stream: false, leaving)
    }

    private func leave(_ model: String, stream: Bool, _ leaving: Leaving) async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat(model, stream: stream)
            if model.contains("stall_after_events") { try await peer.read(until: "data: ") }
            #expect(try await scenario.waitForRecord { !$0.isEmpty })
            let left = NIODeadline.now()
            if leaving == .fin { await peer.close() } else { try await peer.reset() }
            #expect(try await scenario.waitForRecord { [.clientClosed, .clientReset].contains($0.first?.ending) })
            let call = try #require(scenario.simulator.record().first)
            #expect(call.cutNanoseconds >= left.uptimeNanoseconds)
            // Milliseconds on an idle machine; a call that only its own clocks ended would take a minute.
            #expect(call.cutNanoseconds < (left + .seconds(15)).uptimeNanoseconds)
            for _ in 0..<200 where !scenario.logText().contains("\"status\":499") {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            #expect(scenario.logText().contains("\"code\":\"CLIENT_GONE\""))
            let figures = try await scenario.get("/metrics").body
            #expect(figures.contains("\nturnpike_calls_in_flight 0\n"))
            #expect(figures.contains("\nturnpike_clients_gone_total 1\n"))
        }
    }

    @Test func `silence is filled, the first beat commits 200, and what fails later is in-band, row 90`() async throws {
        var timeouts = Timeouts()
        timeouts.firstByte = .milliseconds(900)
        try await GatewayScenario.with(heartbeat: .milliseconds(200), timeouts: timeouts) { scenario in
            let peer = try await scenario.chat("sim?stall_before_head=1", stream: true)
            let beat = try await peer.read(until: ": keep-alive")
            #expect(beat.hasPrefix("HTTP/1.1 200"))
            #expect(!beat.contains("x-turnpike-provider"))
            let answer = try await peer.read(until: "0\r\n\r\n")
            #expect(answer.contains("provider_timeout"))
            #expect(answer.contains("900 ms"))
            #expect(!answer.contains("[DONE]"))
            await peer.close()
        }
    }

    @Test func `a failure before the first content keeps its own status, row 88`() async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat("sim?lifecycle_then_error=1", stream: true)
            let answer = try await peer.read(until: "}}")
            #expect(answer.hasPrefix("HTTP/1.1 5"))
            #expect(!answer.contains("data: "))
            await peer.close()
        }
    }

    @Test(arguments: ["cut_after_events=3", "cut_mid_event=3", "midstream_error=3", "cut_after_events=3&cut=reset"])
    func `a stream that breaks says so in-band and never ends well, row 89`(_ fault: String) async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat("sim?chunks=9&\(fault)", stream: true)
            let answer = try await peer.read(until: "0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.contains(#"data: {"error":"#))
            #expect(!answer.contains("[DONE]"))
            await peer.close()
        }
    }

    @Test func `a target that refuses the connection gives way to the next, row 83`() async throws {
        let listener = try await RawPeer.listen { _ in }
        let port = listener.port
        await listener.close()
        try await GatewayScenario.with(deadPorts: [port]) { scenario in
            let peer = try await scenario.chat("fast", stream: false)
            let answer = try await peer.read(until: "chat.completion")
            #expect(answer.contains("x-turnpike-provider: sim\r\n"))
            #expect(answer.contains("x-turnpike-attempts: 2\r\n"))
            await peer.close()
        }
    }

    @Test(arguments: [false, true])
    func `a running stream ends by itself or in-band when the server stops, row 96`(_ finishes: Bool) async throws {
        try await GatewayScenario.with { scenario in
            let model = finishes ? "sim?chunks=5&interval_ms=100" : "sim?chunks=9&stall_after_events=4"
            let peer = try await scenario.chat(model, stream: true)
            try await peer.read(until: "data: ")
            let cut = await scenario.server.drain(within: finishes ? .seconds(20) : .milliseconds(50))
            let answer = try await peer.readToEnd()
            #expect(cut == (finishes ? 0 : 1))
            #expect(answer.contains(finishes ? "[DONE]" : "shutting_down"))
        }
    }

    @Test func `a client that does not read holds its provider back, row 92`() async throws {
        try await GatewayScenario.with { scenario in
            let peer = try await scenario.chat("sim?chunks=20000&chunk_bytes=2000", stream: true)
            try await peer.stopReading()
            #expect(try await scenario.waitForRecord { ($0.first?.timesBlocked ?? 0) > 0 })
            let written = try #require(scenario.simulator.record().first?.bytesWritten)
            #expect(written < 24 << 20, "40 MB would be all of it; the rest is in the kernel's buffers")
            await peer.close()
        }
    }

    @Test func `no key and no prompt is in any log line, whatever the provider echoes, row 51`() async throws {
        try await GatewayScenario.with { scenario in
            for status in [401, 500, 400, 200] {
                let fault = status == 200 ? "chunks=2" : "status=\(status)&error=echo_key"
                let peer = try await scenario.chat("sim?\(fault)", stream: false)
                let answer = try await peer.read(until: "}")
                #expect(!answer.contains(GatewayScenario.providerKey))
                #expect(!answer.contains(GatewayScenario.key))
                await peer.close()
            }
            let log = scenario.logText()
            #expect(!log.contains(GatewayScenario.providerKey))
            #expect(!log.contains(GatewayScenario.key))
            #expect(!log.contains("canary-prompt"))
        }
    }

    @Test func `many streams at once end with exactly the tokens the provider wrote`() async throws {
        try await GatewayScenario.with { scenario in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        let peer = try await scenario.chat("sim?chunks=\(index + 3)", stream: true)
                        try await peer.read(until: "data: [DONE]\n\n")
                        await peer.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await scenario.waitForRecord { $0.count == 40 && $0.allSatisfy { $0.ending == .completed } })
            for _ in 0..<200 where scenario.logText().split(separator: "\n").count < 40 {
                try await scenario.runtime.run { try await $0.sleep(for: .milliseconds(25)) }
            }
            let logged = scenario.logText().split(separator: "\n").compactMap { line -> Int? in
                line.firstRange(of: "\"tokensOut\":").map {
                    Int(line[$0.upperBound...].prefix { $0.isNumber }) ?? -1
                }
            }
            #expect(logged.sorted() == scenario.simulator.record().map(\.completionTokens).sorted())
        }
    }
}
