/// A completion in the words of the Gemini API.
struct GeminiAnswer {
    let completion: Completion
    let behaviour: Behaviour
    let includesThoughts: Bool
    /// Whether calls and the ends of texts are signed, so that thinking can go on from them.
    let signs: Bool
    /// What each choice costs, thoughts not counted and parts that cannot be told counted.
    let tokens: [Int]

    /// Takes out what this API does not say: what was blocked, and calls that cannot be told as JSON.
    init(_ completion: Completion, behaviour: Behaviour, includesThoughts: Bool) {
        var completion = completion
        var tokens: [Int] = []
        for index in completion.choices.indices {
            let choice = completion.choices[index]
            tokens.append(choice.parts.filter { $0.kind != .reasoning }.reduce(0) { $0 + $1.tokens })
            if Self.isBlocked(choice) {
                completion.choices[index].parts.removeAll { $0.kind != .reasoning }
                completion.usage.completion -= tokens[index]
                tokens[index] = 0
            }
            guard choice.parts.contains(where: { !Self.canBeTold($0) }) else { continue }
            completion.choices[index].parts.removeAll { !Self.canBeTold($0) }
            if choice.finish != "length" { completion.choices[index].finish = "MALFORMED_FUNCTION_CALL" }
        }
        self.tokens = tokens
        self.completion = completion
        self.behaviour = behaviour
        self.includesThoughts = includesThoughts
        self.signs = GeminiRequest.needsSignatures(completion.model) || completion.usage.reasoning > 0
    }

    /// Whether the prompt was refused, so that there are no candidates.
    var isPromptBlocked: Bool { self.behaviour.isRefusal }

    private static func isBlocked(_ choice: Completion.Choice) -> Bool {
        let reasons: Set<String> = [
            "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "OTHER", "IMAGE_SAFETY",
        ]
        return reasons.contains(Self.finishReason(choice)) || choice.parts.contains { $0.kind == .refusal }
    }

    /// Arguments go out as an object or not at all.
    private static func canBeTold(_ part: Completion.Part) -> Bool {
        guard case .tool = part.kind else { return true }
        return Self.arguments(part) != nil
    }

    private static func arguments(_ part: Completion.Part) -> JSONValue? {
        guard let value = try? JSONParser.parse(part.pieces.joined), value.members != nil else { return nil }
        return value
    }

    static func finishReason(_ choice: Completion.Choice) -> String {
        switch choice.finish {
        case "stop", "tool_calls": return "STOP"
        case "length": return "MAX_TOKENS"
        case "content_filter": return "SAFETY"
        default: return choice.finish
        }
    }

    /// The parts of a choice that are told at all.
    func parts(_ choice: Completion.Choice) -> [Completion.Part] {
        self.includesThoughts ? choice.parts : choice.parts.filter { $0.kind != .reasoning }
    }

    // MARK: - Pieces of answers

    /// A call, whole, as the API always tells it.
    func call(_ part: Completion.Part, isFirst: Bool) -> JSONValue {
        guard case .tool(_, let id, let name, _) = part.kind else { return .null }
        var call: [JSONValue.Member] = [
            .init("name", .string(name)), .init("args", Self.arguments(part) ?? .object([])),
        ]
        if GeminiRequest.needsSignatures(self.completion.model) { call.insert(.init("id", .string(id)), at: 0) }
        var members: [JSONValue.Member] = [.init("functionCall", .object(call))]
        if isFirst, self.signs { members.append(.init("thoughtSignature", .string(GeminiTurns.signature(name)))) }
        return .object(members)
    }

    /// What ends every answer and chunk, and tells them apart.
    var identity: [JSONValue.Member] {
        [
            .init("modelVersion", .string(self.completion.model)),
            .init("responseId", .string("sim-\(self.completion.sequence)")),
        ]
    }

    /// Why there are no candidates.
    var promptFeedback: JSONValue {
        let rating = JSONValue.object([
            .init("category", .string("HARM_CATEGORY_DANGEROUS_CONTENT")), .init("probability", .string("HIGH")),
            .init("blocked", .bool(true)),
        ])
        return .object([.init("blockReason", .string("SAFETY")), .init("safetyRatings", .array([rating]))])
    }

    /// The usage so far, or at the end.
    ///
    /// `told` is how many tokens of the answer were told, thoughts not counted; nil at the end. Nil comes out where a
    /// fault leaves usage out.
    func usage(told: Int? = nil) -> JSONValue? {
        var usage = self.completion.usage
        if let told { usage.completion = told + usage.reasoning }
        switch usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return .null
        case .numbers(let numbers):
            func number(_ count: Int) -> JSONValue { (try? JSONParser.parse(numbers.text(count))) ?? .integer(count) }
            func details(_ count: Int) -> JSONValue {
                .array([.object([.init("modality", .string("TEXT")), .init("tokenCount", number(count))])])
            }
            let spoken =
                numbers.completion >= numbers.reasoning ? numbers.completion - numbers.reasoning : numbers.completion
            var members: [JSONValue.Member] = [.init("promptTokenCount", number(numbers.prompt))]
            if spoken != 0 || self.behaviour.usage == .zero {
                members.append(.init("candidatesTokenCount", number(spoken)))
            }
            members.append(.init("totalTokenCount", number(numbers.total)))
            if numbers.cached > 0 { members.append(.init("cachedContentTokenCount", number(numbers.cached))) }
            members.append(.init("promptTokensDetails", details(numbers.prompt)))
            if numbers.reasoning > 0 { members.append(.init("thoughtsTokenCount", number(numbers.reasoning))) }
            return .object(members)
        }
    }

    // MARK: - The whole answer

    /// The answer as one `GenerateContentResponse`.
    var whole: JSONValue {
        var members: [JSONValue.Member] = []
        if self.isPromptBlocked {
            members.append(.init("promptFeedback", self.promptFeedback))
        } else {
            let candidates = self.completion.choices.enumerated().map { self.candidate($1, index: $0) }
            members.append(.init("candidates", .array(candidates)))
        }
        if let usage = self.usage() { members.append(.init("usageMetadata", usage)) }
        return .object(members + self.identity)
    }

    private func candidate(_ choice: Completion.Choice, index: Int) -> JSONValue {
        var parts: [JSONValue] = []
        var hasCall = false
        for part in self.parts(choice) {
            switch part.kind {
            case .reasoning:
                parts.append(.object([.init("text", .string(part.pieces.joined)), .init("thought", .bool(true))]))
            case .text, .refusal:
                let text = part.pieces.joined
                if !text.isEmpty { parts.append(self.text(text)) }
            case .tool:
                parts.append(self.call(part, isFirst: !hasCall))
                hasCall = true
            }
        }
        var content: [JSONValue.Member] = [.init("role", .string("model"))]
        if !parts.isEmpty { content.insert(.init("parts", .array(parts)), at: 0) }
        let reason = Self.finishReason(choice)
        var members: [JSONValue.Member] = []
        if !parts.isEmpty || ["STOP", "MAX_TOKENS"].contains(reason) {
            members.append(.init("content", .object(content)))
        }
        members.append(.init("finishReason", .string(reason)))
        if reason == "MALFORMED_FUNCTION_CALL" {
            members.append(.init("finishMessage", .string("Malformed function call: the arguments are no object.")))
        }
        members.append(.init("index", .integer(index)))
        return .object(members)
    }

    private func text(_ text: String) -> JSONValue {
        var members: [JSONValue.Member] = [.init("text", .string(text))]
        if self.signs { members.append(.init("thoughtSignature", .string(GeminiTurns.signature("")))) }
        return .object(members)
    }
}
