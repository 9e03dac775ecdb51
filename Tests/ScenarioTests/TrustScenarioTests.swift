import Core
import NIOConcurrencyHelpers
import NIOCore
import Simulator
import TestKit
import Testing

/// Requests that try to send the gateway, and the keys it holds, somewhere else.
@Suite struct TrustScenarioTests {
    /// Runs `body` beside a server that nobody may call.
    ///
    /// - Returns: How many called it.
    private static func visits(
        _ body: (GatewayScenario, _ url: String) async throws -> Void
    ) async throws -> Int {
        let count = NIOLockedValueBox(0)
        let stranger = try await RawPeer.listen { peer in
            count.withLockedValue { $0 += 1 }
            try await peer.read(until: "\r\n\r\n")
            try await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        }
        do {
            try await GatewayScenario.with { scenario in
                try await body(scenario, "http://127.0.0.1:\(stranger.port)/v1")
                // What was under way has happened once this call is through.
                #expect(try await scenario.ask("sim/sim", stream: false).status == 200)
            }
            await stranger.close()
        } catch {
            await stranger.close()
            throw error
        }
        return count.withLockedValue { $0 }
    }

    /// Names under which gateways and SDKs let a caller say where to send a request.
    static let places = [
        "api_base", "base_url", "baseURL", "api_url", "endpoint", "url", "host", "provider_url", "custom_host",
        "azure_endpoint", "proxy", "http_proxy", "region", "webhook", "callback_url", "extra_headers",
    ]

    @Test(arguments: [false, true])
    func `no field of a body sends a call elsewhere, row 25`(_ stream: Bool) async throws {
        let visits = try await Self.visits { scenario, url in
            let fields = Self.places.map { #","\#($0)":"\#(url)""# }.joined()
            let nested = #","extra_body":{"api_base":"\#(url)"},"litellm_params":{"api_base":"\#(url)"}"#
            let answer = try await scenario.ask("sim/sim", stream: stream, extra: fields + nested, fields: "")
            #expect(answer.status == 200)
            #expect(scenario.simulator.record().count == 1)
        }
        #expect(visits == 0)
    }

    @Test func `no header sends a call elsewhere, and none of those reaches the provider, row 25`() async throws {
        let names =
            Self.places.filter { $0 != "host" }.map { "x-\($0.replacing("_", with: "-").lowercased())" } + [
                "x-portkey-custom-host", "x-portkey-config", "x-litellm-api-base", "x-openai-base-url",
                "openai-base-url", "helicone-target-url", "x-target-url", "x-forwarded-host", "x-original-url",
                "x-rewrite-url",
                "destination", "proxy-authorization", "x-turnpike-provider", "x-turnpike-target",
            ]
        let visits = try await Self.visits { scenario, url in
            let fields = names.map { "\($0): \(url)\r\n" }.joined()
            let answer = try await scenario.ask("sim/sim", stream: false, extra: "", fields: fields)
            #expect(answer.status == 200)
            let call = try #require(scenario.simulator.record().first)
            for name in names { #expect(!call.headerFields.contains { $0.name.lowercased() == name }, "\(name)") }
            #expect(!call.headerFields.contains { $0.value.contains(url) })
        }
        #expect(visits == 0)
    }

    @Test func `no query sends a call elsewhere, row 25`() async throws {
        let visits = try await Self.visits { scenario, url in
            let query = Self.places.map { "\($0)=\(url)" }.joined(separator: "&")
            let body = #"{"model":"sim/sim","messages":[{"role":"user","content":"x"}]}"#
            let answer = try await scenario.exchange(
                "POST /v1/chat/completions?\(query) HTTP/1.1\r\nhost: x\r\n"
                    + "authorization: Bearer \(GatewayScenario.key)\r\n"
                    + "connection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
            )
            #expect([200, 400].contains(answer.status))
        }
        #expect(visits == 0)
    }

    @Test func `a model's name is no address, row 25`() async throws {
        let visits = try await Self.visits { scenario, url in
            for model in [url, "sim/\(url)", "openai@\(url)", "\(url)/gpt-4", "//\(url.dropFirst(7))"] {
                let answer = try await scenario.ask(model, stream: false)
                // Either nobody knows it, or it is sent to the provider it names, as a name.
                #expect([200, 400, 404].contains(answer.status), "\(model)")
            }
        }
        #expect(visits == 0)
    }

    @Test(arguments: ["image_url", "input_audio", "file", "video_url"])
    func `what a message points at is passed on as text and not fetched, row 30`(_ kind: String) async throws {
        let visits = try await Self.visits { scenario, url in
            let part = #"{"type":"\#(kind)","\#(kind)":{"url":"\#(url)/x.png","file_url":"\#(url)/y","detail":"high"}}"#
            let content = #"[{"type":"text","text":"look"},\#(part)]"#
            let body = #"{"model":"sim/sim","messages":[{"role":"user","content":\#(content)}]}"#
            let answer = try await scenario.post(body)
            // The provider decides what it makes of it.
            #expect((200..<500).contains(answer.status))
            #expect(scenario.simulator.record().count == 1)
        }
        #expect(visits == 0)
    }
}
