import Core

/// A conversation at the terminal: what was said, and what it took.
struct ChatSession: Sendable {
    /// One turn.
    struct Message: Sendable, Equatable {
        enum Role: String, Sendable { case user, assistant }

        let role: Role
        let text: String
    }

    /// What all answers so far took.
    struct Totals: Sendable, Equatable {
        var answers = 0
        var input = 0
        var output = 0
    }

    /// The name that is called; nil leaves the choice to the gateway.
    var model: String?
    /// What the model is told before everything else; nil for nothing.
    var system: String?
    private(set) var messages: [Message] = []
    private(set) var totals = Totals()

    init(model: String? = nil, system: String? = nil) {
        self.model = model
        self.system = system
    }

    /// The model, for people.
    var modelName: String { self.model ?? "the gateway's default model" }

    /// The body of the call that asks for an answer to `question`.
    func request(asking question: String) -> JSONValue {
        var messages: [JSONValue] = []
        if let system = self.system { messages.append(Self.message("system", system)) }
        messages += self.messages.map { Self.message($0.role.rawValue, $0.text) }
        messages.append(Self.message("user", question))
        let model = self.model.map { [("model", JSONValue.string($0))] } ?? []
        return .object(
            model + [
                ("stream", true), ("stream_options", .object([("include_usage", true)])),
                ("messages", .array(messages)),
            ]
        )
    }

    /// Keeps a question with its answer, a partial one too.
    ///
    /// An answer without text leaves no trace, so that the next
    /// question does not follow one that nobody answered.
    mutating func keep(_ question: String, _ answer: ChatAnswer) {
        self.totals.answers += 1
        self.totals.input += answer.inputTokens ?? 0
        self.totals.output += answer.outputTokens ?? 0
        guard !answer.text.isEmpty else { return }
        self.messages.append(Message(role: .user, text: question))
        self.messages.append(Message(role: .assistant, text: answer.text))
    }

    /// Forgets what was said; model and system stay.
    mutating func clear() { self.messages = [] }

    /// The conversation as JSON for a path that ends in `.json`, else as Markdown.
    func transcript(for path: String) -> String {
        if path.lowercased().hasSuffix(".json") { return self.jsonTranscript.text + "\n" }
        var text = "# Chat with \(self.modelName)\n"
        if let system = self.system { text += "\n**System:** \(system)\n" }
        for message in self.messages {
            text += "\n**\(message.role == .user ? "You" : "Model"):**\n\n\(message.text)\n"
        }
        return text
    }

    private var jsonTranscript: JSONValue {
        var messages: [JSONValue] = self.system.map { [Self.message("system", $0)] } ?? []
        messages += self.messages.map { Self.message($0.role.rawValue, $0.text) }
        return .object([("model", self.model.map { .string($0) } ?? .null), ("messages", .array(messages))])
    }

    private static func message(_ role: String, _ text: String) -> JSONValue {
        .object([("role", .string(role)), ("content", .string(text))])
    }
}
