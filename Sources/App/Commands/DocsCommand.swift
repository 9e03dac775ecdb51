import ArgumentParser
import Dialects
import Engine
import Glibc
import SQLite

struct DocsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "docs",
        abstract: "Write the documentation that is generated from this build.",
        shouldDisplay: false
    )

    @Option(help: "The folder to write into; without it the pages are printed.")
    var write: String?

    func run() async throws {
        for page in try await Self.pages() {
            guard let folder = self.write else {
                Terminal.output.write(page.text)
                continue
            }
            let path = "\(folder)/\(page.name)"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0, Terminal(descriptor: descriptor).write(page.text), close(descriptor) == 0 else {
                throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Every generated page.
    static func pages() async throws -> [(name: String, text: String)] {
        [
            ("settings.md", SettingsDocs.markdown), ("schema.sql", try await SchemaPage.text()),
            ("translation.md", try LossTable.markdown()),
        ]
    }
}
