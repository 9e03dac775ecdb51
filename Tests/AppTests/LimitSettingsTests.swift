import Core
import Limits
import NIOCore
import Testing

@testable import Engine
@testable import turnpike

@Suite struct LimitSettingsTests {
    @Test func `limits are read with their scopes and figures`() throws {
        let settings = try Given.settings(
            """
            limits:
              demo: { group: demo, rpm: 600, tpm: 100000, concurrent: 20, rpd: 10000, tpd: 5000000, queue: 5s,
                      queue_max: 50, priority: 3, weight: 2 }
              each-user: { user: "*", model: gpt-4o, rpm: 60 }
              all: { concurrent: 500 }
              vip: { group: vip, priority: 9 }
            """
        )
        #expect(settings.limits.map(\.rule.name) == ["demo", "each-user", "all", "vip"])
        let demo = settings.limits[0]
        #expect(
            demo.rule
                == LimitRule(
                    name: "demo",
                    scope: Scope([.group: .one("demo")]),
                    requestsPerMinute: 600,
                    tokensPerMinute: 100_000,
                    concurrent: 20,
                    queue: .seconds(5),
                    queueMax: 50,
                    priority: 3,
                    weight: 2
                )
        )
        #expect(demo.requestsPerDay == 10_000)
        #expect(demo.tokensPerDay == 5_000_000)
        #expect(settings.limits[1].rule.scope == Scope([.user: .each, .model: .one("gpt-4o")]))
        #expect(settings.limits[1].rule.queue == nil)
        #expect(settings.limits[1].rule.queueMax == 1000)
        #expect(settings.limits[2].rule.scope == Scope())
        #expect(!settings.limits[3].rule.isLimiting)
        #expect(settings.limitRules == settings.limits.map(\.rule))
    }

    @Test func `no limits are no limits`() throws {
        #expect(try Given.settings(nil).limits.isEmpty)
        #expect(try Given.settings("limits: {}").limits.isEmpty)
    }

    @Test(arguments: [
        ("limits: { a: { conccurent: 60 } }", "did you mean limits.a.concurrent"),
        ("limits: { a: { rpm: 0 } }", "limits.a.rpm: \"0\" is too small (at least 1)"),
        ("limits: { a: { rpm: -5 } }", "too small"),
        ("limits: { a: { rpm: 2000000000 } }", "too large"),
        ("limits: { a: { rpm: many } }", "is not a whole number"),
        ("limits: { a: { rpm: 60, queue: 11m } }", "too large"),
        ("limits: { a: { rpm: 60, queue: 5 } }", "is not a duration"),
        ("limits: { a: { rpm: 60, queue: 5s, priority: 10 } }", "too large"),
        ("limits: { a: { rpm: 60, weight: 0 } }", "too small"),
        ("limits: { a: { group: demo } }", "limits nothing"),
        ("limits: { a: { priority: 1, queue: 5s } }", "limits.a.queue: needs rpm, tpm or concurrent"),
        ("limits: { a: { rpm: 60, queue_max: 5 } }", "limits.a.queue_max: needs queue"),
        ("limits: [ { rpm: 60 } ]", "limits"),
    ])
    func `a slip is named with its place`(text: String, complaint: String) {
        let mistakes = Given.mistakes(text)
        #expect(mistakes.count == 1, "\(mistakes)")
        #expect(mistakes.first?.contains(complaint) == true, "\(mistakes)")
    }

    @Test func `every slip is found at once, with file and line`() {
        let mistakes = Given.mistakes("limits:\n  a: { rpm: 0 }\n  b: { tmp: 5, rpm: 1 }\n")
        #expect(mistakes.count == 2)
        #expect(mistakes.first?.contains(":2:") == true, "\(mistakes)")
        #expect(mistakes.last?.contains(":3:") == true, "\(mistakes)")
    }
}
