/// A completion in the words of Cohere's v2.
struct CohereAnswer {
    let completion: Completion
    let behaviour: Behaviour

    /// Adds the plan that Cohere's models tell before they call tools without having thought.
    init(_ completion: Completion, behaviour: Behaviour, tokenLimit: Int?) {
        var completion = completion
        if var choice = completion.choices.first, let first = choice.parts.first, Self.isTool(first) {
            let names = choice.parts.compactMap { part in
                if case .tool(_, _, let name, _) = part.kind { return name }
                return nil
            }
            let plan = Tokenizer.tokens(of: "I will use \(names.joined(separator: " and ")).")
            if completion.usage.completion + plan.count <= tokenLimit ?? Int.max {
                choice.parts.insert(.init(kind: .text, pieces: .list(plan)), at: 0)
                completion.choices[0] = choice
                completion.usage.completion += plan.count
            }
        }
        self.completion = completion
        self.behaviour = behaviour
    }

    var choice: Completion.Choice { self.completion.choices.first ?? .init(parts: [], finish: "stop") }

    var id: String { "sim-\(self.completion.sequence)" }

    static func isTool(_ part: Completion.Part) -> Bool {
        if case .tool = part.kind { return true }
        return false
    }

    /// Whether the part is a plan to use tools, and not an answer.
    func isPlan(_ part: Completion.Part) -> Bool {
        part.kind == .text && self.choice.parts.contains(where: Self.isTool)
    }

    var finishReason: String {
        switch self.choice.finish {
        case "stop": return self.choice.stopSequence == nil ? "COMPLETE" : "STOP_SEQUENCE"
        case "length": return "MAX_TOKENS"
        case "tool_calls": return "TOOL_CALL"
        case "content_filter", "error": return "ERROR"
        default: return self.choice.finish
        }
    }

    /// The usage in its two pairs.
    ///
    /// Nil where a fault leaves it out.
    var usage: JSONValue? {
        switch self.completion.usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return .null
        case .numbers(let numbers):
            func number(_ count: Int) -> JSONValue { (try? JSONParser.parse(numbers.text(count))) ?? .integer(count) }
            func pair(_ prompt: Int) -> JSONValue {
                .object([
                    .init("input_tokens", number(prompt)), .init("output_tokens", number(numbers.completion)),
                ])
            }
            let billed = numbers.prompt - min(max(0, numbers.prompt), CohereRequest.preambleTokens)
            var members: [JSONValue.Member] = [
                .init("billed_units", pair(billed)), .init("tokens", pair(numbers.prompt)),
            ]
            if numbers.cached > 0 { members.append(.init("cached_tokens", number(numbers.cached))) }
            return .object(members)
        }
    }

    /// The answer as one body.
    var whole: JSONValue {
        var message: [JSONValue.Member] = [.init("role", .string("assistant"))]
        var content: [JSONValue] = []
        var calls: [JSONValue] = []
        for part in self.choice.parts {
            let text = part.pieces.joined
            switch part.kind {
            case .reasoning:
                content.append(.object([.init("type", .string("thinking")), .init("thinking", .string(text))]))
            case .text, .refusal:
                if self.isPlan(part) {
                    message.append(.init("tool_plan", .string(text)))
                } else {
                    content.append(.object([.init("type", .string("text")), .init("text", .string(text))]))
                }
            case .tool(_, let id, let name, _): calls.append(Self.call(id, name, arguments: text))
            }
        }
        if !calls.isEmpty { message.append(.init("tool_calls", .array(calls))) }
        if !content.isEmpty { message.append(.init("content", .array(content))) }
        var members: [JSONValue.Member] = [
            .init("id", .string(self.id)), .init("message", .object(message)),
            .init("finish_reason", .string(self.finishReason)),
        ]
        if let usage = self.usage { members.append(.init("usage", usage)) }
        return .object(members)
    }

    static func call(_ id: String, _ name: String, arguments: String) -> JSONValue {
        .object([
            .init("id", .string(id)), .init("type", .string("function")),
            .init("function", .object([.init("name", .string(name)), .init("arguments", .string(arguments))])),
        ])
    }
}
