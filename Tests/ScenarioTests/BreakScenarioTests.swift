import Core
import NIOCore
import Simulator
import TestKit
import Testing

/// Streams that break at every place they can break at, beside the whole one.
@Suite struct BreakScenarioTests {
    private static let chunks = 6

    @Test(arguments: ["cut_after_events", "cut_mid_event", "midstream_error"], ["close", "reset"])
    func `wherever a stream breaks, what came is a part of the whole and never looks like it, rows 88 and 89`(
        _ fault: String,
        _ cut: String
    ) async throws {
        try await GatewayScenario.with { scenario in
            let model = "sim/sim?text=one two three four five six&chunks=\(Self.chunks)"
            let whole = try await scenario.ask(model, stream: true)
            #expect(whole.events.last == "[DONE]")
            var broken = 0
            for place in 0...(Self.chunks + 2) {
                let way = fault == "midstream_error" ? "" : "&cut=\(cut)"
                let answer = try await scenario.ask("\(model)&\(fault)=\(place)\(way)", stream: true)
                #expect(answer.isComplete, "\(place)")
                // So late that nothing of the answer was missing.
                if answer.events.last == "[DONE]" {
                    #expect(answer.words == whole.words)
                    continue
                }
                broken += 1
                #expect(answer.errorCode?.hasPrefix("provider_") == true, "\(place)")
                #expect(whole.words.hasPrefix(answer.words), "\(place)")
                if answer.words.isEmpty {
                    // Before the first content a failure has a status of its own, and nothing of the stream goes out.
                    #expect((500...504).contains(answer.status), "\(place)")
                } else {
                    #expect(answer.status == 200)
                    #expect(answer.events.filter { $0.contains(#""error""#) }.count == 1)
                    #expect(Set(answer.events.dropLast().compactMap(Self.id)).count == 1, "one answer has one id")
                }
            }
            #expect(broken >= Self.chunks - 1)
        }
    }

    private static func id(_ event: String) -> String? { (try? JSONValue.parse(event))?["id"]?.stringValue }
}
