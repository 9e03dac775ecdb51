/// A chat request of Cohere's v2 that passed validation.
struct CohereRequest {
    var prompt: Prompt
    var isStream = false

    /// What Cohere puts before every prompt: counted among the tokens, not among those that are billed.
    static let preambleTokens = 5

    private let body: JSONValue

    /// The request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func read(_ body: JSONValue, model: String) throws(APIFailure) -> CohereRequest {
        try CohereField.check(body, CohereField.chat, page: "chat")
        var request = CohereRequest(prompt: Prompt(model: model), body: body)
        request.isStream = body["stream"]?.bool ?? false
        try request.readMessages()
        try request.readTools()
        try request.readSampling()
        try request.readThinking()
        try request.readFormat()
        request.prompt.toolTokens += Self.preambleTokens
        return request
    }

    private init(prompt: Prompt, body: JSONValue) {
        self.prompt = prompt
        self.body = body
    }

    // MARK: - Messages

    private mutating func readMessages() throws(APIFailure) {
        guard let messages = self.body.present("messages")?.array else {
            throw CohereErrors.invalid("missing required field 'messages'")
        }
        guard !messages.isEmpty else { throw CohereErrors.invalid("messages must have at least one message") }
        var open: [String] = []
        for (index, message) in messages.enumerated() {
            let role = message["role"]?.string ?? ""
            if role != "tool", !open.isEmpty {
                throw CohereErrors.invalid(
                    "tool call id \(open.joined(separator: ", ")) has no tool result before messages[\(index)]"
                )
            }
            switch role {
            case "assistant": open = try Self.calls(in: message, at: index)
            case "tool": try Self.close(message, at: index, &open)
            case "user":
                guard !Self.isEmpty(message) else {
                    throw CohereErrors.invalid(
                        "message must be at least 1 token long or tool results must be specified"
                    )
                }
            default:
                guard !Self.isEmpty(message) else { throw CohereErrors.invalid("messages[\(index)] has no content") }
            }
            self.prompt.messages.append(Self.message(message, role))
        }
        guard open.isEmpty else {
            throw CohereErrors.invalid("tool call id \(open.joined(separator: ", ")) has no tool result")
        }
        guard messages.contains(where: { $0["role"]?.string == "user" }) else {
            throw CohereErrors.invalid("messages must have at least one user message")
        }
        if let last = messages.last, last["role"]?.string == "system" {
            throw CohereErrors.invalid("the last message must not be a system message")
        }
    }

    private static func calls(in message: JSONValue, at index: Int) throws(APIFailure) -> [String] {
        var ids: [String] = []
        for call in message.present("tool_calls")?.array ?? [] {
            guard let id = call["id"]?.string, !id.isEmpty, !ids.contains(id) else {
                throw CohereErrors.invalid("messages[\(index)].tool_calls need ids that differ")
            }
            guard call["function"]?["name"]?.string?.isEmpty == false else {
                throw CohereErrors.invalid("messages[\(index)].tool_calls need the name of a function")
            }
            let arguments = call["function"]?["arguments"]?.string ?? ""
            guard (try? JSONParser.parse(arguments))?.members != nil else {
                throw CohereErrors.invalid("messages[\(index)].tool_calls need arguments that are a JSON object")
            }
            ids.append(id)
        }
        guard !ids.isEmpty || !Self.isEmpty(message) else {
            throw CohereErrors.invalid("messages[\(index)] must have content or tool_calls")
        }
        return ids
    }

    private static func close(_ message: JSONValue, at index: Int, _ open: inout [String]) throws(APIFailure) {
        guard let id = message["tool_call_id"]?.string else {
            throw CohereErrors.invalid("messages[\(index)] needs a tool_call_id")
        }
        guard let place = open.firstIndex(of: id) else {
            throw CohereErrors.invalid("tool call id '\(id)' not found in previous tool calls")
        }
        guard !Self.isEmpty(message) else { throw CohereErrors.invalid("messages[\(index)] has no content") }
        open.remove(at: place)
    }

    private static func isEmpty(_ message: JSONValue) -> Bool {
        switch message["content"] {
        case .string(let text): return text.isEmpty
        case .array(let parts): return parts.allSatisfy { ($0["text"] ?? $0["thinking"])?.string?.isEmpty == true }
        default: return true
        }
    }

    private static func message(_ message: JSONValue, _ role: String) -> Prompt.Message {
        let parts = message["content"]?.array ?? []
        let texts = parts.compactMap { part in
            part["text"]?.string ?? part["document"]?["data"].map { $0.string ?? $0.text }
        }
        return Prompt.Message(
            role: ["system": .system, "assistant": .assistant, "tool": .tool][role] ?? .user,
            text: message["content"]?.string ?? texts.joined(separator: "\n"),
            calls: message.present("tool_calls")?.text,
            attachments: parts.count { $0["image_url"] != nil }
        )
    }

    // MARK: - Tools

    private mutating func readTools() throws(APIFailure) {
        let tools = self.body.present("tools")?.array ?? []
        let isStrict = self.body["strict_tools"]?.bool ?? false
        for tool in tools {
            guard tool["type"]?.string == "function", let function = tool["function"],
                let name = function["name"]?.string, !name.isEmpty
            else { throw CohereErrors.invalid("tools must have the type function and a name") }
            guard let parameters = function.present("parameters") else {
                throw CohereErrors.invalid("tool '\(name)' must have parameters")
            }
            if isStrict { try Self.check(parameters, "tool '\(name)'") }
            self.prompt.tools.append(.init(name: name, parameters: parameters))
        }
        if !tools.isEmpty { self.prompt.toolTokens = Tokenizer.count(JSONValue.array(tools).text) }
        switch self.body.present("tool_choice")?.string {
        case nil: break
        case "NONE": self.prompt.toolChoice = .none
        case "REQUIRED":
            guard !tools.isEmpty else { throw CohereErrors.invalid("tool_choice REQUIRED needs tools") }
            self.prompt.toolChoice = .required
        case .some(let word):
            throw CohereErrors.invalid("tool_choice '\(word)' must be one of REQUIRED, NONE")
        }
        // The model calls several tools at once whenever it likes; the simulator likes one.
    }

    // MARK: - Sampling and thinking

    private mutating func readSampling() throws(APIFailure) {
        try self.check("temperature", 0...Double.greatestFiniteMagnitude)
        try self.check("p", 0.01...0.99)
        try self.check("k", 0...500)
        try self.check("frequency_penalty", 0...1)
        try self.check("presence_penalty", 0...1)
        try self.check("seed", 0...Double(UInt64.max))
        if let limit = self.body["max_tokens"]?.integer {
            guard limit >= 1 else { throw CohereErrors.invalid("max_tokens must be at least 1") }
            self.prompt.tokenLimit = limit
        }
        self.prompt.stops = (self.body["stop_sequences"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        guard self.prompt.stops.count <= 5 else { throw CohereErrors.invalid("at most 5 stop_sequences are allowed") }
        if let mode = self.body["safety_mode"]?.string, !["CONTEXTUAL", "STRICT", "OFF"].contains(mode) {
            throw CohereErrors.invalid("safety_mode '\(mode)' must be one of CONTEXTUAL, STRICT, OFF")
        }
    }

    private func check(_ name: String, _ range: ClosedRange<Double>) throws(APIFailure) {
        guard let number = self.body[name]?.number, !range.contains(number) else { return }
        throw CohereErrors.invalid("\(name) must be between \(range.lowerBound) and \(range.upperBound) inclusive")
    }

    private mutating func readThinking() throws(APIFailure) {
        guard let thinking = self.body.present("thinking") else { return }
        switch thinking["type"]?.string {
        case "enabled": self.prompt.thinking = .on
        case "disabled": self.prompt.thinking = .off
        default: throw CohereErrors.invalid("thinking.type must be one of enabled, disabled")
        }
        if let budget = thinking["token_budget"]?.integer, budget < 1 {
            throw CohereErrors.invalid("thinking.token_budget must be a positive number")
        }
    }

    // MARK: - Structured output

    private mutating func readFormat() throws(APIFailure) {
        guard let format = self.body.present("response_format") else { return }
        let schema = format.present("json_schema") ?? format.present("schema")
        switch format["type"]?.string {
        case "text":
            guard schema == nil else { throw CohereErrors.invalid("json_schema goes with the type json_object only") }
            return
        case "json_object": break
        default: throw CohereErrors.invalid("response_format.type must be one of text, json_object")
        }
        guard self.prompt.tools.isEmpty, self.body["documents"]?.array?.isEmpty != false else {
            throw CohereErrors.invalid("response_format cannot be used with tools or documents")
        }
        guard let schema else {
            self.prompt.format = .jsonObject
            return
        }
        guard schema["type"]?.string == "object" else {
            throw CohereErrors.invalid("the top level of json_schema must be an object")
        }
        try Self.check(schema, "json_schema")
        self.prompt.format = .schema(schema)
    }

    /// Every object of a schema must require something.
    private static func check(_ schema: JSONValue, _ what: String) throws(APIFailure) {
        if let elements = schema.array {
            for element in elements { try Self.check(element, what) }
        }
        guard let members = schema.members else { return }
        if schema["type"]?.string == "object" {
            guard schema["required"]?.array?.isEmpty == false else {
                throw CohereErrors.invalid("\(what): every object must have at least one required field")
            }
        }
        for member in members where !["enum", "const", "default", "required"].contains(member.key) {
            try Self.check(member.value, what)
        }
    }
}
