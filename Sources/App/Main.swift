import ArgumentParser
import Engine
import Glibc
import Programs

/// The command line: `turnpike <command>`.
struct Turnpike: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnpike",
        abstract: "A self-hosted AI gateway: one binary between your applications and LLM providers.",
        discussion: """
            Start with:  turnpike serve
            Then:        turnpike chat

            Exit codes: 0 done, 1 failed, 2 misused.
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, SimulateCommand.self, ChatCommand.self, TailCommand.self, ExplainCommand.self,
            EnvCommand.self,
            GroupCommand.self, UserCommand.self, KeyCommand.self, CredentialCommand.self, BudgetCommand.self,
            AgentCommand.self,
            BreakerCommand.self, ToolCommand.self, MCPCommand.self,
            SessionCommand.self, UsageCommand.self, ShadowCommand.self, AuditCommand.self,
            KeyringCommand.self, BackupCommand.self, RestoreCommand.self, PriceCommand.self,
            ConfigCommand.self, DoctorCommand.self, VersionCommand.self, DocsCommand.self,
        ]
    )
}

@main
enum Main {
    /// Runs one command and exits with 0, 1 or 2, and nothing else.
    static func main() async {
        // A reader that went away (`turnpike tail | head`) is seen as a failed write, not as the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // What stands between the gateway and a tool server's program; does not come back if it is that.
        LimitedExec.becomeIfAsked(CommandLine.arguments)
        exit(await Self.run(Array(CommandLine.arguments.dropFirst())))
    }

    /// The exit code of the command that `arguments` ask for.
    static func run(_ arguments: [String]) async -> Int32 {
        let arguments = arguments.isEmpty ? ["--help"] : arguments
        do {
            var command = try Turnpike.parseAsRoot(arguments)
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
            return 0
        } catch let failure as CommandFailure {
            if !failure.message.isEmpty { Terminal.error.write("turnpike: \(failure.message)\n") }
            return failure.isMisuse ? 2 : 1
        } catch let mistakes as SettingsMistakes {
            Terminal.error.write(mistakes.summary)
            return mistakes.isMisuse ? 2 : 1
        } catch let code as ExitCode {
            return code.isSuccess ? 0 : 1
        } catch is CancellationError {
            return 1
        } catch {
            let code = Turnpike.exitCode(for: error)
            let message = Turnpike.fullMessage(for: error)
            let terminal = code.isSuccess ? Terminal.output : Terminal.error
            if !message.isEmpty { terminal.write(message + "\n") }
            // The parser's own number for misuse is 64.
            return code.isSuccess ? 0 : code == .validationFailure ? 2 : 1
        }
    }
}
