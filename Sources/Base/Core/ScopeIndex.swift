/// Finds which of many scopes are about a consumer without trying each: a scope that wants one certain value somewhere
/// is looked up by that value.
package struct ScopeIndex: Sendable {
    /// A scope, taken apart once.
    private struct Matcher: Sendable {
        /// What the consumer must be, besides what the scope was looked up by.
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
    /// Scopes that want no certain value.
    private var general: [Int] = []
    private var byValue: [(dimension: Scope.Dimension, scopes: [String: [Int]])] = []

    /// From what tells most calls apart to what tells least.
    private static let order: [Scope.Dimension] = [.key, .user, .agent, .group, .model]

    package init(_ scopes: [Scope]) {
        var lookups: [Scope.Dimension: [String: [Int]]] = [:]
        for (number, scope) in scopes.enumerated() {
            var matcher = Matcher()
            var place: (Scope.Dimension, String)?
            for dimension in Self.order {
                switch scope[dimension] {
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

    /// Appends the positions of the scopes that are about the consumer.
    package func match(_ consumer: Consumer, into found: inout [Int]) {
        for position in self.general where self.matchers[position].matches(consumer) { found.append(position) }
        for (dimension, scopes) in self.byValue {
            let value = consumer[dimension]
            guard !value.isEmpty, let candidates = scopes[value] else { continue }
            for position in candidates where self.matchers[position].matches(consumer) { found.append(position) }
        }
    }

    /// Names what a scope counts the consumer under; nil where the scope counts all together.
    package func key(of consumer: Consumer, at position: Int) -> String? {
        let each = self.matchers[position].each
        if each.isEmpty { return nil }
        if each.count == 1 { return consumer[each[0]] }
        // Lengths keep the parts apart, whatever is in them.
        return each.map { "\(consumer[$0].utf8.count):\(consumer[$0])" }.joined()
    }
}
