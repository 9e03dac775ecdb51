import Core
import NIOCore
import Providers
import Testing

@testable import Engine
@testable import turnpike

@Suite struct RoutingSettingsTests {
    @Test func `an alias says how it chooses, what sticks, and who is on which side of an experiment`() throws {
        let settings = try Given.settings(
            """
            models:
              fast:
                strategy: least_busy
                sticky: session
                slow_start: 30s
                targets:
                  - { provider: openai, model: gpt-4o-mini, weight: 3, max_concurrent: 20 }
                  - { provider: groq, model: m, weight: 0 }
                split:
                  by: call
                  variants:
                    - { name: canary, weight: 5, model: fast-next }
                    - { name: control, weight: 95 }
              fast-next: { strategy: cheapest, slow_start: 0s, targets: [ { provider: groq, model: new } ] }
            """
        )
        let entries = settings.routeEntries
        #expect(entries[0].strategy == .leastBusy && entries[0].stickiness == .session)
        #expect(entries[0].slowStart == .seconds(30))
        #expect(entries[0].targets.map(\.concurrentMax) == [20, nil])
        #expect(entries[0].targets.map(\.weight) == [3, 0])
        let split = try #require(entries[0].split)
        #expect(split.stickiness == nil)
        let canary = Split.Variant(name: "canary", weight: 5, route: "fast-next")
        #expect(split.variants == [canary, Split.Variant(name: "control", weight: 95)])
        #expect(entries[1].slowStart == .zero && entries[1].split == nil && entries[1].strategy == .cheapest)
        _ = try SnapshotMaker.catalog(settings, reusing: nil)
    }

    @Test func `what is not said is not done`() throws {
        let entry = try #require(
            try Given.settings("models: { f: { targets: [ { provider: groq, model: m } ] } }").routeEntries.first
        )
        #expect(entry.strategy == .fallback && entry.stickiness == nil && entry.split == nil)
        #expect(entry.slowStart == .seconds(10) && entry.targets[0].concurrentMax == nil)
    }

    @Test func `users stay on their side unless the settings say otherwise`() throws {
        let yaml = "models: { f: { targets: [ { provider: groq, model: m } ], split: { variants: [ { name: a } ] } } }"
        #expect(try Given.settings(yaml).routeEntries.first?.split?.stickiness == .user)
    }

    @Test(arguments: [
        ("strategy: fallback, sticky: user", "models.f.sticky: cannot go with strategy fallback"),
        ("strategy: least_latncy", "is not one of"),
        ("strategy: weighted, sticky: person", "is not one of"),
        ("slow_start: 11m", "too large"),
        ("split: { by: user }", "models.f.split: needs variants"),
        ("split: { variants: [ { weight: 1 } ] }", "needs name"),
        ("split: { variants: [ { name: a, weight: 0 } ] }", "models.f.split.variants: not all weights can be 0"),
        ("split: { variants: [ { name: a }, { name: a } ] }", "models.f.split.variants[1].name: \"a\" is there twice"),
        ("split: { variants: [ { name: shadow } ] }", "is a name that Turnpike keeps for itself"),
        ("split: { variants: [ { name: 'a b' } ] }", "is not a name"),
        ("split: { variants: [ { name: a, model: g } ] }", "\"g\" is not an alias"),
        ("split: { variants: [ { name: a, model: f } ] }", "is this alias itself"),
        ("split: { variants: [ { name: a, model: other } ] }", "\"other\" is split itself"),
    ])
    func `a slip is named with its place`(text: String, complaint: String) {
        let mistakes = Given.mistakes(
            """
            models:
              f: { targets: [ { provider: groq, model: m } ], \(text) }
              other: { targets: [ { provider: groq, model: m } ], split: { variants: [ { name: x } ] } }
            """
        )
        #expect(mistakes.count == 1, "\(mistakes)")
        #expect(mistakes.first?.contains(complaint) == true, "\(mistakes)")
    }

    @Test(arguments: [("max_concurrent: 0", "too small"), ("max_concurrent: many", "is not a whole number")])
    func `a target's places are a number of calls`(text: String, complaint: String) {
        let mistakes = Given.mistakes("models: { f: { targets: [ { provider: groq, model: m, \(text) } ] } }")
        #expect(mistakes.count == 1 && mistakes.first?.contains(complaint) == true, "\(mistakes)")
    }
}
