internal import Metering
internal import Operations

/// What requests about budgets may say.
extension AdminAction {
    private static let windows = BodyShape.Kind.choice(BudgetWindow.allCases.map(\.rawValue))
    private static let modes = BodyShape.Kind.choice(BudgetRule.Mode.allCases.map(\.rawValue))
    private static let units = BodyShape.Kind.choice(BudgetUnit.allCases.map(\.name))

    static let budgetDraft = BodyShape(properties: [
        .init("name", .text, "Named in refusals and warnings; made from what it is about if not given."),
        .init("group", .text, "The group it belongs to; one's own for group administrators, none for all groups."),
        .init("scope", .scope, "Whose calls count: exact values, or * for each by itself; all if not given."),
        .init("unit", Self.units, "usd if not given."),
        .init("limit", .amount, isRequired: true, "Dollars, or how many requests or tokens."),
        .init("per", Self.windows, "When it renews, in UTC; month if not given."),
        .init("mode", Self.modes, "hard lets nothing in that could overrun it, soft warns; hard if not given."),
        .init("alerts", .percentages, "At what shares of it to warn, in percent; 80 and 100 if not given."),
    ])

    static let budgetChanges = BodyShape(
        properties: [
            .init("name", .text, "Named in refusals and warnings."),
            .init("limit", .amount, "In the budget's unit: dollars, or how many requests or tokens."),
            .init("per", Self.windows, "When it renews, in UTC."),
            .init("mode", Self.modes, "hard lets nothing in that could overrun it, soft warns."),
            .init("alerts", .percentages, "At what shares of it to warn, in percent; an empty list for none."),
        ],
        needsOne: true
    )

    static let budgetFilter: [BodyShape.Property] = [
        .init("group", .text, "Only budgets of this group."),
        .init("unit", Self.units, "Only budgets of this unit."),
        .init("per", Self.windows, "Only budgets that renew so often."),
        .init("mode", Self.modes, "Only hard, or only soft ones."),
        .init(
            "source",
            .choice(ReportedBudget.SourceName.allCases.map(\.rawValue)),
            "Only those of the settings file, or only those made here."
        ),
    ]
}
