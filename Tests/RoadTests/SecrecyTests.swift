import Core
import NIOCore
import Telemetry
import Testing
import Transport

/// Row 51: keys are planted everywhere and searched for in everything that leaves.
@Suite struct SecrecyTests {
    @Test func `no key leaves by any answer, log line or figure, whatever the provider echoes`() async throws {
        let key = Road.providerKey
        let half = String(key.dropFirst(10).prefix(20))
        for body in [
            #"{"error":{"message":"Incorrect key: \#(key).","type":"\#(key)","code":"\#(key)","param":"\#(key)"}}"#,
            #"{"error":{"message":"Bearer \#(key) is bad; \#(half) too"}}"#, #"{"message":"\#(key)"}"#, key,
            #"{"detail":[{"msg":"x \#(key)"}]}"#,
        ] {
            for status in [400, 401, 403, 404, 409, 422, 429, 500, 503, 200] {
                let road = try Road()
                let reader = try #require(road.live.join(group: nil))
                road.transport.scripts = [
                    .json(body, status: status, fields: "x-generation-id: 1\r\nretry-after: 3\r\n")
                ]
                let answer = await road.chat(#"{"model":"\#("gpt-4o")"}"#)
                var line = ByteBuffer()
                for record in road.live.take(reader).calls { CallLog.write(record, into: &line) }
                let everything = [
                    answer.fields, answer.sent, String(buffer: line), road.logged.text, road.exposition,
                ].joined(separator: "\n")
                if status != 200 || body.hasPrefix("{\"error") || body == key {
                    #expect(answer.status >= 400)
                    let leaks = everything.contains(key) || everything.contains(half)
                    #expect(!leaks, "\(status) \(body)")
                }
                let leaksCaller = everything.contains(Road.key)
                #expect(!leaksCaller)
            }
        }
    }

    @Test func `a gateway key that does not work is never repeated`() async throws {
        let road = try Road()
        let answer = await road.send("POST", "/v1/chat/completions", body: "{}", key: "tp_near-miss-near-miss-1234")
        let everything = answer.fields + answer.sent + road.logged.text + road.exposition
        #expect(!everything.contains("near-miss"))
    }

    @Test func `a prompt is in no log line and no figure`() async throws {
        let road = try Road()
        let reader = try #require(road.live.join(group: nil))
        road.transport.scripts = [.json(#"{"choices":[{"message":{"content":"the-answer-canary"}}]}"#)]
        _ = await road.chat(#"{"model":"fast","messages":[{"role":"user","content":"the-prompt-canary"}]}"#)
        var line = ByteBuffer()
        for record in road.live.take(reader).calls { CallLog.write(record, into: &line) }
        #expect(line.readableBytes > 0)
        #expect(!(String(buffer: line) + road.logged.text + road.exposition).contains("canary"))
    }

    @Test(arguments: [
        (401, 424, "credential_rejected"), (403, 424, "credential_rejected"), (429, 429, "provider_rate_limited"),
        (500, 502, "provider_error"), (502, 502, "provider_error"), (503, 503, "provider_unavailable"),
        (504, 504, "provider_timeout"), (529, 503, "provider_unavailable"), (408, 504, "provider_timeout"),
    ])
    func `a provider's status becomes the contract's (rows 85 to 87)`(status: Int, seen: Int, code: String) async throws
    {
        let road = try Road()
        road.transport.scripts = [
            .json(#"{"error":{"message":"secret words"}}"#, status: status, fields: "retry-after: 7\r\n")
        ]
        let answer = await road.chat(#"{"model":"openai/gpt-4o"}"#)
        #expect(answer.status == seen)
        #expect(answer.json?["error"]?["code"] == .string(code))
        #expect(!answer.sent.contains("secret words"))
        if seen == 429 || seen == 503 { #expect(answer.field("retry-after") == "7") }
    }

    @Test func `a complaint about the request keeps its status, words, code and place`() async throws {
        let road = try Road()
        let error =
            #"{"error":{"message":"This model's maximum context length is 8192 tokens.","#
            + #""type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#
        road.transport.scripts = [.json(error, status: 400)]
        let answer = await road.chat(#"{"model":"openai/gpt-4o"}"#)
        #expect(answer.status == 400)
        #expect(answer.json == (try JSONValue.parse(error)))
    }

    @Test func `a model that the provider does not know is answered with the nearest known one`() async throws {
        let road = try Road()
        road.transport.scripts = [
            .json(#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#, status: 404)
        ]
        let answer = await road.chat(#"{"model":"fasst"}"#)
        #expect(answer.status == 404)
        #expect(answer.json?["error"]?["code"] == "model_not_found")
        #expect(answer.json?["error"]?["message"]?.stringValue?.contains("'fast'") == true)
    }
}
