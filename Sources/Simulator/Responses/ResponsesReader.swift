/// Reads a request to the Responses API and refuses what OpenAI refuses, in its words.
struct ResponsesReader {
    let body: JSONValue
    let memory: Memory
    let owner: String
    let sequence: Int
    var request: ResponsesRequest

    /// The request that was asked.
    ///
    /// - Parameter isCount: Whether only the tokens of the input are wanted.
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func request(_ asked: Asked, isCount: Bool) throws(APIFailure) -> ResponsesRequest {
        var reader = ResponsesReader(
            body: asked.body,
            memory: asked.memory,
            owner: asked.builder.key,
            sequence: asked.call.sequence,
            request: ResponsesRequest(body: asked.body, prompt: Prompt(model: asked.model))
        )
        try reader.refuseUnknownFields()
        try reader.readFlags()
        try reader.readTools()
        try reader.readInput()
        try reader.readLimits()
        try reader.readFormat()
        try reader.readReasoning()
        return reader.request
    }

    private static let fields: Set<String> = [
        "access_programs", "background", "context_management", "conversation", "image", "include", "input",
        "instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "moderation",
        "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "stream",
        "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
    ]

    private func refuseUnknownFields() throws(APIFailure) {
        for member in self.body.members ?? [] where !Self.fields.contains(member.key) {
            throw Self.unknown(member.key)
        }
    }

    static func unknown(_ name: String) -> APIFailure {
        .invalid(name, "Unknown parameter: '\(name)'.", code: "unknown_parameter")
    }

