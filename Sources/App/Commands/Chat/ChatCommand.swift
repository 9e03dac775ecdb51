import ArgumentParser
import Core
import Engine
import Glibc
import NIOPosix

struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk to a model through the gateway.",
        discussion: """
            At a terminal it is a conversation: /help lists its commands, Ctrl-C stops an answer, Ctrl-D leaves.
            With a message, or with standard input that is no terminal, it prints one answer and ends; - stands for \
            standard input:

                turnpike chat "Why is the sky blue?"
                git diff | turnpike chat --system "Write a commit message."
                cat report.txt | turnpike chat "Sum this up:" -
            """
    )

    @OptionGroup var gateway: GatewayOptions

    @Option(name: .shortAndLong, help: "The alias or model; else the gateway's defaults.model.")
    var model: String?

    @Option(name: .shortAndLong, help: "What the model is told before everything else.")
    var system: String?

    @Flag(help: "Print one JSON object for the answer.")
    var json = false

    @Argument(help: "The message; - puts standard input behind it.")
    var message: [String] = []

    func run() async throws {
        let access = try GatewayAccess(self.gateway)
        let session = ChatSession(model: self.model, system: self.system)
        let isConversation = self.message.isEmpty && isatty(STDIN_FILENO) == 1 && !self.json
        try await CommandClient.with { client in
            let caller = ChatCaller(access: access, client: client)
            if isConversation {
                try await Conversation(caller: caller, session: session).run()
            } else {
                try await self.answerOnce(caller, session)
            }
        }
    }

    func validate() throws {
        if let model = self.model, !SettingRule.isModelName(model) {
            throw ValidationError("\"\(model)\" is not a model name")
        }
    }

    // MARK: - One answer

    private func answerOnce(_ caller: ChatCaller, _ session: ChatSession) async throws {
        let question = try self.question()
        let asJSON = self.json
        let answer = try await Interrupts.run {
            try await caller.ask(question, in: session) { piece in
                // What the model thinks is not the answer.
                guard case .text(let text) = piece, !asJSON else { return true }
                return Terminal.output.write(Terminal.output.isInteractive ? Terminal.printable(text) : text)
            }
        }
        guard let answer else { throw CommandFailure("interrupted") }
        if asJSON {
            Terminal.output.line(answer.json.text)
        } else if !answer.text.hasSuffix("\n"), !answer.text.isEmpty {
            Terminal.output.line()
        }
        if let error = answer.error { throw CommandFailure(error) }
        guard answer.isComplete else { throw CommandFailure("the answer was cut off") }
    }

    /// The message.
    ///
    /// Standard input is only read where it is asked for or nothing else was said: a script's input may be
    /// a pipe that nobody ever closes.
    private func question() throws -> String {
        var parts: [String] = []
        let words = self.message.filter { $0 != "-" }
        if !words.isEmpty { parts.append(words.joined(separator: " ")) }
        if words.count < self.message.count || self.message.isEmpty { parts.append(try Self.standardInput()) }
        let question = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
        guard !question.isEmpty else { throw CommandFailure("there is no message", isMisuse: true) }
        return question
    }

    /// Everything on standard input, up to 8 MiB.
    private static func standardInput() throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= 8 << 20 else { throw CommandFailure("standard input is larger than 8 MiB") }
        }
        while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
