import ArgumentParser
import Core
import Engine
import NIOCore
import Simulator

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run a fake provider with faults, for trying out and for testing your own application.",
        discussion: """
            It speaks OpenAI's API under /v1, OpenRouter's under /api/v1, Azure's under /openai, Mistral's under \
            /mistral, and those of Anthropic, Gemini, Bedrock and Cohere where they have theirs. Faults are chosen by \
            the model's name or through a control endpoint; docs/simulator.md lists them. Ctrl-C ends it.
            """
    )

    enum Pace: String, ExpressibleByArgument, CaseIterable { case realistic, none }

    @Option(help: "Address and port; port 0 takes any.")
    var listen = "127.0.0.1:8090"

    @Option(help: "realistic (200 ms to the first word, 20 ms between words) or none.")
    var pace = Pace.realistic

    @Option(
        name: .customLong("key"),
        help: "A key to accept, AKID:SECRET for AWS; may be repeated. Without it any key is accepted."
    )
    var keys: [String] = []

    @Option(help: "A JSON file with faults, as for the control endpoint.")
    var script: String?

    @Option(help: "PEM file with a certificate chain, for HTTPS.")
    var certificateFile: String?

    @Option(help: "PEM file with its private key.")
    var keyFile: String?

    @Option(help: "How many threads answer.")
    var threads = 1

    @Option(help: "How many calls the record holds before it forgets the oldest.")
    var record = 10_000

    @Flag(help: "Print nothing for each call.")
    var quiet = false

    @Flag(help: "Print JSON: one object at the start, one for each call.")
    var json = false

    func validate() throws {
        guard ListenAddress(self.listen) != nil else {
            throw ValidationError("--listen \(self.listen) is not an address (write 127.0.0.1:8090)")
        }
        guard (self.certificateFile == nil) == (self.keyFile == nil) else {
            throw ValidationError("--certificate-file and --key-file go together")
        }
        guard (1...64).contains(self.threads) else { throw ValidationError("--threads must be 1 to 64") }
        guard (0...1_000_000).contains(self.record) else { throw ValidationError("--record must be 0 to 1000000") }
    }

    func run() async throws {
        let simulator = try await self.start()
        if let path = self.script {
            do {
                try simulator.script(json: try SmallFile.read(path, bytesMax: 4 << 20))
            } catch {
                try await simulator.stop()
                throw CommandFailure("--script \(path): \(error)")
            }
        }
        self.announce(simulator)
        let forever: Void? = try await Interrupts.run { try await Task.sleep(for: .seconds(86_400 * 36_500)) }
        _ = forever
        try await simulator.stop()
    }

    private func start() async throws -> SimulatorServer {
        var options = SimulatorOptions()
        let address = ListenAddress(self.listen)
        options.host = address?.host ?? options.host
        options.port = address?.port ?? 0
        options.requiredKeys = self.keys
        options.pace = self.pace == .none ? .none : .realistic
        options.threads = self.threads
        options.recordLimit = self.record
        if let certificate = self.certificateFile, let key = self.keyFile {
            options.tls = .init(certificateFile: certificate, keyFile: key)
        }
        if !self.quiet {
            // Lines leave on a thread of their own: a slow terminal must not slow the answers.
            let lines = LineQueue()
            let asJSON = self.json
            options.onCallEnded = { call in lines.write(Self.line(call, asJSON: asJSON)) }
        }
        do {
            return try await SimulatorServer.start(options)
        } catch let error as IOError {
            throw CommandFailure("cannot listen on \(self.listen): \(error)")
        } catch {
            throw CommandFailure("cannot start: \(error)")
        }
    }

    private func announce(_ simulator: SimulatorServer) {
        let url = simulator.baseURL
        if self.json {
            Terminal.output.line(
                JSONValue.object([
                    ("event", "listening"), ("url", .string(url)), ("baseURL", .string(url + "/v1")),
                    ("openRouterURL", .string(url + "/api/v1")), ("recordURL", .string(url + "/sim/record")),
                ]).text
            )
            return
        }
        let key = self.keys.first == nil ? "any-key" : "$YOUR_KEY"
        Terminal.output.write(
            """

            \(Terminal.output.styled("The simulator answers at \(url)", .bold)): made-up text, no model.

              OpenAI      \(url)/v1
              Anthropic   \(url)
              OpenRouter  \(url)/api/v1
              Others      \(url) (Anthropic, Gemini, Bedrock, Cohere)
              Record      \(url)/sim/record
              Faults      the model's name (sim?status=429, sim?cut=3) or POST \(url)/sim/script

            curl \(url)/v1/chat/completions -H "Authorization: Bearer \(key)" -H "Content-Type: application/json" \
            -d '{"model":"sim","messages":[{"role":"user","content":"Hello"}]}'


            """
        )
    }

    private static func line(_ call: RecordedCall, asJSON: Bool) -> String {
        let milliseconds = Int(clamping: call.finishedNanoseconds &- call.headReceivedNanoseconds) / 1_000_000
        if asJSON { return call.json(revealsKeys: false) }
        let text =
            "#\(call.sequence) \(call.method) \(call.shownPath) \(call.model ?? "-") → \(call.status) "
            + "\(call.ending.rawValue), \(call.promptTokens) in, \(call.tokensWritten) of "
            + "\(call.completionTokens) out, \(milliseconds) ms"
        return Terminal.printable(text)
    }
}
