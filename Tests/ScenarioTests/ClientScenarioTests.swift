import Core
import NIOCore
import Simulator
import TestKit
import Testing

/// Clients that lie about their requests, and keys that must not be seen, at the door of the whole gateway.
@Suite struct ClientScenarioTests {
    private static let start =
        "POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer \(GatewayScenario.key)\r\n"
    private static let body = #"{"model":"sim","messages":[]}"#
    /// What a server that was misled would take for a second request.
    private static let second =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(GatewayScenario.key)\r\n"
        + "content-length: \(body.utf8.count)\r\n\r\n\(body)"

    private static let length = "content-length: \(body.utf8.count)\r\n"
    private static let chunked = "transfer-encoding: chunked\r\n"
    private static let chunk = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n"

    static let shapes: [String: String] = [
        "both framings": "host: x\r\n\(length)\(chunked)\r\n\(chunk)0\r\n\r\n",
        "both framings, the other way round": "host: x\r\n\(chunked)\(length)\r\n\(body)",
        "two lengths": "host: x\r\n\(length)content-length: 0\r\n\r\n\(body)",
        "a list of lengths": "host: x\r\ncontent-length: 0, \(body.utf8.count)\r\n\r\n\(body)",
        "a signed length": "host: x\r\ncontent-length: +\(body.utf8.count)\r\n\r\n\(body)",
        "a hexadecimal length": "host: x\r\ncontent-length: 0x1d\r\n\r\n\(body)",
        "an overflowing length": "host: x\r\ncontent-length: 18446744073709551645\r\n\r\n\(body)",
        "space before the colon": "host: x\r\ntransfer-encoding : chunked\r\n\(length)\r\n\(body)",
        "a folded line": "host: x\r\nx-a: b\r\n \(chunked)\(length)\r\n\(body)",
        "a coding before chunked": "host: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n\(chunk)0\r\n\r\n",
        "a coding behind chunked": "host: x\r\ntransfer-encoding: chunked, x\r\n\r\n\(chunk)0\r\n\r\n",
        "an unknown coding": "host: x\r\ntransfer-encoding: xchunked\r\n\r\n\(chunk)0\r\n\r\n",
        "chunked twice": "host: x\r\n\(chunked)\(chunked)\r\n\(chunk)0\r\n\r\n",
        "a bare line feed in the head": "host: x\nx-a: b\r\n\(length)\r\n\(body)",
        "a bare carriage return in a value": "host: x\r\nx-a: b\rc\r\n\(length)\r\n\(body)",
        "NUL in a value": "host: x\r\nx-a: b\0c\r\n\(length)\r\n\(body)",
        "no host": "\(length)\r\n\(body)",
        "two hosts": "host: x\r\nhost: y\r\n\(length)\r\n\(body)",
        "an overflowing chunk": "host: x\r\n\(chunked)\r\nffffffffffffffff1d\r\n\(body)\r\n0\r\n\r\n",
        "a chunk that is longer than it says": "host: x\r\n\(chunked)\r\n5\r\n\(body)\r\n0\r\n\r\n",
        "a chunk with bare line feeds": "host: x\r\n\(chunked)\r\n1d\n\(body)\n0\n\n",
        "a signed chunk": "host: x\r\n\(chunked)\r\n+1d\r\n\(body)\r\n0\r\n\r\n",
        "framing in a trailer": "host: x\r\n\(chunked)\r\n\(chunk)0\r\ncontent-length: 5\r\n\r\n",
    ]

    @Test(arguments: Self.shapes.keys.sorted())
    func `a request of two minds reaches no provider, and ends its connection, row 1`(_ name: String) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.exchange(Self.start + (Self.shapes[name] ?? "") + Self.second)
            #expect((400...501).contains(answer.status))
            #expect(answer.text.split(separator: "HTTP/1.1 ").count == 1, "one answer, and none to what follows")
            #expect(scenario.simulator.acceptedConnections == 0)
        }
    }

    @Test(arguments: [
        #"{"model":"sim","model":"router/sim","messages":[]}"#,
        #"{"model":"sim","mod\u0065l":"router/sim","messages":[]}"#,
        #"{"model":"sim","\u006dodel":"router/sim","messages":[]}"#,
        #"{"model":"sim","stream":false,"stream":true,"messages":[]}"#,
        #"{"model":"sim","stream":true,"stream_options":{},"stream_options":{"include_usage":true},"messages":[]}"#,
    ])
    func `a field that is there twice and read once goes nowhere, row 17`(_ body: String) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.post(body)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "invalid_request")
            #expect(scenario.simulator.acceptedConnections == 0)
        }
    }

    @Test func `no key is in any answer, log line or figure, whoever echoes it, row 51`() async throws {
        try await GatewayScenario.with { scenario in
            let nearMiss = "tp_near-miss-canary-0123456789"
            var seen: [String] = []
            for fault in [
                "status=400&error=echo_key", "status=401&error=echo_key", "status=403&error=echo_key",
                "status=429&error=echo_key", "status=500&error=echo_key", "status=200&error=echo_key", "error200=1",
                "midstream_error=2", "hostile_headers=1", "cut_before_head=1",
            ] {
                for stream in [false, true] {
                    seen.append(try await scenario.ask("sim/sim?\(fault)", stream: stream).text)
                }
            }
            seen.append(
                try await scenario.exchange(
                    "GET /v1/models?key=\(nearMiss) HTTP/1.1\r\nhost: x\r\nx-api-key: \(nearMiss)\r\n"
                        + "connection: close\r\n\r\n"
                ).text
            )
            for path in ["/", "/metrics", "/api/ai/status", "/openapi.json", "/readyz"] {
                let page = try await scenario.get(path)
                #expect(page.status == 200 || path == "/api/ai/status")
                seen.append(page.text)
            }
            #expect(scenario.simulator.record().allSatisfy { $0.key == GatewayScenario.providerKey })
            let everything = seen.joined() + scenario.logText()
            for canary in [GatewayScenario.key, GatewayScenario.providerKey, nearMiss] {
                #expect(!everything.contains(canary), "\(canary)")
                #expect(!everything.contains(canary.dropFirst(8)), "a part of \(canary)")
            }
            #expect(!scenario.logText().contains("canary-prompt"))
        }
    }

    @Test(arguments: ["sim%2Fsim", "sim/sim"])
    func `a model is found however its slash is written, row 11`(_ name: String) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.exchange(
                "GET /v1/models/\(name) HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(GatewayScenario.key)\r\n"
                    + "connection: close\r\n\r\n"
            )
            #expect(answer.status == 200)
            #expect(answer.json?["id"] == "sim/sim")
        }
    }
}
