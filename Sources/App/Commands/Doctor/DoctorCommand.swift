import ArgumentParser
import Core
import Engine

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check settings, files, address and providers, and say what to mend.",
        usage: "turnpike doctor [--config <file>] [--offline] [--json] [--<setting> <value> …]",
        discussion: """
            Asks each provider that has a key for its models, and the default model for one token, which costs next to \
            nothing, and each tool server for its tools. Where the default model is gone it proposes another. Exits \
            with 1 if anything fails.

            \(SettingsOptions.help)
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Do not call providers.")
    var offline = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let report = Report(asJSON: self.json)
        var input = self.options.input
        if !self.offline { input.discovered = await LocalProviders.find(for: input) }
        let loaded: LoadedSettings
        do throws(SettingsMistakes) {
            loaded = try Settings.load(input)
            report.add(.ok("settings", loaded.file ?? "no file; defaults and environment"))
        } catch {
            for mistake in error.all {
                report.add(.fail("settings", mistake.description, mend: "docs/settings.md lists every key"))
            }
            try report.finish()
            return
        }
        for warning in loaded.warnings { report.add(.warn("settings", warning)) }
        for finding in LocalChecks.all(loaded.settings) { report.add(finding) }
        for finding in await StoreChecks.all(loaded.settings) { report.add(finding) }
        try await CommandClient.with { client in
            report.add(await LocalChecks.listen(loaded.settings, client))
            if !self.offline {
                for finding in await StoreChecks.issuers(loaded.settings, client) { report.add(finding) }
                let checks = ProviderChecks(loaded: loaded, input: input, client: client)
                await checks.run { report.add($0) }
                for finding in await ToolChecks.all(loaded.settings, client) { report.add(finding) }
            }
        }
        try report.finish()
    }

    /// Shows findings as they come, or all at the end as JSON.
    private final class Report {
        private let asJSON: Bool
        private var findings: [Finding] = []

        init(asJSON: Bool) { self.asJSON = asJSON }

        func add(_ finding: Finding) {
            self.findings.append(finding)
            if !self.asJSON { Terminal.output.write(finding.line(.output)) }
        }

        func finish() throws {
            let failures = self.findings.count { $0.verdict == .fail }
            if self.asJSON {
                let object = JSONValue.object([
                    ("ok", .bool(failures == 0)), ("checks", .array(self.findings.map(\.json))),
                ])
                Terminal.output.line(object.text)
            } else {
                let warnings = self.findings.count { $0.verdict == .warn }
                let verdict = failures == 0 ? "nothing fails" : "\(failures) to mend"
                Terminal.output.line("\n\(self.findings.count) checks: \(verdict), \(warnings) to look at")
            }
            if failures > 0 { throw CommandFailure("") }
        }
    }
}
