import ArgumentParser
import Core
import Engine

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show what this build is.")

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        if self.json {
            let object = JSONValue.object([
                ("version", .string(Version.text)), ("swift", .string(Version.swift)),
                ("system", .string(Version.system)),
            ])
            Terminal.output.line(object.text)
        } else {
            Terminal.output.line("turnpike \(Version.text) (Swift \(Version.swift), \(Version.system))")
        }
    }
}
