package import Core

/// A budget that administrators made, as the store keeps it.
package struct Budget: Sendable, Equatable {
    /// Who may change a budget.
    package enum Manager: String, Sendable, CaseIterable {
        /// System administrators alone: what they set for a group, the group cannot raise.
        case system
        /// The group's administrators too, since one of them made it.
        case group
    }

    /// What a caller may choose for a budget.
    package struct Draft: Sendable {
        /// Made from what it is about if nil.
        package var name: String?
        /// The group that it belongs to and is about; nil for one of the whole gateway.
        package var group: GroupID?
        /// What it is about beside `group`.
        package var scope: Scope
        package var unit: BudgetUnit
        /// In `unit`, as JSON writes numbers.
        package var limit: String
        package var window: BudgetWindow
        package var mode: BudgetRule.Mode
        package var alerts: [Int]

        package init(
            name: String? = nil,
            group: GroupID? = nil,
            scope: Scope = Scope(),
            unit: BudgetUnit = .money,
            limit: String,
            window: BudgetWindow = .month,
            mode: BudgetRule.Mode = .hard,
            alerts: [Int] = Budget.standardAlerts
        ) {
            self.name = name
            self.group = group
            self.scope = scope
            self.unit = unit
            self.limit = limit
            self.window = window
            self.mode = mode
            self.alerts = alerts
        }

        /// The draft with its group in one place.
        ///
        /// A scope that names a group belongs to it, so that it is seen by the group and goes with it.
        ///
        /// - Throws: `BudgetError.invalid` if the scope names another group than the owner.
        package func normalized() throws(BudgetError) -> Draft {
            var draft = self
            switch (self.group, self.scope[.group]) {
            case (let group?, nil):
                draft.scope[.group] = .one(group.text)
            case (nil, .one(let name)):
                draft.group = GroupID(name)
            case (let group?, .one(let name)) where group.text == name:
                break
            case (_?, _?):
                throw .invalid(field: "scope", expected: "without another group than the one it belongs to")
            case (nil, nil), (nil, .each):
                break
            }
            return draft
        }
    }

    /// What a caller wants to change; nil leaves it as it is.
    ///
    /// What a budget counts stays: that would be another budget.
    package struct Changes: Sendable {
        package var name: String?
        /// In the budget's unit, as JSON writes numbers.
        package var limit: String?
        package var window: BudgetWindow?
        package var mode: BudgetRule.Mode?
        package var alerts: [Int]?

        package init(
            name: String? = nil,
            limit: String? = nil,
            window: BudgetWindow? = nil,
            mode: BudgetRule.Mode? = nil,
            alerts: [Int]? = nil
        ) {
            self.name = name
            self.limit = limit
            self.window = window
            self.mode = mode
            self.alerts = alerts
        }
    }

    /// Where a budget warns if nobody says, in percent; the same as in the settings.
    package static let standardAlerts = [80, 100]

    package let id: String
    /// The group that it belongs to, and that its scope names; nil for one of the whole gateway.
    package let group: GroupID?
    /// What is counted and how far; its name is unique in its group.
    package internal(set) var rule: BudgetRule
    package let manager: Manager
    /// Who made it, as the audit log names them.
    package let createdBy: String
    package let createdAt: UnixTime
    package internal(set) var updatedAt: UnixTime

    /// Takes what a caller wants to make.
    ///
    /// - Throws: `BudgetError.invalid` for what breaks a rule; the first of several.
    package init(
        _ draft: Draft,
        id: String,
        manager: Manager,
        createdBy: String,
        now: UnixTime
    ) throws(BudgetError) {
        let draft = try draft.normalized()
        try BudgetInput.check(draft.scope)
        guard let limit = draft.unit.amount(draft.limit) else {
            throw .invalid(field: "limit", expected: draft.unit.expectation)
        }
        self.id = id
        self.group = draft.group
        self.rule = BudgetRule(
            name: try BudgetInput.name(draft.name ?? BudgetInput.name(of: draft)),
            scope: draft.scope,
            unit: draft.unit,
            limit: limit,
            window: draft.window,
            mode: draft.mode,
            alerts: try BudgetInput.alerts(draft.alerts)
        )
        self.manager = draft.group == nil ? .system : manager
        self.createdBy = createdBy
        self.createdAt = now
        self.updatedAt = now
    }

    /// Takes what was stored.
    init(
        stored rule: BudgetRule,
        id: String,
        group: GroupID?,
        manager: Manager,
        createdBy: String,
        createdAt: UnixTime,
        updatedAt: UnixTime
    ) {
        self.id = id
        self.group = group
        self.rule = rule
        self.manager = manager
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// Changes what is given.
    ///
    /// - Throws: `BudgetError.invalid`; nothing is changed then.
    mutating func apply(_ changes: Changes, now: UnixTime) throws(BudgetError) {
        var rule = self.rule
        if let name = changes.name { rule.name = try BudgetInput.name(name) }
        if let text = changes.limit {
            guard let limit = rule.unit.amount(text) else {
                throw .invalid(field: "limit", expected: rule.unit.expectation)
            }
            rule.limit = limit
        }
        if let window = changes.window { rule.window = window }
        if let mode = changes.mode { rule.mode = mode }
        if let alerts = changes.alerts { rule.alerts = try BudgetInput.alerts(alerts) }
        self.rule = rule
        self.updatedAt = now
    }
}

/// The shapes of what people may write into a budget.
enum BudgetInput {
    static let nameLength = 1...100
    /// Bytes of a value in a scope.
    static let valueLength = 1...256
    /// How many thresholds, and how high in percent.
    static let alertCountMax = 10
    static let percentages = 1...1000

    /// Gives a name back without spaces around it.
    ///
    /// Characters that could forge a line or hide text are refused (row 52).
    static func name(_ text: String) throws(BudgetError) -> String {
        let start = text.drop(while: \.isWhitespace)
        let name = start.lastIndex { !$0.isWhitespace }.map { String(start[...$0]) } ?? ""
        guard Self.nameLength.contains(name.count), name.utf8.count <= 4 * Self.nameLength.upperBound,
            name.unicodeScalars.allSatisfy(Self.isHarmless)
        else {
            throw .invalid(field: "name", expected: "1 to 100 characters on one line")
        }
        return name
    }

    /// What a budget is called that nobody named: `demo-user-gpt-4o-month`.
    static func name(of draft: Budget.Draft) -> String {
        let parts = Scope.Dimension.allCases.compactMap { dimension -> String? in
            switch draft.scope[dimension] {
            case nil: nil
            case .each: "each-\(dimension.rawValue)"
            case .one(let value): value
            }
        }
        let unit = draft.unit == .money ? [] : [draft.unit.name]
        let name = ((parts.isEmpty ? ["all"] : parts) + unit + [draft.window.rawValue]).joined(separator: "-")
        // Room for a number behind it.
        return String(name.prefix(Self.nameLength.upperBound - 5))
    }

    static func check(_ scope: Scope) throws(BudgetError) {
        for dimension in Scope.Dimension.allCases {
            guard case .one(let value) = scope[dimension] else { continue }
            guard Self.valueLength.contains(value.utf8.count), value.unicodeScalars.allSatisfy(Self.isHarmless) else {
                throw .invalid(field: dimension.rawValue, expected: "1 to 256 bytes on one line, or *")
            }
        }
    }

    /// Ascending, each once.
    static func alerts(_ percentages: [Int]) throws(BudgetError) -> [Int] {
        let alerts = Set(percentages)
        guard alerts.count <= Self.alertCountMax, alerts.allSatisfy(Self.percentages.contains) else {
            throw .invalid(field: "alerts", expected: "at most 10 percentages from 1 to 1000")
        }
        return alerts.sorted()
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        // Joiners make letters and emoji; the rest of the format characters turn or hide text.
        case .format: scalar.value == 0x200C || scalar.value == 0x200D
        default: true
        }
    }
}
