import Core
import Metering

/// Budgets of the API in words, for people.
enum BudgetText {
    private static let barWidth = 10

    /// An amount as people write it: `100`, `12.50`, `$5`, `10k`, `1.5M`, `2B`.
    static func amount(_ text: String, in unit: BudgetUnit) -> Int64? {
        var number = String(text.drop { $0 == "$" && unit == .money })
        let powers: [Character: String] = ["k": "e3", "K": "e3", "m": "e6", "M": "e6", "b": "e9", "B": "e9", "G": "e9"]
        if let last = number.last, let power = powers[last] { number = number.dropLast() + power }
        return unit.amount(number)
    }

    /// Whose calls it counts: `each user, group demo, model gpt-4o`.
    static func about(_ budget: JSONValue) -> String {
        var scope = Scope()
        for dimension in Scope.Dimension.allCases {
            guard let value = budget["scope"]?[dimension.rawValue]?.stringValue else { continue }
            scope[dimension] = value == "*" ? .each : .one(value)
        }
        if let group = budget["group"]?.stringValue { scope[.group] = .one(group) }
        return scope.description
    }

    /// `$100.00 a month`, `1000 requests a day`, `$5.00 in total`.
    static func limit(_ budget: JSONValue) -> String {
        let window = budget["per"]?.stringValue ?? ""
        return Self.amount(budget, "limit") + (window == "total" ? " in total" : " a \(window)")
    }

    static func amount(_ budget: JSONValue, _ member: String) -> String {
        let text = Table.text(budget[member])
        switch budget["unit"]?.stringValue {
        case "usd"?: return "$\(text)"
        case let unit?: return "\(text) \(unit)"
        case nil: return text
        }
    }

    /// How much of it is used, what calls have set aside included: of who has used the most where each is counted.
    static func used(_ budget: JSONValue) -> String {
        guard let unit = BudgetUnit(name: budget["unit"]?.stringValue ?? "") else { return "-" }
        func amount(_ member: String) -> Double { Double(unit.amount(budget[member]?.text ?? "") ?? 0) }
        let limit = amount("limit")
        let isEach = budget["subjects"] != nil
        let used = isEach ? limit - amount("remaining") : amount("spent") + amount("reserved")
        let share = limit > 0 ? used / limit : 1
        let full = Int(min(max(share, 0), 1) * Double(Self.barWidth))
        let bar = String(repeating: "█", count: full) + String(repeating: "·", count: Self.barWidth - full)
        return "\(bar) \(Int(min(share * 100, 99_999))) %"
    }

    /// What was made or changed, in one line.
    static func sentence(_ budget: JSONValue) -> String {
        "Budget \(Table.text(budget["name"])) (\(Table.text(budget["id"]))) is in force: \(Self.limit(budget)), "
            + "\(Table.text(budget["mode"])), for \(Self.about(budget))"
    }
}
