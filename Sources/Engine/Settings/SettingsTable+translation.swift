package import Core
import Pipeline

extension SettingsTable {
    /// What becomes of requests that a target cannot be told whole.
    static let translation: [Setting] = [
        Setting(
            path: "translation.strict",
            kind: .bool,
            standard: "false",
            help: "Whether a request is refused (400) where its target cannot be told all of it; else what is left out "
                + "is named in `x-turnpike-dropped`. One call asks for it with the header `x-turnpike-strict`.",
            example: "true"
        ),
        Setting(
            path: "translation.strict_groups",
            kind: .list(expected: "the id of a group") { !$0.isEmpty && $0.utf8.count <= 200 },
            standard: nil,
            help: "The groups in which such requests are refused, where `translation.strict` is not on for all.",
            example: "research"
        ),
        Setting(
            path: "structured_output.validate",
            kind: .choice(StructureRule.When.allCases.map(\.rawValue)),
            standard: "on_request",
            help: "When answers are held against the JSON schema of their request: `on_request` where a call says "
                + "`x-turnpike-validate: true`, `always` but where one says `false`, `never`.",
            example: "always"
        ),
        Setting(
            path: "structured_output.repairs",
            kind: .integer(0...3),
            standard: "1",
            help: "How often a model is asked again whose answer does not fit the schema.",
            example: "2"
        ),
    ]
}

extension SettingsBuilder {
    /// `structured_output:`.
    func structureRule() -> StructureRule {
        StructureRule(
            when: StructureRule.When(rawValue: self.values.text("structured_output.validate")) ?? .onRequest,
            repairsMax: self.values.integer("structured_output.repairs")
        )
    }

    /// `translation:`.
    func translation() -> Settings.Translation {
        Settings.Translation(
            isStrict: self.values.bool("translation.strict"),
            strictGroups: Set(self.values.list("translation.strict_groups").map { GroupID($0) })
        )
    }
}

extension Settings {
    /// What becomes of requests that a target cannot be told whole.
    package struct Translation: Sendable, Equatable {
        package var isStrict = false
        package var strictGroups: Set<GroupID> = []
    }
}
