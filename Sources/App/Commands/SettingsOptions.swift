import ArgumentParser

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
        let width = rows.map { $0.flag?.count ?? 0 }.max() ?? 0
        var text = "SETTINGS (flags beat the environment, which beats the file; docs/settings.md says more):\n"
        for row in rows {
            guard let flag = row.flag else { continue }
            let standard = row.standard.map { " [\($0)]" } ?? ""
            let help = row.help.replacing("`", with: "")
            text += "  " + flag + String(repeating: " ", count: width - flag.count + 2) + help + standard + "\n"
        }
        return text
    }
}
