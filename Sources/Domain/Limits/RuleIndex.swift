internal import Core

/// Finds the rules that a call is under without trying each: a rule that wants one certain value somewhere is looked up
/// by that value.
struct RuleIndex: Sendable {
    /// A rule's scope, taken apart once.
    private struct Matcher: Sendable {
        /// What the consumer must be, besides what the rule was looked up by.
        var wanted: [(dimension: Scope.Dimension, value: String)] = []
        /// Along these each value is counted by itself.
        var each: [Scope.Dimension] = []

        func matches(_ consumer: Consumer) -> Bool {
            for (dimension, value) in self.wanted where consumer[dimension] != value { return false }
            for dimension in self.each where consumer[dimension].isEmpty { return false }
            return true
        }
    }

    private var matchers: [Matcher] = []
    /// Rules that want no certain value.
    private var general: [Int] = []
    private var byValue: [(dimension: Scope.Dimension, rules: [String: [Int]])] = []

    /// From what tells most calls apart to what tells least.
    private static let order: [Scope.Dimension] = [.key, .user, .agent, .group, .model]

    init(_ rules: [LimitRule]) {
        var lookups: [Scope.Dimension: [String: [Int]]] = [:]
        for (number, rule) in rules.enumerated() {
            var matcher = Matcher()
            var place: (Scope.Dimension, String)?
            for dimension in Self.order {
                switch rule.scope[dimension] {
                case nil: continue
                case .each: matcher.each.append(dimension)
                case .one(let value):
                    if place == nil { place = (dimension, value) } else { matcher.wanted.append((dimension, value)) }
                }
            }
            self.matchers.append(matcher)
            if let (dimension, value) = place {
                lookups[dimension, default: [:]][value, default: []].append(number)
            } else {
                self.general.append(number)
            }
        }
        self.byValue = Self.order.compactMap { dimension in lookups[dimension].map { (dimension, $0) } }
    }

    /// Appends the numbers of the rules that the consumer is under.
    func match(_ consumer: Consumer, into found: inout [Int]) {
        for rule in self.general where self.matchers[rule].matches(consumer) { found.append(rule) }
        for (dimension, rules) in self.byValue {
            let value = consumer[dimension]
            guard !value.isEmpty, let candidates = rules[value] else { continue }
            for rule in candidates where self.matchers[rule].matches(consumer) { found.append(rule) }
        }
    }

    /// Names the counter of a rule that the consumer is counted under; nil where the rule has only one.
    func key(of consumer: Consumer, rule: Int) -> String? {
        let each = self.matchers[rule].each
        if each.isEmpty { return nil }
        if each.count == 1 { return consumer[each[0]] }
        // Lengths keep the parts apart, whatever is in them.
        return each.map { "\(consumer[$0].utf8.count):\(consumer[$0])" }.joined()
    }
}
