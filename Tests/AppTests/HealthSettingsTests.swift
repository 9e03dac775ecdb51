import Core
import NIOCore
import Telemetry
import Testing

@testable import Engine
@testable import turnpike

@Suite struct HealthSettingsTests {
    @Test func `alerts and probes are read as they are written`() throws {
        let health = try Given.settings(
            """
            explain: { keep: 10 }
            alerts:
              webhook: https://hooks.example.com/T0/B0?thread=1
              authorization: Bearer abc
              kinds: [breaker_open, budget]
              error_percent: 20
              latency: 9s
              min_calls: 3
              calm: 2m
              repeat: 4h
            providers:
              mine: { base_url: "https://a.example/v1", probe: { every: 30s, path: /health } }
              other: { base_url: "https://b.example/v1", probe: { every: 1m } }
              none: { base_url: "https://c.example/v1" }
            """
        ).health
        #expect(health.callsKept == 10)
        #expect(health.alerts.rules == AlertRules(errorPercent: 20, latency: .seconds(9), callsMin: 3))
        #expect(
            health.alerts.book
                == AlertBook.Rules(calm: .minutes(2), repeatEvery: .hours(4), kinds: [.breakerOpen, .budget])
        )
        #expect(health.probes["mine"] == Settings.Probe(every: .seconds(30), path: "/health"))
        #expect(health.probes["other"] == Settings.Probe(every: .minutes(1), path: nil))
        #expect(health.probes.count == 2)
        let webhook = try #require(health.alerts.webhook)
        #expect(webhook.url.reveal { $0 } == "https://hooks.example.com/T0/B0?thread=1")
        #expect(!"\(webhook)".contains("B0") && !"\(webhook)".contains("abc"))
    }

    @Test func `without a word about it everything is told in the log, and nothing is probed`() throws {
        let health = try Given.settings().health
        #expect(health.callsKept == 2000 && health.probes.isEmpty && health.alerts.webhook == nil)
        #expect(health.alerts.book.kinds == Set(AlertKind.allCases))
    }

    @Test(
        arguments: [
            ("alerts: { webhook: 'ftp://a.example' }", "alerts.webhook"),
            ("alerts: { webhook: 'https://user:secret@a.example' }", "alerts.webhook"),
            ("alerts: { authorization: 'Bearer x' }", "needs alerts.webhook"),
            ("alerts: { kinds: [breaker_opened] }", "one of breaker_open"),
            ("alerts: { error_percent: 0 }", "too small"),
            ("providers: { mine: { base_url: 'https://a.example', probe: { path: /x } } }", "needs every"),
            ("providers: { mine: { base_url: 'https://a.example', probe: { every: 1s, path: x } } }", "a path behind"),
            ("providers: { mine: { base_url: 'https://a.example', probe: { every: 1ms } } }", "too small"),
            ("explain: { keep: -1 }", "too small"),
        ]
    )
    func `what cannot be meant is refused with its place`(yaml: String, hint: String) {
        let mistakes = Given.mistakes(yaml)
        #expect(mistakes.count == 1 && mistakes[0].contains(hint), "\(mistakes)")
        #expect(!mistakes.joined().contains("secret"))
    }

    @Test func `production sends alerts over plain HTTP to private places alone`() {
        let start = "environment: production\ncredentials: { encryption_key: 'file:k' }\n"
        let plain = start + "alerts: { webhook: 'http://hooks.example.com/x' }"
        #expect(Given.mistakes(plain).contains { $0.contains("production refuses plain HTTP") })
        let inside = start + "alerts: { webhook: 'http://10.0.0.7/x', allow_private: true }"
        #expect(!Given.mistakes(inside).contains { $0.contains("plain HTTP") })
    }
}
