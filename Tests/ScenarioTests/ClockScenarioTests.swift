import Core
import Limits
import NIOCore
import Net
import Simulator
import TestKit
import Testing
import Transport

/// The clocks of a call, seen from the client's end of the whole gateway.
@Suite struct ClockScenarioTests {
    /// One clock that runs out, and what of a call makes it.
    struct Clock: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var name: ClockName
        var fault: String
        var stream: Bool

        init(_ name: ClockName, _ fault: String, stream: Bool) {
            self.testDescription = "\(name.label), \(fault), \(stream ? "stream" : "whole")"
            self.name = name
            self.fault = fault
            self.stream = stream
        }

        /// Only the clock that is meant to run out is short.
        func timeouts(_ limit: TimeAmount) -> Timeouts {
            var timeouts = Timeouts(firstByte: .seconds(20), idle: .seconds(20), total: .seconds(20))
            switch self.name {
            case .connect: timeouts.connect = limit
            case .firstByte: timeouts.firstByte = limit
            case .idle: timeouts.idle = limit
            case .total: timeouts.total = limit
            case .streamMax: timeouts.streamMax = limit
            }
            return timeouts
        }
    }

    static let clocks = [
        Clock(.firstByte, "stall_before_head=1", stream: false),
        Clock(.firstByte, "stall_before_head=1", stream: true),
        Clock(.idle, "stall_after_head=1", stream: false),
        Clock(.idle, "stall_after_head=1", stream: true),
        Clock(.idle, "chunks=9&stall_after_events=4", stream: true),
        Clock(.total, "stall_before_head=1", stream: false),
        Clock(.total, "stall_before_head=1", stream: true),
        // Bytes that come one by one keep the other clocks quiet.
        Clock(.total, "drip_ms=20&drip_bytes=1&text_bytes=4000", stream: false),
        Clock(.streamMax, "endless=1&interval_ms=20", stream: true),
    ]

    @Test(arguments: clocks)
    func `the clock that ran out is named with the value that was in force, row 90`(_ clock: Clock) async throws {
        try await GatewayScenario.with(timeouts: clock.timeouts(.milliseconds(350))) { scenario in
            let answer = try await scenario.ask("sim/sim?\(clock.fault)", stream: clock.stream)
            let hasContent = clock.fault.contains("stall_after_events") || clock.name == .streamMax
            #expect(answer.status == (hasContent ? 200 : 504))
            #expect(answer.isComplete)
            #expect(!answer.text.contains("[DONE]"))
            #expect(answer.error?["code"]?.stringValue == "provider_timeout")
            #expect(answer.error?["message"]?.stringValue?.contains("\(clock.name.rawValue) limit of 350 ms") == true)
            #expect(answer.error?["details"]?["clock"]?.stringValue == clock.name.label)
            #expect(answer.error?["details"]?["limitMs"]?.stringValue == "350")
            // The provider is not left working for nobody.
            #expect(try await scenario.waitForRecord { $0.allSatisfy { $0.ending != .running } })
            #expect(scenario.runtime.dialer.counters.timeouts(clock.name) > 0)
        }
    }

    @Test(arguments: [(300, 20_000, 300), (20_000, 300, 300), (86_400_000, 300, 300)], [false, true])
    func `a client's own limit can only shorten`(
        _ limit: (client: Int, configured: Int64, inForce: Int),
        _ stream: Bool
    ) async throws {
        var timeouts = Timeouts(firstByte: .seconds(20), idle: .seconds(20))
        timeouts.total = .milliseconds(limit.configured)
        try await GatewayScenario.with(timeouts: timeouts) { scenario in
            let answer = try await scenario.ask(
                "sim/sim?stall_before_head=1",
                stream: stream,
                fields: "x-turnpike-timeout-ms: \(limit.client)\r\n"
            )
            #expect(answer.status == 504)
            #expect(answer.error?["details"]?["clock"]?.stringValue == "total")
            #expect(answer.error?["details"]?["limitMs"]?.stringValue == "\(limit.inForce)")
        }
    }

    @Test func `what keeps the client's connection alive moves no clock, row 90`() async throws {
        var timeouts = Timeouts(firstByte: .seconds(20), total: .seconds(20))
        timeouts.idle = .milliseconds(700)
        try await GatewayScenario.with(heartbeat: .milliseconds(50), timeouts: timeouts) { scenario in
            let begin = NIODeadline.now()
            let answer = try await scenario.ask("sim/sim?chunks=9&stall_after_events=4", stream: true)
            #expect(NIODeadline.now() - begin >= .milliseconds(700))
            #expect(answer.error?["details"]?["limitMs"]?.stringValue == "700")
            let beats = answer.body.ranges(of: ": keep-alive").count
            #expect(beats >= 3, "the gateway has spoken meanwhile: \(beats)")
        }
    }

    // MARK: A provider that stalls while calls wait

    private static let alone = LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(60))

    /// Runs `body` while a call has the only place and its provider is silent.
    private static func behindStalled(
        _ timeouts: Timeouts,
        _ body: (GatewayScenario, RawPeer) async throws -> Void
    ) async throws {
        try await GatewayScenario.with(timeouts: timeouts, limits: [alone]) { scenario in
            let holder = try await scenario.chat("sim/sim?stall_after_head=1", stream: false)
            #expect(try await scenario.waitForRecord { !$0.isEmpty })
            try await body(scenario, holder)
            await holder.close()
        }
    }

    @Test func `a silent provider gives its place to who waits when its clock runs out, row 90`() async throws {
        let timeouts = Timeouts(firstByte: .seconds(20), idle: .milliseconds(400), total: .seconds(20))
        try await Self.behindStalled(timeouts) { scenario, holder in
            let waiting = try await scenario.ask("sim/sim", stream: false)
            #expect(waiting.status == 200)
            let stalled = try await holder.read(until: "}}")
            #expect(stalled.hasPrefix("HTTP/1.1 504"))
            #expect(stalled.contains("idle limit of 400 ms"))
        }
    }

    @Test func `who has no time to wait for a stalled call is told so, and reaches nobody`() async throws {
        let timeouts = Timeouts(firstByte: .seconds(20), idle: .seconds(20), total: .seconds(20))
        try await Self.behindStalled(timeouts) { scenario, _ in
            let hurried = try await scenario.ask(
                "sim/sim",
                stream: false,
                fields: "x-turnpike-timeout-ms: 200\r\n"
            )
            #expect(hurried.status == 429)
            #expect(hurried.error?["code"]?.stringValue == "rate_limited")
            #expect(scenario.simulator.record().count == 1)
        }
    }

    @Test func `the total of a call begins with its arrival, so that waiting counts`() async throws {
        let timeouts = Timeouts(firstByte: .seconds(20), idle: .seconds(20), total: .seconds(20))
        try await Self.behindStalled(timeouts) { scenario, holder in
            async let late = scenario.ask(
                "sim/sim?stall_before_head=1",
                stream: false,
                fields: "x-turnpike-timeout-ms: 3000\r\n"
            )
            // Half of its time is gone when its turn comes.
            try await scenario.runtime.run { transport in
                while scenario.desk.figures.waiting == 0 { try await transport.sleep(for: .milliseconds(25)) }
                try await transport.sleep(for: .milliseconds(1500))
            }
            await holder.close()
            let answer = try await late
            #expect(answer.status == 504)
            #expect(answer.error?["details"]?["limitMs"]?.stringValue == "3000")
            #expect(try await scenario.waitForRecord { $0.count == 2 && $0.allSatisfy { $0.ending != .running } })
            let call = try #require(scenario.simulator.record().last)
            #expect(call.cutNanoseconds - call.headReceivedNanoseconds < 3_000_000_000)
        }
    }
}

extension RawAnswer {
    /// The error, in the body or in the last event.
    var error: JSONValue? {
        self.json?["error"] ?? self.events.last.flatMap { try? JSONValue.parse($0) }?["error"]
    }
}

extension GatewayScenario {
    /// Asks with further header fields and reads the whole answer.
    func ask(_ model: String, stream: Bool, extra: String = "", fields: String) async throws -> RawAnswer {
        let messages = #"[{"role":"user","content":"canary-prompt"}]"#
        let body = #"{"model":"\#(model)","stream":\#(stream),"messages":\#(messages)\#(extra)}"#
        return try await self.exchange(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(Self.key)\r\n\(fields)"
                + "connection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }
}
