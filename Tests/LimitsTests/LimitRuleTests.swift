import Core
import Limits
import Testing

@Suite struct LimitRuleTests {
    @Test func `a rule keeps what it was given`() {
        let rule = LimitRule(name: "demo", scope: Scope([.group: .one("demo")]), requestsPerMinute: 60)
        #expect(rule.scope.subject(of: Consumer(group: "demo"))?[.group] == "demo")
        #expect(rule.scope.subject(of: Consumer(group: "other")) == nil)
    }
}
