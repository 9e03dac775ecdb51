package import Core

/// How long a budget lasts before it renews, in UTC.
package enum BudgetWindow: String, Sendable, CaseIterable {
    case day
    /// From Monday (ISO 8601).
    case week
    case month
    /// Never renews.
    case total

    /// When the window that `time` is in began; the beginning of time for `total`.
    ///
    /// It names the window: whichever way the clock jumps, the same moment is always in the same window (row 80).
    package func start(at time: UnixTime) -> UnixTime {
        switch self {
        case .day: time.startOfDay
        case .week: time.startOfWeek
        case .month: time.startOfMonth
        case .total: UnixTime(milliseconds: 0)
        }
    }

    /// When the window that began at `start` ends; nil if it never does.
    package func end(from start: UnixTime) -> UnixTime? {
        switch self {
        case .day: start.adding(days: 1)
        case .week: start.adding(days: 7)
        case .month: start.startOfNextMonth
        case .total: nil
        }
    }
}

/// What a budget counts.
package enum BudgetUnit: String, Sendable, CaseIterable {
    /// Millionths of a dollar.
    case money
    /// Calls that were answered, at least in part.
    case requests
    /// Tokens of requests and answers together.
    case tokens
}

/// One budget as the operator wrote it.
package struct BudgetRule: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable {
        /// No call is let in that could overrun it.
        case hard
        /// It only warns.
        case soft
    }

    /// As the settings or the API call it; named in refusals and warnings.
    package var name: String
    package var scope: Scope
    package var unit: BudgetUnit
    /// In `unit`, at least 0.
    package var limit: Int64
    package var window: BudgetWindow
    package var mode: Mode
    /// Percentages of the limit at which to warn, each once a window; ascending.
    package var alerts: [Int]

    package init(
        name: String,
        scope: Scope,
        unit: BudgetUnit = .money,
        limit: Int64,
        window: BudgetWindow,
        mode: Mode = .hard,
        alerts: [Int] = []
    ) {
        precondition(limit >= 0, "a budget's limit is not negative, is \(limit)")
        self.name = name
        self.scope = scope
        self.unit = unit
        self.limit = limit
        self.window = window
        self.mode = mode
        self.alerts = alerts.sorted()
    }

    /// What is counted together with other rules that count the same.
    package var line: BudgetLine { BudgetLine(scope: self.scope, unit: self.unit, window: self.window) }
}

/// What is counted, whatever the limit: rules that differ in name, limit or mode alone share it.
package struct BudgetLine: Sendable, Hashable {
    package let scope: Scope
    package let unit: BudgetUnit
    package let window: BudgetWindow

    package init(scope: Scope, unit: BudgetUnit, window: BudgetWindow) {
        self.scope = scope
        self.unit = unit
        self.window = window
    }
}

/// Why a budget does not let a call in.
package struct BudgetRefusal: Error, Sendable, Equatable {
    package var rule: BudgetRule
    package var subject: Scope.Subject
    package var spent: Int64
    /// Set aside by calls that are under way.
    package var reserved: Int64
    /// What the call could come to at most.
    package var needed: Int64
    /// When the budget renews; nil if it never does.
    package var renewsAt: UnixTime?

    /// What nobody has spent or set aside.
    package var left: Int64 { max(0, self.rule.limit &- self.spent &- self.reserved) }
}

/// A threshold that was passed.
package struct BudgetAlert: Sendable, Equatable {
    package var rule: BudgetRule
    package var subject: Scope.Subject
    package var percent: Int
    package var spent: Int64
    package var renewsAt: UnixTime?
}

extension BudgetRule {
    /// An amount in the budget's unit, for people.
    package func text(of amount: Int64) -> String {
        switch self.unit {
        case .money: "\(MicroDollars(amount))"
        case .requests: "\(amount) requests"
        case .tokens: "\(amount) tokens"
        }
    }
}
