extension AttemptIntent {
    /// The variant of attempts whose answer no client sees.
    package static let shadowVariant = "shadow"

    /// Whether it was made to compare answers: it costs what it costs, and nobody is charged for it.
    ///
    /// Budgets and quotas of the caller neither set anything aside for it nor count it.
    package var isShadow: Bool { self.variant == Self.shadowVariant }
}
