import ArgumentParser
import Engine

/// `--config` and every flag of the settings table, for commands that need the settings.
struct SettingsOptions: ParsableArguments {
    @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
    var config: String?

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings as flags.", visibility: .hidden))
    var settings: [String] = []

    /// Where the settings come from, for this process.
    var input: SettingsInput {
        SettingsSource.ofProcess(flags: self.settings, configPath: self.config)
    }

    /// Every flag of the table, for the end of a command's help.
    static var help: String {
        let rows = SettingsTable.rows.filter { $0.availability == .now && $0.flag != nil }
        var text = "SETTINGS (flags beat the environment, which beats the file):\n"
        for row in rows {
            guard let flag = row.flag else { continue }
            let standard = row.standard.map { " [\($0)]" } ?? ""
            text += "  \(flag)\(standard)\n"
            text += Self.wrapped(row.help.replacing("`", with: ""), indentedBy: 8)
        }
        return text
    }

    /// `text` in lines of at most 76 columns, since the parser would break them without indentation.
    private static func wrapped(_ text: String, indentedBy indentation: Int) -> String {
        let margin = String(repeating: " ", count: indentation)
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count + 1 <= 76 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(margin + word)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
