/// An answer of Mistral's chat: what a whole body and a stream have in common, and the body.
struct MistralAnswer {
    let completion: Completion
    let behaviour: Behaviour

    init(_ completion: Completion, _ behaviour: Behaviour) {
        self.completion = completion
        self.behaviour = behaviour
    }

    /// What the body and every chunk begin with.
    func head(_ object: String) -> [JSONValue.Member] {
        [
            .init("id", .string(MistralDialect.id(self.completion.sequence))), .init("object", .string(object)),
            .init("created", .integer(self.completion.created)), .init("model", .string(self.completion.model)),
        ]
    }

    /// The usage object.
    ///
    /// Nil where a fault leaves it out.
    var usage: String? {
        switch self.completion.usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return "null"
        case .numbers(let told):
            return "{\"prompt_tokens\":\(told.text(told.prompt)),\"total_tokens\":\(told.text(told.total)),"
                + "\"completion_tokens\":\(told.text(told.completion)),\"num_cached_tokens\":\(told.cached)}"
        }
    }

    /// The calls of a choice, each whole.
    func calls(_ choice: Completion.Choice) -> JSONValue? {
        let calls = choice.parts.compactMap { part -> JSONValue? in
            guard case .tool(let index, let id, let name, _) = part.kind else { return nil }
            let function = JSONValue.object([
                .init("name", .string(name)), .init("arguments", .string(part.pieces.joined)),
            ])
            return .object([
                .init("id", .string(Self.callID(id))), .init("function", function), .init("index", .integer(index)),
            ])
        }
        return calls.isEmpty ? nil : .array(calls)
    }

    /// Nine letters and digits, as every id of a call must be.
    static func callID(_ id: String) -> String {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var rest = Wording.fingerprint(id)
        return String(
            (0..<9).map { _ in
                let digit = digits[Int(rest % UInt64(digits.count))]
                rest /= UInt64(digits.count)
                return digit
            }
        )
    }

    static func thought(_ text: String) -> JSONValue {
        let inside = JSONValue.object([.init("type", .string("text")), .init("text", .string(text))])
        return .object([.init("type", .string("thinking")), .init("thinking", .array([inside]))])
    }

    /// The whole answer.
    var body: [UInt8] {
        let choices = self.completion.choices.enumerated().map { index, choice -> JSONValue in
            func said(_ kinds: [Completion.Part.Kind]) -> String {
                choice.parts.filter { kinds.contains($0.kind) }.map(\.pieces.joined).joined()
            }
            let text = said([.text, .refusal])
            let thought = said([.reasoning])
            var content = JSONValue.string(text)
            if !thought.isEmpty {
                let spoken = JSONValue.object([.init("type", .string("text")), .init("text", .string(text))])
                content = .array([Self.thought(thought)] + (text.isEmpty ? [] : [spoken]))
            }
            let message = JSONValue.object([
                .init("role", .string("assistant")), .init("tool_calls", self.calls(choice) ?? .null),
                .init("content", content),
            ])
            return .object([
                .init("index", .integer(index)), .init("message", message),
                .init("finish_reason", .string(choice.finish)),
            ])
        }
        var text = JSONValue.object(self.head("chat.completion") + [.init("choices", .array(choices))]).text
        if let usage = self.usage { text = "\(text.dropLast()),\"usage\":\(usage)}" }
        return Array(text.utf8)
    }
}
