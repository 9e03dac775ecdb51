/// Who a call is counted for, in limits, budgets and the ledger.
///
/// Empty texts stand for nobody: a key that belongs to no person has no user.
package struct Consumer: Sendable, Hashable {
    package var group: String
    package var user: String
    /// The public part of the gateway key, or the kind of token.
    package var key: String
    package var agent: String
    /// The model by the name the client used.
    package var model: String

    package init(group: String, user: String = "", key: String = "", agent: String = "", model: String = "") {
        self.group = group
        self.user = user
        self.key = key
        self.agent = agent
        self.model = model
    }

    /// What the consumer is along one dimension; empty where it is nothing there.
    package subscript(dimension: Scope.Dimension) -> String {
        switch dimension {
        case .group: self.group
        case .user: self.user
        case .key: self.key
        case .agent: self.agent
        case .model: self.model
        }
    }
}

/// Which calls a limit or a budget is about, and which of them it counts together.
///
/// Names some of the five dimensions. Along each it wants either one value, or any value, each counted by itself (`*`);
/// dimensions that it does not name do not matter. `{group: demo, model: gpt-4o}` counts what the group does with the
/// model; `{user: "*"}` counts each person by itself; one that names nothing counts all calls together.
package struct Scope: Sendable, Hashable {
    package enum Dimension: String, Sendable, CaseIterable { case group, user, key, agent, model }

    /// What a scope wants along one dimension.
    package enum Match: Sendable, Hashable {
        /// Any value, each counted by itself; a call that has none does not match.
        case each
        case one(String)
    }

    private var group: Match?
    private var user: Match?
    private var key: Match?
    private var agent: Match?
    private var model: Match?

    package init(_ matches: [Dimension: Match] = [:]) {
        for (dimension, match) in matches { self[dimension] = match }
    }

    package subscript(dimension: Dimension) -> Match? {
        get {
            switch dimension {
            case .group: self.group
            case .user: self.user
            case .key: self.key
            case .agent: self.agent
            case .model: self.model
            }
        }
        set {
            switch dimension {
            case .group: self.group = newValue
            case .user: self.user = newValue
            case .key: self.key = newValue
            case .agent: self.agent = newValue
            case .model: self.model = newValue
            }
        }
    }

    /// What the calls of `consumer` are counted under, or nil if this scope is not about them.
    package func subject(of consumer: Consumer) -> Subject? {
        var values: [String] = []
        values.reserveCapacity(5)
        for dimension in Dimension.allCases {
            switch self[dimension] {
            case nil: values.append("")
            case .each:
                let value = consumer[dimension]
                guard !value.isEmpty else { return nil }
                values.append(value)
            case .one(let wanted):
                guard consumer[dimension] == wanted else { return nil }
                values.append(wanted)
            }
        }
        return Subject(values: values)
    }

    /// The named dimensions in their order, for lists and messages: `group demo, each user`.
    package var description: String {
        let parts = Dimension.allCases.compactMap { dimension -> String? in
            switch self[dimension] {
            case nil: nil
            case .each: "each \(dimension.rawValue)"
            case .one(let value): "\(dimension.rawValue) \(value)"
            }
        }
        return parts.isEmpty ? "all calls" : parts.joined(separator: ", ")
    }

    /// One counter of a scope: the values along the dimensions that the scope names.
    package struct Subject: Sendable, Hashable {
        /// In the order of `Dimension.allCases`; empty where the scope names none.
        package let values: [String]

        package init(values: [String]) { self.values = values }

        /// The value along one dimension; empty where the scope does not name it.
        package subscript(dimension: Dimension) -> String {
            self.values[Dimension.allCases.firstIndex(of: dimension) ?? 0]
        }
    }
}

extension Scope {
    /// The one subject of a scope that wants exact values only; nil if there can be several.
    package var onlySubject: Subject? {
        var values: [String] = []
        for dimension in Dimension.allCases {
            switch self[dimension] {
            case nil: values.append("")
            case .one(let value): values.append(value)
            case .each: return nil
            }
        }
        return Subject(values: values)
    }
}

extension Scope.Subject {
    /// For people: `group demo, user ann`; `all calls` if no dimension is named.
    package var text: String {
        let named = zip(Scope.Dimension.allCases, self.values).filter { !$0.1.isEmpty }
        let parts = named.map { "\($0.0.rawValue) \($0.1)" }
        return parts.isEmpty ? "all calls" : parts.joined(separator: ", ")
    }
}
