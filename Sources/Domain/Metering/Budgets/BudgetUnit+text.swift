package import Core

/// How the API, the commands and the store write units and amounts.
extension BudgetUnit {
    /// `usd`, `requests` or `tokens`.
    package var name: String {
        switch self {
        case .money: "usd"
        case .requests: "requests"
        case .tokens: "tokens"
        }
    }

    package init?(name: String) {
        guard let unit = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = unit
    }

    /// The most that a budget may be: a billion dollars, or a million times a billion of the rest.
    package static let amountMax: Int64 = 1_000_000_000_000_000

    /// What an amount has to be, to be put behind "must be".
    package var expectation: String {
        switch self {
        case .money: "0 to 1000000000 dollars"
        case .requests, .tokens: "a whole number from 0 to 1000000000000000"
        }
    }

    /// Reads an amount as JSON writes numbers; never by way of a floating-point number.
    ///
    /// Digits behind the millionth of a dollar are rounded. Nil for what is no number, negative, beyond `amountMax`, or
    /// not whole where it has to be.
    package func amount(_ text: String) -> Int64? {
        let amount: Int64? =
            switch self {
            case .money: MicroDollars(dollars: text)?.value
            case .requests, .tokens: (try? JSONValue.parse(text))?.intValue.map { Int64($0) }
            }
        guard let amount, (0...Self.amountMax).contains(amount), !text.hasPrefix("-") else { return nil }
        return amount
    }

    /// An amount as a JSON number: dollars, or how many.
    package func json(_ amount: Int64) -> JSONValue {
        switch self {
        case .money: .number(MicroDollars(amount).dollars)
        case .requests, .tokens: .integer(amount)
        }
    }
}
