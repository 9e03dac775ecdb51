/// Finds which of many scopes are about a consumer, without looking at each of them.
///
/// Scopes that name the same dimensions are looked up together: those that want exact values by those values, those
/// with a `*` one by one.
package struct ScopeIndex: Sendable {
    /// One scope that matches, by its position in the list, and what it counts the consumer under.
    package struct Match: Sendable {
        package let position: Int
        package let subject: Scope.Subject
    }

    private struct Shelf: Sendable {
        /// The dimensions that its scopes name.
        var dimensions: [Scope.Dimension]
        var exact: [Scope.Subject: [Int]] = [:]
        var loose: [(position: Int, scope: Scope)] = []
    }

    private var shelves: [Shelf] = []

    package init(_ scopes: [Scope]) {
        var positions: [[Scope.Dimension]: Int] = [:]
        for (position, scope) in scopes.enumerated() {
            let dimensions = Scope.Dimension.allCases.filter { scope[$0] != nil }
            let shelf = positions[dimensions] ?? self.shelves.count
            if shelf == self.shelves.count {
                positions[dimensions] = shelf
                self.shelves.append(Shelf(dimensions: dimensions))
            }
            if dimensions.contains(where: { scope[$0] == .each }) {
                self.shelves[shelf].loose.append((position, scope))
            } else {
                let values = Scope.Dimension.allCases.map { dimension in
                    if case .one(let value) = scope[dimension] { value } else { "" }
                }
                self.shelves[shelf].exact[Scope.Subject(values: values), default: []].append(position)
            }
        }
    }

    /// Whether there is nothing to find.
    package var isEmpty: Bool { self.shelves.isEmpty }

    /// All scopes that are about `consumer`, in no particular order.
    package func matches(_ consumer: Consumer) -> [Match] {
        var found: [Match] = []
        for shelf in self.shelves {
            let subject = Scope.Subject(
                values: Scope.Dimension.allCases.map { shelf.dimensions.contains($0) ? consumer[$0] : "" }
            )
            for position in shelf.exact[subject] ?? [] { found.append(Match(position: position, subject: subject)) }
            for (position, scope) in shelf.loose {
                if let subject = scope.subject(of: consumer) {
                    found.append(Match(position: position, subject: subject))
                }
            }
        }
        return found
    }
}