    private mutating func readFlags() throws(APIFailure) {
        self.request.isStream = try self.flag("stream") ?? false
        self.request.isStored = try self.flag("store") ?? true
        self.request.isBackground = try self.flag("background") ?? false
        if self.request.isBackground, !self.request.isStored {
            throw .invalid("store", "Background mode requires 'store' to be true.")
        }
        if self.body.present("stream_options") != nil, !self.request.isStream {
            throw .invalid(
                "stream_options",
                "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            )
        }
        for item in self.body.present("include")?.array ?? [] {
            if item.string == "reasoning.encrypted_content" { self.request.sealsReasoning = true }
        }
    }

    private func flag(_ field: String) throws(APIFailure) -> Bool? {
        guard let value = self.body.present(field) else { return nil }
        guard let flag = value.bool else { throw .wrongType(field, wants: "a boolean", got: value) }
        return flag
    }

    // MARK: - Limits

    private mutating func readLimits() throws(APIFailure) {
        try self.checkNumber("temperature", 0...2)
        try self.checkNumber("top_p", 0...1)
        guard let field = self.body.present("max_output_tokens") else { return }
        guard let limit = field.integer else {
            throw .wrongType("max_output_tokens", wants: "an integer", got: field)
        }
        guard limit >= 16 else {
            throw .invalid(
                "max_output_tokens",
                "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got \(limit)"
                    + " instead.",
                code: "integer_below_min_value"
            )
        }
        self.request.prompt.tokenLimit = limit
    }

    private func checkNumber(_ field: String, _ range: ClosedRange<Double>) throws(APIFailure) {
        guard let value = self.body.present(field) else { return }
        guard let number = value.number else { throw .wrongType(field, wants: "a decimal", got: value) }
        guard range.contains(number) else {
            throw .invalid(
                field,
                "Invalid '\(field)': decimal out of range. Expected a value from \(range.lowerBound) to"
                    + " \(range.upperBound), but got \(number) instead.",
                code: number < range.lowerBound ? "decimal_below_min_value" : "decimal_above_max_value"
            )
        }
    }

    // MARK: - Tools

    private mutating func readTools() throws(APIFailure) {
        if let field = self.body.present("tools") {
            guard let tools = field.array else {
                throw .wrongType("tools", wants: "an array of objects", got: field)
            }
            for (index, tool) in tools.enumerated() { try self.readTool(tool, "tools[\(index)]") }
            self.request.prompt.toolTokens = tools.isEmpty ? 0 : Tokenizer.count(field.text)
        }
        self.request.prompt.wantsParallelTools = try self.flag("parallel_tool_calls")
        try self.readToolChoice()
    }

    private static let functionFields: Set<String> = [
        "type", "name", "description", "parameters", "strict", "defer_loading", "output_schema", "allowed_callers",
        "async",
    ]

    private mutating func readTool(_ tool: JSONValue, _ path: String) throws(APIFailure) {
        guard tool.members != nil else { throw .wrongType(path, wants: "an object", got: tool) }
        guard let type = tool["type"]?.string else { throw .missing("\(path).type") }
        // What OpenAI runs by itself, the simulator takes and never uses.
        guard type == "function" || type == "custom" else { return }
        guard let name = tool["name"]?.string else { throw .missing("\(path).name") }
        guard name.utf8.count <= 64, MessagesReader.isIdentifier(name) else {
            throw .invalid(
                "\(path).name",
                "Invalid '\(path).name': string does not match pattern. Expected a string that matches the pattern"
                    + " '^[a-zA-Z0-9_-]+$'."
            )
        }
        guard type == "function" else {
            self.request.prompt.tools.append(.init(name: name, parameters: nil))
            return
        }
        for member in tool.members ?? [] where !Self.functionFields.contains(member.key) {
            throw Self.unknown("\(path).\(member.key)")
        }
        let parameters = tool.present("parameters") ?? .object([])
        guard parameters.members != nil else {
            throw .wrongType("\(path).parameters", wants: "an object", got: parameters)
        }
        if tool["strict"]?.bool == true {
            try ChatValidation.checkStrict(
                parameters,
                "Invalid schema for function '\(name)'",
                param: "\(path).parameters"
            )
        }
        self.request.prompt.tools.append(.init(name: name, parameters: parameters))
    }

    private mutating func readToolChoice() throws(APIFailure) {
        switch self.body.present("tool_choice") {
        case nil, .string("auto"): return
        case .string("none"): self.request.prompt.toolChoice = .none
        case .string("required"):
            guard !self.request.prompt.tools.isEmpty else {
                throw .invalid("tool_choice", "Tool choice 'required' must be specified with 'tools' parameter.")
            }
            self.request.prompt.toolChoice = .required
        case .some(let choice):
            let named = choice["name"]?.string ?? choice["tools"]?.array?.first?["name"]?.string
            guard let named else {
                // A tool that OpenAI runs by itself.
                guard choice["type"]?.string != nil, choice["function"] == nil else {
                    throw .invalid("tool_choice", "Invalid value for 'tool_choice': \(choice.text).")
                }
                return
            }
            guard self.request.prompt.tools.contains(where: { $0.name == named }) else {
                throw .invalid("tool_choice", "Tool choice '\(named)' not found in 'tools' parameter.")
            }
            if choice["type"]?.string != "allowed_tools" || choice["mode"]?.string == "required" {
                self.request.prompt.toolChoice = .named(named)
            }
        }
    }

    // MARK: - Format and reasoning

    private mutating func readFormat() throws(APIFailure) {
        guard let format = self.body["text"]?.present("format") else { return }
        switch format["type"]?.string {
        case "text": break
        case "json_object":
            guard self.request.prompt.messages.contains(where: { $0.text.lowercased().contains("json") }) else {
                throw APIFailure(
                    400,
                    "Response input messages must contain the word 'json' in some form to use 'text.format' of type"
                        + " 'json_object'.",
                    param: "input"
                )
            }
            self.request.prompt.format = .jsonObject
        case "json_schema":
            guard let name = format["name"]?.string else { throw .missing("text.format.name") }
            guard let schema = format.present("schema") else { throw .missing("text.format.schema") }
            if format["strict"]?.bool == true {
                try ChatValidation.checkStrict(
                    schema,
                    "Invalid schema for response_format '\(name)'",
                    param: "text.format.schema"
                )
            }
            self.request.prompt.format = .schema(schema)
        default:
            throw .invalid(
                "text.format.type",
                "Invalid value: '\(format["type"]?.string ?? "")'. Supported values are: 'json_object',"
                    + " 'json_schema', and 'text'."
            )
        }
    }

    private mutating func readReasoning() throws(APIFailure) {
        guard let reasoning = self.body.present("reasoning") else { return }
        for member in reasoning.members ?? []
        where !["effort", "summary", "generate_summary", "context", "mode"].contains(member.key) {
            throw Self.unknown("reasoning.\(member.key)")
        }
        if let effort = reasoning.present("effort") {
            guard let word = effort.string,
                ["none", "minimal", "low", "medium", "high", "xhigh", "max"].contains(word)
            else {
                throw .invalid("reasoning.effort", "Invalid value: '\(effort.string ?? effort.text)'.")
            }
            self.request.prompt.thinking = word == "none" ? .off : .on
        }
        self.request.showsSummary = (reasoning.present("summary") ?? reasoning.present("generate_summary")) != nil
    }
}
