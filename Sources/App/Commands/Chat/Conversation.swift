import Core
import Engine
import NIOConcurrencyHelpers
import NIOPosix
import UnixSignals

/// The chat at a terminal: asks for lines, shows answers as they stream, and stops one on Ctrl-C.
struct Conversation {
    private let caller: ChatCaller
    private var session: ChatSession
    private let terminal = Terminal.output

    init(caller: ChatCaller, session: ChatSession) {
        self.caller = caller
        self.session = session
    }

    /// What Ctrl-C does right now.
    private typealias OnInterrupt = NIOLockedValueBox<(@Sendable () -> Void)?>

    /// Talks until the person leaves.
    func run() async throws {
        let onInterrupt = OnInterrupt(nil)
        let signals = await UnixSignalsSequence(trapping: .sigint)
        // Reading a line blocks its thread, which must not be one that runs tasks.
        let reader = NIOThreadPool(numberOfThreads: 1)
        reader.start()
        self.greet()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals { onInterrupt.withLockedValue { $0 }?() }
            }
            defer { group.cancelAll() }
            var conversation = self
            try await conversation.talk(reader, onInterrupt)
        }
        try await reader.shutdownGracefully()
    }

    private func greet() {
        self.terminal.line(
            self.terminal.styled("Talking to \(self.session.modelName) through \(self.caller.access.url)", .bold)
        )
        self.terminal.line(
            self.terminal.styled("/help for commands, Ctrl-C stops an answer, Ctrl-D leaves", .dim) + "\n"
        )
    }

    private mutating func talk(_ reader: NIOThreadPool, _ onInterrupt: OnInterrupt) async throws {
        while let line = try await self.line(reader, onInterrupt) {
            switch ChatInput(line) {
            case .nothing: continue
            case .quit: return
            case .question(let question): try await self.answer(question, onInterrupt)
            case .help: self.help()
            case .model(let name): self.changeModel(name)
            case .system(let text): self.changeSystem(text)
            case .clear:
                self.session.clear()
                self.say("forgotten")
            case .save(let path): self.save(path)
            case .usage:
                let totals = self.session.totals
                self.say("\(totals.answers) answers, \(totals.input) tokens in, \(totals.output) out")
            case .mistake(let text): self.say(text)
            }
        }
        self.terminal.line()
    }

    /// The next line, with those that a backslash at the end joins to it; nil at the end of the input.
    private func line(_ reader: NIOThreadPool, _ onInterrupt: OnInterrupt) async throws -> String? {
        let prompt = self.terminal.styled("you › ", .green)
        let terminal = self.terminal
        onInterrupt.withLockedValue {
            $0 = { terminal.write("\n" + terminal.styled("/quit or Ctrl-D leaves", .dim) + "\n" + prompt) }
        }
        var text = ""
        terminal.write(prompt)
        while let line = try await reader.runIfActive({ readLine(strippingNewline: true) }) {
            text += line
            guard text.hasSuffix("\\") else { return text }
            text = String(text.dropLast()) + "\n"
            terminal.write(terminal.styled("    › ", .green))
        }
        return text.isEmpty ? nil : text
    }

    // MARK: - Answers

    private mutating func answer(_ question: String, _ onInterrupt: OnInterrupt) async throws {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        onInterrupt.withLockedValue { $0 = { stop.yield() } }
        let caller = self.caller
        let session = self.session
        let terminal = self.terminal
        let partial = NIOLockedValueBox(ChatAnswer())
        let thinking = Signpost()
        do {
            let answer: ChatAnswer? = try await withThrowingTaskGroup(of: ChatAnswer?.self) { group in
                group.addTask {
                    try await caller.ask(question, in: session, partial: partial) { piece in
                        Self.show(piece, terminal, thinking)
                    }
                }
                group.addTask {
                    for await _ in stops { break }
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            let kept = answer ?? partial.withLockedValue { $0 }
            self.session.keep(question, kept)
            terminal.line()
            if let error = kept.error { terminal.line(terminal.styled("✗ \(Terminal.printable(error))", .red)) }
            let summary = answer == nil ? "stopped" : kept.summary
            terminal.line(terminal.styled(Terminal.printable(summary), .dim) + "\n")
        } catch let failure as CommandFailure {
            terminal.line(terminal.styled("✗ \(Terminal.printable(failure.message))", .red) + "\n")
        }
    }

    @Sendable private static func show(_ piece: ChatAnswer.Piece, _ terminal: Terminal, _ thinking: Signpost) -> Bool {
        switch piece {
        case .nothing: return true
        case .thought(let text):
            thinking.set()
            return terminal.write(terminal.styled(Terminal.printable(text), .dim))
        case .text(let text):
            if thinking.take() { terminal.write("\n\n") }
            return terminal.write(Terminal.printable(text))
        }
    }

    // MARK: - Commands

    private func say(_ text: String) { self.terminal.line(self.terminal.styled(text, .dim)) }

    private func help() {
        for command in ChatInput.commands {
            let name = "\(command.name) \(command.argument)"
            self.say("  " + name + String(repeating: " ", count: max(1, 24 - name.count)) + command.help)
        }
        self.say("  A line that ends in \\ goes on in the next.")
    }

    private mutating func changeModel(_ name: String?) {
        guard let name else {
            self.say(self.session.modelName)
            return
        }
        guard SettingRule.isModelName(name) else {
            self.say("\"\(name)\" is not a model name")
            return
        }
        self.session.model = name
        self.say("from now on \(name)")
    }

    private mutating func changeSystem(_ text: String?) {
        guard let text else {
            self.say(self.session.system ?? "the model is told nothing beforehand")
            return
        }
        self.session.system = text.isEmpty ? nil : text
        self.say(text.isEmpty ? "removed" : "set")
    }

    private func save(_ path: String) {
        do throws(SmallFile.Failure) {
            try SmallFile.writePrivate(self.session.transcript(for: path), to: path, replacing: true)
            self.say("saved to \(path)")
        } catch {
            self.say("not saved: \(error)")
        }
    }
}
