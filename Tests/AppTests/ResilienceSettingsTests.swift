import NIOCore
import Pipeline
import Providers
import Resilience
import Testing

@testable import Engine
@testable import turnpike

/// Settings of what is tried again, and of breakers.
@Suite struct ResilienceSettingsTests {
    @Test func `what is said of a provider's breaker and retries is what holds there`() throws {
        let settings = try Given.settings(
            """
            providers:
              groq:
                retry: { percent: 20, per_second: 1 }
                breaker: { enabled: false, failures: 9, percent: 70, window: 60s, slow: 20s, cooldown: 10s }
              mistral: { max_retries: 4 }
            """
        )
        var rules = GuardRules()
        rules.retry = RetryBudget.Rules(percent: 20, perSecond: 1)
        rules.breaker.isOn = false
        rules.breaker.failures = 9
        rules.breaker.percent = 70
        rules.breaker.window = .seconds(60)
        rules.breaker.slowAfter = .seconds(20)
        rules.breaker.coolDown = .seconds(10)
        #expect(settings.guardRules["groq"] == rules)
        #expect(settings.guardRules["mistral"] == GuardRules())
        #expect(settings.provider("mistral")?.entry.retriesMax == 4)
        #expect(settings.provider("groq")?.entry.retriesMax == 2)
    }

    @Test func `without a word the cool-down is ten seconds at most`() throws {
        for rules in try Given.settings(nil).guardRules.values {
            #expect(rules.breaker.isOn)
            #expect(rules.breaker.openTime(trips: 100) <= .seconds(10))
            #expect(rules.retry == RetryBudget.Rules(percent: 10, perSecond: 3))
        }
    }

    @Test func `AI_MAX_RETRIES is for the default provider's calls, with or without an alias`() throws {
        let settings = try Given.settings(
            "models: { fast: { targets: [ { provider: openrouter, model: m } ] } }",
            ["AI_MAX_RETRIES": "5"]
        )
        #expect(settings.provider("openrouter")?.entry.retriesMax == 5)
        #expect(settings.routeEntries.first?.retriesMax == 5)
        #expect(settings.provider("openai")?.entry.retriesMax == 2)
    }

    @Test func `where requests go on has to be another alias`() {
        let targets = "targets: [ { provider: groq, model: m } ]"
        #expect(
            Given.mistakes("models: { fast: { \(targets), on_too_long: fast } }") == [
                "turnpike.yaml:1: models.fast.on_too_long: is this alias itself"
            ]
        )
        #expect(
            Given.mistakes("models: { fast: { \(targets), on_content_refused: othr }, other: { \(targets) } }") == [
                "turnpike.yaml:1: models.fast.on_content_refused: \"othr\" is not an alias; did you mean other?"
            ]
        )
    }
}
