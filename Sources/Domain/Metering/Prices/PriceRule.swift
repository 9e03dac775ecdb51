/// A price that the settings give, in place of the built-in one.
package struct PriceRule: Sendable, Equatable {
    /// What it is for: a model's name, `provider/model`, or the beginning of either with a `*` behind it.
    package var name: String
    package var rates: Rates
    package var contextMax: Int?
    package var outputMax: Int?

    package init(name: String, rates: Rates, contextMax: Int? = nil, outputMax: Int? = nil) {
        self.name = name
        self.rates = rates
        self.contextMax = contextMax
        self.outputMax = outputMax
    }

    /// Whether it is for all names that begin as it does.
    package var isPrefix: Bool { self.name.hasSuffix("*") }

    var facts: ModelFacts {
        ModelFacts(rates: self.rates, contextMax: self.contextMax, outputMax: self.outputMax)
    }
}

/// What becomes of calls whose price nobody knows: `ledger.unpriced`.
package enum UnpricedRule: String, Sendable, CaseIterable {
    /// They are refused where a hard budget of money applies to them, and cost nothing elsewhere.
    case refuseBudgeted = "refuse_budgeted"
    /// They are refused.
    case refuse
    /// They cost nothing.
    case free
}
