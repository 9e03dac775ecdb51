import NIOCore

extension SettingsTable {
    /// What runs beside an alias's calls; see `docs/racing.md`.
    static let racing: [Setting] = [
        Setting(
            path: "models.<alias>.hedge",
            kind: .text(expected: "on, off, or a duration from 10ms to 10m", check: { HedgeSwitch($0) != nil }),
            standard: "off",
            help: "`on`: a call that takes longer to its first content than 95 of 100 do gets a second attempt, at "
                + "the next target or again at the same, and the first to have content answers. A duration: after "
                + "that time.",
            example: "on"
        ),
        Setting(
            path: "models.<alias>.hedge_budget",
            kind: .integer(1...100),
            standard: "5",
            help: "Second attempts for a hundred calls, at most.",
            example: "2"
        ),
        Setting(
            path: "models.<alias>.shadow.target",
            kind: .text(expected: "provider/model", check: SettingRule.isTarget),
            standard: nil,
            help: "Where copies of calls go. No client sees the answers, nobody is charged for them, and they are kept "
                + "beside the client's own for `turnpike shadow`.",
            example: "mistral/mistral-small-latest",
            isRequired: true
        ),
        Setting(
            path: "models.<alias>.shadow.share",
            kind: .integer(1...100),
            standard: "1",
            help: "Copies for a hundred calls.",
            example: "10"
        ),
        Setting(
            path: "models.<alias>.shadow.keep",
            kind: .integer(1...10_000),
            standard: "500",
            help: "How many comparisons are kept, the newest.",
            example: "2000"
        ),
        Setting(
            path: "models.<alias>.shadow.budget",
            kind: .text(expected: "an amount of dollars", check: SettingRule.isAmount),
            standard: nil,
            help: "What the copies may cost on one day (UTC), in dollars; no bound if not given.",
            example: "2.50"
        ),
    ]
}

/// `models.<alias>.hedge` as it is written.
enum HedgeSwitch: Equatable {
    case off
    /// After the time that the alias learns.
    case on
    case after(TimeAmount)

    /// Nil for anything else.
    init?(_ text: String) {
        if case .bool(let isOn)? = try? SettingKind.bool.parse(text) {
            self = isOn ? .on : .off
        } else if case .duration(let delay)? = try? SettingKind.duration(.milliseconds(10)...(.minutes(10))).parse(text)
        {
            self = .after(delay)
        } else {
            return nil
        }
    }
}

extension SettingRule {
    /// A provider's name, a slash and a model.
    static func isTarget(_ text: String) -> Bool {
        guard let slash = text.firstIndex(of: "/") else { return false }
        return Self.isProviderName(String(text[..<slash])) && Self.isModelName(String(text[slash...].dropFirst()))
    }
}
