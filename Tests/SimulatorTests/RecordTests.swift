import NIOCore
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct RecordTests {
    @Test func `a call is recorded with its headers, body, tokens and times`() async throws {
        try await Bench.with { bench in
            let reply = try await bench.ask("sim?chunks=12&reasoning=8", stream: true)
            let call = try await bench.nextEnded()
            #expect(call.sequence == 1)
            #expect(call.method == "POST")
            #expect(call.path == "/v1/chat/completions")
            #expect(call.headerFields.map(\.name) == ["Host", "Authorization", "Connection", "Content-Length"])
            #expect(call.headers["host"] == "sim")
            #expect(call.keySuffix == "key1")
            #expect(call.model == "sim?chunks=12&reasoning=8")
            #expect(call.isStream)
            #expect(call.options == ["chunks", "reasoning"])
            #expect(call.bodyText.contains("Hello there"))
            #expect(call.bodyBytes == call.body?.count)
            #expect(call.promptTokens == 9)
            #expect(call.completionTokens == 20)
            #expect(call.tokensWritten == 20)
            #expect(call.eventsWritten == reply.events.count)
            #expect(call.bytesWritten == reply.bytes.count)
            #expect(call.ending == .completed)
            let times = [
                call.acceptedNanoseconds, call.headReceivedNanoseconds, call.bodyCompleteNanoseconds,
                call.firstByteNanoseconds, call.finishedNanoseconds,
            ]
            #expect(times == times.sorted())
            #expect(times[0] > 0)
            #expect(call.cutNanoseconds == 0)
        }
    }

    /// Each phase with the number of events that come before it; nil if not even the head does.
    @Test(arguments: [
        ("stall_before_head=1", nil), ("stall_after_head=1", 0), ("stall_after_events=4", 4),
        ("interval_ms=3600000", 2),
    ])
    func `a client that leaves is noticed in every phase, by FIN and by RST (row 91)`(
        phase: String,
        events: Int?
    ) async throws {
        try await Bench.with { bench in
            for ending in [RecordedCall.Ending.clientClosed, .clientReset] {
                let client = try await RawClient.connect(bench.simulator)
                try await client.send(Bench.chat("sim?chunks=100&\(phase)", stream: true))
                if let events {
                    // Whoever leaves with something unread leaves with a reset, so everything is read first.
                    _ = try await client.receive {
                        $0.text.contains("\r\n\r\n") && $0.events.count == events && $0.text.hasSuffix("\r\n")
                    }
                }
                while bench.simulator.record().last?.bodyCompleteNanoseconds ?? 0 == 0 { await Task.yield() }
                let left = NIODeadline.now().uptimeNanoseconds
                if ending == .clientReset { try await client.reset() } else { try await client.close() }
                let call = try await bench.nextEnded()
                #expect(call.ending == ending)
                #expect(call.cutNanoseconds >= left)
                #expect(call.eventsWritten == events ?? 0)
                // All but the role are worth one token.
                #expect(call.tokensWritten == max(0, (events ?? 0) - 1))
                bench.simulator.clearRecord()
            }
        }
    }

    @Test func `a client that only ends its own side has left, unless the call says otherwise`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            try await client.send(
                Bench.chat("sim?ignore_close=1&stall_after_events=2&stall_ms=500&text=x", stream: true)
            )
            // On a busy machine everything may be here at once.
            _ = try await client.receive { $0.events.count >= 2 }
            try await client.closeOutput()
            let reply = try await client.receive { $0.text.contains("[DONE]") }
            #expect(reply.events.last == "[DONE]")
            #expect(try await bench.nextEnded().ending == .completed)
            let leaving = try await RawClient.connect(bench.simulator)
            try await leaving.send(Bench.chat("sim?stall_after_events=2&text=x", stream: true))
            _ = try await leaving.receive { $0.events.count >= 2 }
            try await leaving.closeOutput()
            #expect(try await bench.nextEnded().ending == .clientClosed)
        }
    }

    @Test func `tokens that did not fit into the socket are not counted as written (row 92)`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            try await client.stopReading()
            try await client.send(Bench.chat("sim?endless=1&chunk_bytes=16384", stream: true))
            while bench.simulator.record().last?.timesBlocked ?? 0 == 0 { await Task.yield() }
            let blocked = try #require(bench.simulator.record().last)
            #expect(blocked.ending == .running)
            #expect(blocked.tokensWritten > 0)
            // What one socket and its reader can hold is bounded; an endless stream is not.
            #expect(blocked.bytesWritten < 32 << 20)
            try await client.reset()
            let call = try await bench.nextEnded()
            #expect(call.ending == .clientReset)
        }
    }

    @Test func `what is no HTTP is recorded too (row 1)`() async throws {
        try await Bench.with { bench in
            let reply = try await RawClient.exchange(bench.simulator, "this is not HTTP\r\n\r\n")
            #expect(reply.head.hasPrefix("HTTP/1.1 400"))
            let call = try await bench.nextEnded()
            #expect(call.ending == .malformed)
            #expect(call.problem?.isEmpty == false)
            let both =
                "POST /v1/x HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            _ = try await RawClient.exchange(bench.simulator, both)
            #expect(try await bench.nextEnded().ending == .malformed)
        }
    }

    @Test func `the record keeps the latest calls and says how many it dropped`() async throws {
        try await Bench.with {
            $0.recordLimit = 3
        } _: { bench in
            for _ in 0..<5 { _ = try await bench.ask("sim?text=x") }
            #expect(bench.simulator.record().map(\.sequence) == [3, 4, 5])
            let record = try await RawClient.exchange(
                bench.simulator,
                "GET /sim/record HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
            )
            let json = try JSONParser.parse(record.body)
            #expect(json["dropped"] == .integer(2))
            #expect(json["calls"]?.array?.count == 3)
            #expect(json["connections_accepted"] == .integer(6))
            let headers = json["calls"]?.array?.first?["headers"]
            #expect(headers?["authorization"] == .string("Bearer sk-raw-key1"))
            bench.simulator.clearRecord()
            #expect(bench.simulator.record().isEmpty)
        }
    }

    @Test func `totals count every call, whatever became of its record`() async throws {
        try await Bench.with {
            $0.recordLimit = 1
        } _: { bench in
            for _ in 0..<3 { _ = try await bench.ask("sim?text=one,two") }
            _ = try await bench.ask("sim?status=500")
            var prompt = 0
            for _ in 0..<4 { prompt = max(prompt, try await bench.nextEnded().promptTokens) }
            bench.simulator.clearRecord()
            let answer = try await RawClient.exchange(
                bench.simulator,
                "GET /sim/totals HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
            )
            let json = try JSONParser.parse(answer.body)
            #expect(json["calls"] == .integer(4))
            #expect(json["running"] == .integer(0))
            #expect(json["answered"] == .integer(3))
            #expect(json["prompt_tokens"] == .integer(3 * prompt))
            #expect(json["completion_tokens"] == .integer(9))
            #expect(json["tokens_written"] == .integer(9))
        }
    }

    @Test func `keys are cut off for those who are not on this machine`() async throws {
        try await Bench.with { bench in
            _ = try await bench.ask("sim?text=x")
            let call = try await bench.nextEnded()
            #expect(!call.json(revealsKeys: false).contains("sk-raw"))
            #expect(call.json(revealsKeys: false).contains("...key1"))
            #expect(call.json(revealsKeys: true).contains("Bearer sk-raw-key1"))
        }
    }

    @Test func `bodies are dropped, oldest first, when all together grow too large`() {
        let recorder = Recorder(limit: 100)
        let body = [UInt8](repeating: 7, count: RecordedCall.bodyLimit)
        let count = Recorder.bodyBytesLimit / body.count + 2
        for _ in 0..<count {
            let (record, _) = recorder.begin(RecordedCall())
            recorder.setBody(body, size: body.count, of: record)
        }
        let kept = recorder.calls.map { $0.body != nil }
        #expect(kept.prefix(2) == [false, false])
        #expect(kept.dropFirst(2).allSatisfy { $0 })
        recorder.clear()
        let (record, sequence) = recorder.begin(RecordedCall())
        recorder.setBody([1], size: 1, of: record)
        #expect(sequence == count + 1)
        #expect(recorder.calls.first?.body == [1])
    }

    @Test func `connections are counted while they are open`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            try await client.send(Bench.chat("sim?text=x"))
            _ = try await client.receive { $0.text.hasSuffix("}") }
            #expect(bench.simulator.acceptedConnections == 1)
            #expect(bench.simulator.openConnections == 1)
            try await client.close()
            while bench.simulator.openConnections > 0 { await Task.yield() }
        }
    }
}
