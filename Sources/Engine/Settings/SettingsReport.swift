/// Every setting with its value and who said so; secrets are hidden.
package struct SettingsReport: Sendable {
    /// One line of the report.
    package struct Line: Sendable, Equatable {
        package let path: String
        /// As it would be written; `${…}` is not expanded, and a secret is `<secret>`.
        package let value: String
        /// `default`, a variable, a flag, or a file and line.
        package let origin: String
        /// Whether it was said by somebody.
        package let isGiven: Bool
    }

    package let lines: [Line]

    package init(_ loaded: LoadedSettings) {
        let values = loaded.values
        var lines: [Line] = []
        for row in SettingsTable.rows where row.isFixed && !row.kind.isOpaque {
            let path = SettingPath(stringLiteral: row.path)
            let entry = values.entries[path]
            lines.append(
                Line(
                    path: row.path,
                    value: entry?.shown ?? Self.standard(row, loaded.settings),
                    origin: (entry?.origin ?? .standard).description,
                    isGiven: entry != nil && entry?.origin != .standard
                )
            )
        }
        let fixed = Set(lines.map(\.path))
        let chosen = values.entries.map { (path: $0.key.description, entry: $0.value) }
            .filter { !fixed.contains($0.path) }
            .sorted { $0.path < $1.path }
        for (path, entry) in chosen {
            lines.append(
                Line(
                    path: path,
                    value: entry.shown,
                    origin: entry.origin == .standard ? "found on this machine" : entry.origin.description,
                    isGiven: true
                )
            )
        }
        self.lines = lines
    }

    /// The standard value, or what was chosen in its place because of the keys that are there.
    private static func standard(_ row: Setting, _ settings: Settings) -> String {
        switch row.path {
        case "defaults.provider": settings.defaults.provider
        case "defaults.model": settings.defaults.model
        default: row.isSecret && row.standard != nil ? "<secret>" : row.standard ?? "null"
        }
    }

    /// The report as lines of text in columns.
    package func text(onlyGiven: Bool = false) -> String {
        let lines = self.lines.filter { !onlyGiven || $0.isGiven }
        let pathWidth = lines.map(\.path.count).max() ?? 0
        let valueWidth = min(40, lines.map(\.value.count).max() ?? 0)
        return lines.map { line in
            let path = line.path + String(repeating: " ", count: pathWidth - line.path.count)
            let value = line.value + String(repeating: " ", count: max(0, valueWidth - line.value.count))
            return "\(path)  \(value)  \(line.origin)\n"
        }.joined()
    }
}
