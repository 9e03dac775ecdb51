/// What is known of a model before it is called.
package struct ModelFacts: Sendable, Equatable {
    package var rates: Rates
    /// The most tokens it can hold, input and output; nil if that is not known.
    package var contextMax: Int?
    /// The most tokens of one answer; nil if that is not known.
    package var outputMax: Int?

    package init(rates: Rates, contextMax: Int? = nil, outputMax: Int? = nil) {
        self.rates = rates
        self.contextMax = contextMax
        self.outputMax = outputMax
    }
}
