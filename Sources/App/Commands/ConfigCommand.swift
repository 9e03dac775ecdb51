import ArgumentParser
import Core
import Engine

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at the settings.",
        subcommands: [Check.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check the settings without starting, and show where each value comes from.",
            usage: "turnpike config check [--config <file>] [--all] [--json] [--<setting> <value> …]",
            discussion: SettingsOptions.help
        )

        @OptionGroup var options: SettingsOptions

        @Flag(help: "Show the defaults too.")
        var all = false

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() throws {
            do {
                let loaded = try Settings.load(self.options.input)
                Terminal.output.write(self.json ? Self.json(loaded).text + "\n" : self.text(loaded))
            } catch {
                if self.json {
                    Terminal.output.line(Self.json(error).text)
                } else {
                    Terminal.error.write(error.description + "\n")
                    let count = error.all.count
                    Terminal.error.line(count == 1 ? "1 mistake in the settings" : "\(count) mistakes in the settings")
                }
                throw CommandFailure("", isMisuse: error.isMisuse)
            }
        }

        private func text(_ loaded: LoadedSettings) -> String {
            let report = SettingsReport(loaded)
            var text = report.text(onlyGiven: !self.all)
            for warning in loaded.warnings { text += "note: \(warning)\n" }
            let file = loaded.file.map { "\($0): " } ?? "no settings file: "
            let given = report.lines.count { $0.isGiven }
            return text + "\(file)\(given) given, \(loaded.settings.providers.count) providers, "
                + "\(loaded.settings.models.count) aliases, \(loaded.settings.groups.count) groups; no mistakes\n"
        }

        private static func json(_ loaded: LoadedSettings) -> JSONValue {
            .object([
                ("ok", true), ("file", loaded.file.map { .string($0) } ?? .null), ("mistakes", []),
                ("warnings", .array(loaded.warnings.map { .string($0) })),
                (
                    "settings",
                    .array(
                        SettingsReport(loaded).lines.map { line in
                            .object([
                                ("path", .string(line.path)), ("value", .string(line.value)),
                                ("origin", .string(line.origin)),
                            ])
                        }
                    )
                ),
            ])
        }

        private static func json(_ mistakes: SettingsMistakes) -> JSONValue {
            .object([
                ("ok", false),
                (
                    "mistakes",
                    .array(
                        mistakes.all.map { mistake in
                            .object([
                                ("where", .string(mistake.origin.description)),
                                ("path", .string(mistake.path.description)), ("message", .string(mistake.text)),
                            ])
                        }
                    )
                ),
            ])
        }
    }
}
