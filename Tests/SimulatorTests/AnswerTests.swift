import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(2))) struct AnswerTests {
    @Test func `a plain answer is one JSON body that counts its tokens`() async throws {
        try await Bench.with { bench in
            let reply = try await bench.ask("sim")
            #expect(reply.head.hasPrefix("HTTP/1.1 200 OK"))
            let body = try JSONParser.parse(reply.body)
            let message = try #require(body["choices"]?.array?.first?["message"])
            let text = try #require(message["content"]?.string)
            #expect(text.contains("“Hello there”"))
            let usage = try #require(body["usage"])
            #expect(usage["prompt_tokens"] == .integer(3 + 4 + 2))
            #expect(usage["completion_tokens"] == .integer(Tokenizer.count(text)))
        }
    }

    @Test func `a stream begins with the role and ends with finish, usage and DONE`() async throws {
        try await Bench.with { bench in
            let reply = try await bench.ask(
                "sim?text=one%20two",
                stream: true,
                more: #","stream_options":{"include_usage":true}"#
            )
            let events = reply.events
            #expect(events.count == 6)
            #expect(events.last == "[DONE]")
            let chunks = try events.dropLast().map { try JSONParser.parse($0) }
            let deltas = chunks.prefix(4).map { $0["choices"]?.array?.first?["delta"]?.text }
            #expect(
                deltas == [
                    #"{"role":"assistant","content":"","refusal":null}"#, #"{"content":"one"}"#, #"{"content":" two"}"#,
                    "{}",
                ]
            )
            #expect(chunks.prefix(4).allSatisfy { $0["usage"] == .null })
            #expect(chunks[3]["choices"]?.array?.first?["finish_reason"] == .string("stop"))
            #expect(chunks[4]["choices"] == .array([]))
            #expect(chunks[4]["usage"]?["completion_tokens"] == .integer(2))
        }
    }

    @Test func `a prompt beyond the context is refused as one`() async throws {
        try await Bench.with { bench in
            #expect(try await bench.ask("sim?context=9").head.hasPrefix("HTTP/1.1 200"))
            let reply = try await bench.ask("sim?context=8")
            #expect(reply.head.hasPrefix("HTTP/1.1 400"))
            #expect(reply.body.contains(#""code":"context_length_exceeded""#))
        }
    }

    @Test func `without include_usage a stream says nothing of usage`() async throws {
        try await Bench.with { bench in
            let reply = try await bench.ask("sim", stream: true)
            #expect(!reply.text.contains("usage"))
        }
    }

    @Test(arguments: [170, 180, 1024, 65_536])
    func `chunk_bytes is the size of an event`(size: Int) async throws {
        try await Bench.with { bench in
            let reply = try await bench.ask("sim?chunks=3&chunk_bytes=\(size)", stream: true)
            let words = reply.events.dropFirst().prefix(3)
            #expect(words.map(\.utf8.count) == [size - 8, size - 8, size - 8])  // Without "data: " and two line ends.
        }
    }

    @Test func `OpenRouter comments first, repeats the role and always tells the cost`() async throws {
        try await Bench.with { bench in
            let reply = try await RawClient.exchange(
                bench.simulator,
                Bench.chat(
                    "sim?text=one",
                    stream: true,
                    path: "/api/v1/chat/completions",
                    headers: "Connection: close\r\n"
                )
            )
            #expect(reply.body.contains(": OPENROUTER PROCESSING\n\n"))
            #expect(reply.head.contains("x-generation-id: gen-sim1"))
            let chunks = try reply.events.dropLast().map { try JSONParser.parse($0) }
            #expect(chunks[1]["choices"]?.array?.first?["delta"]?.text == #"{"role":"assistant","content":"one"}"#)
            // 9 prompt tokens at a millionth, 1 completion token at two.
            #expect(reply.text.contains(#""cost":0.000011"#))
            #expect(chunks.last?["choices"] == .array([]))
        }
    }

    @Test func `Azure begins with a chunk without choices and wants its version`() async throws {
        try await Bench.with { bench in
            let path = "/openai/deployments/mine/chat/completions"
            let request = Bench.chat(
                "ignored",
                stream: true,
                path: "\(path)?api-version=2026-10-01",
                headers: "Connection: close\r\n"
            )
            let reply = try await RawClient.exchange(bench.simulator, request)
            let first = try JSONParser.parse(try #require(reply.events.first))
            #expect(first["choices"] == .array([]))
            #expect(first["id"] == .string(""))
            let call = try await bench.nextEnded()
            #expect(call.model == "mine")
            let unversioned = try await RawClient.exchange(
                bench.simulator,
                Bench.chat("ignored", path: path, headers: "Connection: close\r\n")
            )
            #expect(unversioned.head.hasPrefix("HTTP/1.1 404"))
            #expect(unversioned.body == #"{"error":{"code":"404","message":"Resource not found"}}"#)
        }
    }

    @Test func `pipelined requests are answered one after the other on one connection`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            try await client.send(Bench.chat("sim?text=first", stream: true) + Bench.chat("sim?text=second"))
            let reply = try await client.receive { $0.text.contains("second") && $0.text.hasSuffix("}") }
            let first = try #require(reply.text.firstRange(of: "[DONE]"))
            let second = try #require(reply.text.firstRange(of: "second"))
            #expect(first.upperBound < second.lowerBound)
            try await client.close()
            let calls = [try await bench.nextEnded(), try await bench.nextEnded()]
            #expect(calls.map(\.connection) == [1, 1])
            #expect(calls.map(\.ending) == [.completed, .completed])
        }
    }

    @Test func `a large upload that waits for leave gets it`() async throws {
        try await Bench.with { bench in
            let client = try await RawClient.connect(bench.simulator)
            let request = Bench.chat("sim", headers: "Expect: 100-continue\r\n")
            let head = try #require(request.firstRange(of: "\r\n\r\n"))
            try await client.send(String(request[..<head.upperBound]))
            let leave = try await client.receive { $0.text.hasSuffix("\r\n\r\n") }
            #expect(leave.text == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send(String(request[head.upperBound...]))
            let reply = try await client.receive { $0.text.hasSuffix("}") }
            #expect(reply.text.contains("HTTP/1.1 200 OK"))
            try await client.close()
        }
    }

    @Test func `unknown keys, paths and methods are refused in the provider's words`() async throws {
        try await Bench.with {
            $0.requiredKeys = ["sk-other"]
        } _: { bench in
            let wrongKey = try await bench.ask("sim")
            #expect(wrongKey.head.hasPrefix("HTTP/1.1 401"))
            #expect(wrongKey.body.contains("invalid_api_key"))
            #expect(!wrongKey.body.contains("sk-raw-key1"))
        }
        try await Bench.with { bench in
            let close = "Connection: close\r\n\r\n"
            let key = "Host: sim\r\nAuthorization: Bearer k\r\n"
            let path = try await RawClient.exchange(bench.simulator, "GET /v2/nothing HTTP/1.1\r\n\(key)\(close)")
            #expect(path.head.hasPrefix("HTTP/1.1 404"))
            #expect(path.body.contains("Invalid URL (GET /v2/nothing)"))
            let method = try await RawClient.exchange(bench.simulator, "GET /v1/embeddings HTTP/1.1\r\n\(key)\(close)")
            #expect(method.head.hasPrefix("HTTP/1.1 405"))
            let head = try await RawClient.exchange(bench.simulator, "HEAD /v1/models HTTP/1.1\r\n\(key)\(close)")
            #expect(head.head.hasPrefix("HTTP/1.1 200"))
            #expect(head.body.isEmpty)
        }
    }

    @Test func `a body that is no JSON is refused`() async throws {
        try await Bench.with { bench in
            for body in ["", "{", "[]", "null", "\"text\"", "{\"model\":\"sim\"} x", "{\"model\":7}"] {
                let request = Bench.post("/v1/chat/completions", body, headers: "Connection: close\r\n")
                let reply = try await RawClient.exchange(bench.simulator, request)
                #expect(reply.head.hasPrefix("HTTP/1.1 400"), "\(body)")
                #expect(reply.body.contains("invalid_request_error"), "\(body)")
            }
        }
    }
}
