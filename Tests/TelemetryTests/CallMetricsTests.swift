import Core
import Glibc
import NIOCore
import Telemetry
import Testing

@Suite struct CallMetricsTests {
    static func text(_ metrics: CallMetrics, gauges: [Gauge] = []) -> String {
        String(buffer: metrics.exposition(version: "1.0\"x", gauges: gauges))
    }

    static func filled() -> CallMetrics {
        let metrics = CallMetrics(loops: 2)
        metrics.announce(providers: ["openai", "openrouter"], models: ["gpt", "claude"])
        for loop in 0..<2 {
            metrics.begin(loop: loop)
            metrics.begin(loop: loop)
            metrics.end(CallLogTests.record(), loop: loop)
            metrics.authenticationFailed(loop: loop)
        }
        metrics.end(CallLogTests.record(provider: "openrouter", upstream: "x", code: .providerError), loop: 0)
        return metrics
    }

    @Test func `a scrape adds up what the loops have counted`() {
        let text = Self.text(Self.filled())
        #expect(text.contains(#"turnpike_calls_total{route="chat",provider="openai",model="gpt",code="ok"} 2"#))
        #expect(
            text.contains(
                #"turnpike_calls_total{route="chat",provider="openrouter",model="other",code="provider_error"} 1"#
            )
        )
        #expect(text.contains(#"turnpike_tokens_total{route="chat",provider="openai",model="gpt",kind="output"} 8"#))
        #expect(text.contains("turnpike_authentication_failures_total 2"))
        #expect(text.contains("turnpike_calls_in_flight 1"))
        #expect(text.contains(#"turnpike_call_duration_seconds_bucket{route="chat",provider="openai",le="0.025"} 2"#))
        #expect(text.contains(#"turnpike_time_to_first_token_seconds_count{provider="openai"} 2"#))
    }

    @Test func `a hundred thousand names that clients made up make no series (row 53)`() {
        let metrics = CallMetrics(loops: 1)
        metrics.announce(providers: ["openai"], models: ["gpt"])
        func lines() -> Int { Self.text(metrics).split(separator: "\n").count }
        metrics.end(CallLogTests.record(upstream: "one"), loop: 0)
        let before = lines()
        for number in 0..<100_000 {
            metrics.end(CallLogTests.record(model: "m\(number)", upstream: "u\(number)"), loop: 0)
        }
        #expect(lines() == before)
        #expect(Self.text(metrics).contains(#"model="other",code="ok"} 100001"#))
    }

    @Test func `an operator with very many names stays below ten thousand series (row 53)`() {
        let metrics = CallMetrics(loops: 1)
        let providers = (0..<200).map { "p\($0)" }
        let models = (0..<5000).map { "m\($0)" }
        metrics.announce(providers: providers, models: models)
        for number in 0..<20_000 {
            let code = GatewayError.Code.allCases[number % GatewayError.Code.allCases.count]
            metrics.end(
                CallLogTests.record(provider: providers[number % 200], upstream: models[number % 5000], code: code),
                loop: 0
            )
        }
        let series = Self.text(metrics).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(series.count <= 10_000)
    }

    @Test func `what was announced before a reload counts on`() {
        let metrics = Self.filled()
        metrics.announce(providers: ["azure"], models: ["new"])
        metrics.end(CallLogTests.record(), loop: 0)
        #expect(Self.text(metrics).contains(#"provider="openai",model="gpt",code="ok"} 3"#))
    }

    @Test func `promtool finds nothing to complain about`() throws {
        try #require(access("/usr/bin/promtool", X_OK) == 0, "the test needs Debian's package prometheus")
        let gauge = Gauge(name: "turnpike_connections", help: "Open connections.", read: { 2.5 })
        let text = Self.text(Self.filled(), gauges: [gauge])
        let stream = try #require(popen("/usr/bin/promtool check metrics >/dev/null 2>&1", "w"))
        fputs(text, stream)
        #expect(pclose(stream) == 0)
        let broken = try #require(popen("/usr/bin/promtool check metrics >/dev/null 2>&1", "w"))
        fputs("turnpike_x{ 1\n", broken)
        #expect(pclose(broken) != 0)
    }

    @Test func `a slow watcher loses the oldest calls and learns how many`() throws {
        let live = LiveCalls()
        let all = try #require(live.join(group: nil))
        let other = try #require(live.join(group: "other"))
        for number in 0..<(LiveCalls.queueMax + 10) { live.publish(CallLogTests.record(model: "m\(number)")) }
        let (calls, lost) = live.take(all)
        #expect(calls.count == LiveCalls.queueMax && lost == 10)
        #expect(calls.first?.modelAsked == "m10")
        #expect(live.take(other).calls.isEmpty)
        live.leave(all)
        live.publish(CallLogTests.record())
        #expect(live.take(all).calls.isEmpty)
        let more = (0..<LiveCalls.readersMax).map { _ in live.join(group: nil) }
        #expect(more.last == .some(nil))
    }
}
