import Limits
import NIOCore

/// The keys about how much may happen at a time and in a minute.
extension SettingsTable {
    static let limits: [Setting] =
        Self.scope(of: "limits.<name>", verb: "limits") + [
            Self.limit("rpm", .integer(1...LimitRule.valueMax), "Requests a minute.", "600"),
            Self.limit(
                "tpm",
                .integer(1...LimitRule.valueMax),
                "Tokens a minute, read and written together.",
                "100000"
            ),
            Self.limit("rpd", .integer(1...LimitRule.valueMax), "Requests a day; renews at midnight UTC.", "10000"),
            Self.limit(
                "tpd",
                .integer(1...1_000_000_000_000),
                "Tokens a day, read and written together; renews at midnight UTC.",
                "5000000"
            ),
            Self.limit("concurrent", .integer(1...LimitRule.valueMax), "Calls at a time.", "20"),
            Self.limit(
                "queue",
                .duration(.milliseconds(1)...(.minutes(10))),
                "How long a call may wait for its turn, where `rpm`, `tpm` or `concurrent` is reached; else it is "
                    + "refused at once.",
                "5s"
            ),
            Self.limit(
                "queue_max",
                .integer(1...1_000_000),
                "How many calls may wait at a time, for each one that is counted by itself.",
                "100",
                standard: "1000"
            ),
            Self.limit(
                "priority",
                .integer(0...LimitRule.priorityMax),
                "Of these calls in every queue: the higher comes first, and who waits rises; else 0.",
                "5"
            ),
            Self.limit(
                "weight",
                .integer(1...LimitRule.weightMax),
                "The share of these calls' group in every queue; else 1.",
                "3"
            ),
        ]

    private static func limit(
        _ key: String,
        _ kind: SettingKind,
        _ help: String,
        _ example: String,
        standard: String? = nil
    ) -> Setting {
        Setting(path: "limits.<name>.\(key)", kind: kind, standard: standard, help: help, example: example)
    }
}
