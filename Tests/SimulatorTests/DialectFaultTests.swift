import Testing

@testable import Simulator

/// The faults that know no dialect, in the dialects whose streams are least like OpenAI's.
@Suite struct DialectFaultTests {
    enum Wire: String, CaseIterable, Sendable {
        case gemini, geminiArray, bedrock, cohere

        func request(_ options: String) -> String {
            let encoded = options.replacing("%", with: "%25").replacing("?", with: "%3F")
            switch self {
            case .gemini, .geminiArray:
                let query = self == .gemini ? "?alt=sse" : ""
                return Self.post(
                    "/v1beta/models/sim%3F\(encoded):streamGenerateContent\(query)",
                    "x-goog-api-key: k",
                    #"{"contents":[{"parts":[{"text":"Hello there"}]}]}"#
                )
            case .bedrock:
                return Self.post(
                    "/model/sim%3F\(encoded)/converse-stream",
                    "Authorization: Bearer k",
                    #"{"messages":[{"role":"user","content":[{"text":"Hello there"}]}]}"#
                )
            case .cohere:
                return Self.post(
                    "/v2/chat",
                    "Authorization: Bearer k",
                    #"{"model":"sim?\#(options)","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#
                )
            }
        }

        private static func post(_ target: String, _ key: String, _ body: String) -> String {
            "POST \(target) HTTP/1.1\r\nHost: sim\r\n\(key)\r\nConnection: close\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
    }

    private func ask(_ bench: Bench, _ wire: Wire, _ options: String) async throws
        -> (reply: RawClient.Reply, call: RecordedCall)
    {
        let reply = try await RawClient.exchange(bench.simulator, wire.request(options))
        return (reply, try await bench.nextEnded())
    }

    @Test(arguments: Wire.allCases)
    func `streams break where they are told to`(wire: Wire) async throws {
        try await Bench.with { bench in
            let between = try await self.ask(bench, wire, "cut_after_events=3")
            #expect(between.call.eventsWritten == 3)
            #expect(between.call.ending == .cut)
            let inside = try await self.ask(bench, wire, "cut_mid_event=3")
            #expect(inside.call.eventsWritten == 3)
            #expect(inside.call.bytesWritten > between.call.bytesWritten)
            #expect(inside.call.ending == .cut)
            let early = try await self.ask(bench, wire, "cut_at_byte=40")
            #expect(early.call.bytesWritten == 40)
            let reset = try await self.ask(bench, wire, "cut_after_events=2&cut=reset")
            #expect(reset.reply.ending != .open)
            #expect(reset.call.ending == .cut)
            let endless = try await self.ask(bench, wire, "endless=1&cut_after_events=200")
            #expect(endless.call.eventsWritten == 200)
        }
    }

    @Test(arguments: Wire.allCases)
    func `pauses pass and nothing is lost`(wire: Wire) async throws {
        try await Bench.with { bench in
            let usual = try await self.ask(bench, wire, "chunks=3")
            for options in [
                "chunks=3&ttft_ms=1&interval_ms=1", "chunks=3&stall_after_events=2&stall_ms=1", "chunks=3&split=5",
                "chunks=3&drip_ms=1&drip_bytes=400", "chunks=3&http_chunk=7", "chunks=3&framing=close",
            ] {
                let (_, call) = try await self.ask(bench, wire, options)
                #expect(call.ending == .completed, "\(options)")
                #expect(call.eventsWritten == usual.call.eventsWritten, "\(options)")
                #expect(call.tokensWritten == 3, "\(options)")
                #expect(call.isUsageWritten, "\(options)")
            }
        }
    }

    @Test(arguments: Wire.allCases)
    func `garbage and errors come in the middle`(wire: Wire) async throws {
        try await Bench.with { bench in
            let usual = try await self.ask(bench, wire, "chunks=3")
            let garbage = try await self.ask(bench, wire, "chunks=3&garbage_after=2")
            #expect(garbage.reply.text.contains(#"{"this is": not JSON"#))
            #expect(garbage.call.eventsWritten == usual.call.eventsWritten)
            #expect(garbage.call.ending == .completed)
            let failed = try await self.ask(bench, wire, "chunks=9&midstream_error=2&error_message=Out%20of%20luck")
            #expect(failed.call.eventsWritten == 3)
            #expect(failed.reply.text.contains("Out of luck"))
            #expect(!failed.call.isUsageWritten)
        }
    }

    @Test(arguments: Wire.allCases)
    func `answers that do not care what was asked`(wire: Wire) async throws {
        try await Bench.with { bench in
            let page = try await self.ask(bench, wire, "status=502&error=html")
            #expect(page.reply.head.hasPrefix("HTTP/1.1 502"))
            #expect(page.reply.body.contains("<html>"))
            let whole = try await self.ask(bench, wire, "status=503")
            let half = try await self.ask(bench, wire, "status=503&error=cut")
            #expect(half.reply.body.utf8.count == whole.reply.body.utf8.count / 2)
            let hidden = try await self.ask(bench, wire, "error200=1")
            #expect(hidden.reply.head.hasPrefix("HTTP/1.1 200"))
            #expect(hidden.reply.body.contains("Provider returned error"))
            let huge = try await self.ask(bench, wire, "body_bytes=5000")
            #expect(huge.reply.body.utf8.count == 5000)
            #expect(throws: Never.self) { try JSONParser.parse(huge.reply.body) }
            let moved = try await self.ask(bench, wire, "redirect=307")
            #expect(moved.reply.head.contains("location: "))
            let long = try await self.ask(bench, wire, "line_bytes=70000&chunks=1")
            #expect(long.reply.text.contains(String(repeating: "L", count: 70_000)))
            #expect(long.call.ending == .completed)
            let nothing = try await self.ask(bench, wire, "cut_before_head=1")
            #expect(nothing.reply.bytes.isEmpty)
        }
    }

    @Test(arguments: Wire.allCases)
    func `usage lies as it is told to, and the record does not`(wire: Wire) async throws {
        try await Bench.with { bench in
            let truth = try await self.ask(bench, wire, "chunks=3")
            for fault in Behaviour.UsageFault.allCases {
                let (reply, call) = try await self.ask(bench, wire, "chunks=3&usage=\(fault.rawValue)")
                #expect(call.promptTokens == truth.call.promptTokens, "\(fault)")
                #expect(call.completionTokens == 3, "\(fault)")
                #expect(call.ending == .completed, "\(fault)")
                #expect(call.isUsageWritten == (fault != .none), "\(fault)")
                if fault == .negative { #expect(reply.text.contains(":-")) }
            }
            let given = try await self.ask(bench, wire, "chunks=3&prompt_tokens=12345&completion_tokens=67")
            #expect(given.reply.text.contains("12345"))
        }
    }
}
