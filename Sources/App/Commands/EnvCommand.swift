import ArgumentParser
import Core
import Engine

struct EnvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the lines that point an SDK at the gateway.",
        discussion: """
            In bash or zsh:   eval "$(turnpike env)"
            In fish:          turnpike env --shell fish | source
            In PowerShell:    turnpike env --shell powershell | Invoke-Expression

            The lines hold the gateway key.
            """
    )

    /// How variables are set in a shell.
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, sh, fish, powershell

        /// The line that sets `name` to `value`, whatever characters `value` has.
        func line(_ name: String, _ value: String) -> String {
            switch self {
            case .bash, .zsh, .sh: "export \(name)='\(value.replacing("'", with: "'\\''"))'"
            case .fish:
                "set -gx \(name) '\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
            case .powershell: "$env:\(name) = '\(value.replacing("'", with: "''"))'"
            }
        }
    }

    @OptionGroup var gateway: GatewayOptions

    @Option(help: "bash, zsh, sh, fish or powershell.")
    var shell = Shell.bash

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let access = try GatewayAccess(self.gateway)
        guard let key = access.key?.reveal({ $0 }) else {
            throw CommandFailure("there is no key yet: run turnpike serve once, or set TURNPIKE_KEY")
        }
        let variables = Self.variables(url: access.url, key: key)
        if self.json {
            Terminal.output.line(JSONValue.object(variables.map { ($0.name, .string($0.value)) }).text)
        } else {
            for variable in variables { Terminal.output.line(self.shell.line(variable.name, variable.value)) }
        }
    }

    /// The variables that the official SDKs read.
    ///
    /// Dialects that this version does not serve are left alone, so that
    /// what works stays as it is.
    static func variables(url: String, key: String) -> [(name: String, value: String)] {
        [("OPENAI_BASE_URL", url + "/v1"), ("OPENAI_API_KEY", key)]
    }
}
