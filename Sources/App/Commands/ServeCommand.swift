import ArgumentParser
import Core
import Engine
import Glibc
import Logging
import NIOCore
import Simulator
import Telemetry

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        usage: "turnpike serve [--config <file>] [--json] [--<setting> <value> …]",
        discussion: """
            Without any setting it listens on 127.0.0.1:8080, uses the provider whose key is in the environment \
            (OPENROUTER_API_KEY, OPENAI_API_KEY, …) or an Ollama on this machine, makes a gateway key, and prints how \
            to call it. SIGTERM or Ctrl-C drains and ends; SIGHUP or a saved file reloads the settings.

            \(SettingsOptions.help)
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print one JSON object instead of the start-up text.")
    var json = false

    func run() async throws {
        var input = self.options.input
        input.discovered = await LocalProviders.find(for: input)
        var source = SettingsSource(input: input)
        var loaded = try source.load()
        let simulator = loaded.settings.simulator ? try await Self.startSimulator() : nil
        let simulatorURL = simulator.map { $0.baseURL + "/v1" }
        source.finish = { settings in
            if let simulatorURL { settings.addSimulator(baseURL: simulatorURL) }
        }
        source.finish(&loaded.settings)
        let startup = try await Startup.open(loaded.settings)
        let writer = LineWriter(descriptor: try Self.logDescriptor(loaded.settings.log))
        let logger = Self.logger(loaded.settings.log, writer)
        let watcher = SettingsWatcher(source: source, running: loaded, logger: logger)
        let text = StartupText(loaded, input: input, account: try await startup.account())
        let asJSON = self.json
        do {
            try await Assembly.serve(
                settings: loaded.settings,
                store: startup.store,
                watcher: watcher,
                writer: writer,
                logger: logger,
                onListening: { address in
                    Terminal.output.write(asJSON ? text.json(address).text + "\n" : text.text(address))
                }
            )
        } catch let error as IOError {
            writer.drain()
            await startup.store.close()
            throw Self.explain(error, listen: loaded.settings.server.listen)
        }
        await startup.store.close()
        writer.drain()
        try await simulator?.stop()
    }

    /// The simulator on a free loopback port, with a short memory: the record is for `turnpike simulate`.
    private static func startSimulator() async throws -> SimulatorServer {
        var options = SimulatorOptions()
        options.recordLimit = 100
        options.acceptsNoKey = true
        return try await SimulatorServer.start(options)
    }

    private static func logDescriptor(_ log: Settings.Log) throws -> CInt {
        guard let path = log.file else { return STDERR_FILENO }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw CommandFailure("log.file \(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private static func logger(_ log: Settings.Log, _ writer: LineWriter) -> Logger {
        let level = Logger.Level(rawValue: log.level) ?? .info
        return Logger(label: "turnpike") { label in
            JSONLogHandler(label: label, level: level, writer: writer) { SystemClock.now }
        }
    }

    private static func explain(_ error: IOError, listen: ListenAddress) -> CommandFailure {
        switch error.errnoCode {
        case EADDRINUSE:
            CommandFailure(
                "port \(listen.port) is taken; stop what listens there, or choose another: "
                    + "--server-listen \(listen.urlHost):\(listen.port == 8080 ? 8081 : 8080)"
            )
        case EADDRNOTAVAIL: CommandFailure("\(listen.host) is not an address of this machine")
        case EACCES: CommandFailure("port \(listen.port) needs more rights; choose one above 1023")
        default: CommandFailure("cannot listen on \(listen): \(String(cString: strerror(error.errnoCode)))")
        }
    }
}
