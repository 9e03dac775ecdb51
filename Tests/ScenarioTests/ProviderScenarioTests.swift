import Core
import NIOCore
import Providers
import Simulator
import TestKit
import Testing

/// Providers that answer what no provider should, seen from the client's end of the whole gateway.
@Suite struct ProviderScenarioTests {
    @Test(arguments: [301, 302, 303, 307, 308], [false, true])
    func `a redirect is never followed, row 29`(_ status: Int, _ stream: Bool) async throws {
        try await GatewayScenario.with { scenario in
            let place = "\(scenario.simulator.baseURL)/v1/chat/completions"
            let answer = try await scenario.ask("sim/sim?redirect=\(status)&location=\(place)", stream: stream)
            #expect(answer.status == 502)
            #expect(answer.errorCode == "provider_error")
            #expect(!answer.text.contains(scenario.simulator.baseURL))
            #expect(scenario.simulator.record().count == 1)
        }
    }

    @Test(arguments: [false, true])
    func `another protocol and a storm of interim answers are refused, a few pass by, row 16`(
        _ stream: Bool
    ) async throws {
        try await GatewayScenario.with { scenario in
            for fault in ["switching=1", "informational=500", "informational=1&informational_status=101"] {
                let answer = try await scenario.ask("sim/sim?\(fault)", stream: stream)
                #expect(answer.status == 502, "\(fault)")
                #expect(answer.errorCode == "provider_error")
            }
            let answer = try await scenario.ask("sim/sim?informational=3", stream: stream)
            #expect(answer.status == 200)
            #expect(answer.isComplete)
        }
    }

    @Test(arguments: [false, true])
    func `of a provider's head only what is known to be useful passes, row 16`(_ stream: Bool) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.ask("sim/sim?hostile_headers=1", stream: stream)
            #expect(answer.status == 200)
            let known: Set = [
                "date", "connection", "content-type", "content-length", "transfer-encoding", "cache-control",
                "x-accel-buffering", "x-content-type-options", "x-request-id", "x-should-retry", "retry-after",
            ]
            let others = answer.fields.map(\.name).filter { name in
                !known.contains(name) && !name.hasPrefix("x-turnpike-") && !name.hasPrefix("x-ratelimit-")
                    && !name.hasPrefix("openai-")
            }
            #expect(others.isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func `what was compressed is refused unread, row 33`(_ stream: Bool) async throws {
        try await GatewayScenario.with { scenario in
            for fault in ["gzip=1", "gzip_bomb=1000000000", "gzip_bomb=1000000000&redirect=307"] {
                let answer = try await scenario.ask("sim/sim?\(fault)", stream: stream)
                #expect(answer.status == 502, "\(fault)")
                #expect(answer.errorCode == "provider_error")
                #expect(answer.text.utf8.count < 2000)
            }
        }
    }

    @Test(arguments: [
        "body_bytes=70000000", "endless=1&text_bytes=4000000", "deep=200000", "header_block=200000",
        "header_line=200000", "endless_headers=1", "content_length=differing", "content_length=negative",
        "content_length=with_chunked", "content_length=long", "cut_at_byte=300", "cut_before_head=1",
        "error=html&status=200", "error200=1", "bare_lf=1",
    ])
    func `a whole answer that is too large or wrong is a 502 and nothing else, row 34`(_ fault: String) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.ask("sim/sim?\(fault)", stream: false)
            #expect((500...504).contains(answer.status))
            #expect(answer.errorCode?.hasPrefix("provider_") == true)
            #expect(answer.isComplete)
            #expect(answer.text.utf8.count < 2000)
        }
    }

    @Test(arguments: ["line_bytes=6000000", "garbage_after=3", "cut_after_events=3&framing=close"])
    func `a stream that cannot be read ends in-band and is never called done, rows 34 and 89`(
        _ fault: String
    ) async throws {
        try await GatewayScenario.with { scenario in
            let answer = try await scenario.ask("sim/sim?chunks=9&\(fault)", stream: true)
            #expect(answer.errorCode == "provider_error")
            #expect(answer.isComplete)
            #expect(!answer.text.contains("[DONE]"))
            #expect(answer.text.utf8.count < 20_000)
        }
    }

    @Test func `a stream without end is ended by its clock, in-band, row 34`() async throws {
        var timeouts = Timeouts()
        timeouts.streamMax = .milliseconds(400)
        try await GatewayScenario.with(timeouts: timeouts) { scenario in
            let answer = try await scenario.ask("sim/sim?endless=1&interval_ms=20", stream: true)
            #expect(answer.status == 200)
            #expect(answer.errorCode == "provider_timeout")
            #expect(answer.text.contains("400 ms"))
            #expect(try await scenario.waitForRecord { $0.allSatisfy { $0.ending != .running } })
        }
    }

    @Test(arguments: [
        "cr", "lf", "crlf", "mixed", "bom", "comments", "multiline", "nospace", "nofinal", "fields", "nul", "spoof",
        "cr,multiline,comments,bom", "mixed,nospace,fields,nofinal",
    ])
    func `however events are written, the same words arrive in one way of writing, row 35`(
        _ variant: String
    ) async throws {
        try await GatewayScenario.with { scenario in
            let plain = try await scenario.ask("sim/sim?unicode=1", stream: true)
            #expect(!plain.words.isEmpty)
            for split in ["", "&split=1", "&http_chunk=3"] {
                let answer = try await scenario.ask("sim/sim?unicode=1&sse=\(variant)\(split)", stream: true)
                #expect(answer.status == 200)
                #expect(answer.words == plain.words)
                #expect(answer.events.last == "[DONE]")
                #expect(answer.isComplete)
                let lines = answer.body.utf8.split(separator: UInt8(ascii: "\n"))
                let isOurs = lines.allSatisfy { $0.starts(with: "data: ".utf8) && !$0.contains(0) && !$0.contains(13) }
                #expect(isOurs)
            }
        }
    }

    @Test func `a connection that dies at once or before its answer is an error with a status, row 84`() async throws {
        try await GatewayScenario.with { scenario in
            for action in ["close", "reset"] {
                try scenario.simulator.script([ScriptEntry(fault: ["on_head": action])])
                let answer = try await scenario.ask("sim/sim", stream: true)
                #expect([502, 503].contains(answer.status))
                #expect(answer.errorCode?.hasPrefix("provider_") == true)
                scenario.simulator.clearScript()
            }
        }
    }
}
