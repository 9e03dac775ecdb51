/// Reads a chat request and refuses what OpenAI refuses, in its words.
struct ChatValidation {
    private let body: JSONValue
    private var request: ChatRequest

    /// The request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func request(in body: JSONValue, model: String, strict: Bool) throws(APIFailure) -> ChatRequest {
        var validation = ChatValidation(body: body, request: ChatRequest(prompt: Prompt(model: model)))
        if strict { try validation.refuseUnknownFields() }
        try validation.readMessages()
        try validation.readStreaming()
        try validation.readTools()
        try validation.readSampling()
        try validation.readFormat()
        validation.request.prompt.toolTokens = body.present("tools").map { Tokenizer.count($0.text) } ?? 0
        return validation.request
    }

    private static let knownFields: Set<String> = [
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
        "max_tokens", "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls",
        "prediction", "presence_penalty", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store", "stream",
        "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
        "web_search_options",
    ]

    private func refuseUnknownFields() throws(APIFailure) {
        for member in self.body.members ?? [] where !Self.knownFields.contains(member.key) {
            throw .invalid(member.key, "Unknown parameter: '\(member.key)'.", code: "unknown_parameter")
        }
    }

    // MARK: - Messages

    private mutating func readMessages() throws(APIFailure) {
        guard let field = self.body.present("messages") else { throw .missing("messages") }
        guard let messages = field.array else { throw .wrongType("messages", wants: "an array of objects", got: field) }
        guard !messages.isEmpty else { throw .emptyArray("messages") }
        var openCalls: Set<String> = []
        for (index, message) in messages.enumerated() {
            try self.check(message, at: index, openCalls: &openCalls)
        }
        self.request.prompt.messages = messages.map { ChatRequest.message($0) }
    }

    private func check(_ message: JSONValue, at index: Int, openCalls: inout Set<String>) throws(APIFailure) {
        guard message.members != nil else {
            throw .wrongType("messages[\(index)]", wants: "an object", got: message)
        }
        guard let roleField = message.present("role") else { throw .missing("messages[\(index)].role") }
        guard let role = roleField.string else {
            throw .wrongType("messages[\(index)].role", wants: "a string", got: roleField)
        }
        switch role {
        case "system", "developer", "user", "function":
            guard message.present("content") != nil else { throw .missing("messages[\(index)].content") }
        case "assistant":
            openCalls = []
            for call in message.present("tool_calls")?.array ?? [] {
                if let id = call["id"]?.string { openCalls.insert(id) }
            }
        case "tool":
            guard let id = message["tool_call_id"]?.string else { throw .missing("messages[\(index)].tool_call_id") }
            guard openCalls.contains(id) else {
                throw APIFailure(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message"
                        + " with 'tool_calls'.",
                    param: "messages.[\(index)].role"
                )
            }
        default:
            throw .invalid(
                "messages[\(index)].role",
                "Invalid value: '\(role)'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool',"
                    + " and 'developer'."
            )
        }
        if let content = message.present("content"), content.string == nil, content.array == nil {
            throw .wrongType("messages[\(index)].content", wants: "a string or an array of objects", got: content)
        }
    }

    // MARK: - Streaming and sampling

    private mutating func readStreaming() throws(APIFailure) {
        self.request.isStream = try self.flag("stream") ?? false
        guard let options = self.body.present("stream_options") else { return }
        guard self.request.isStream else {
            throw .invalid(
                "stream_options",
                "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            )
        }
        guard options.members != nil else { throw .wrongType("stream_options", wants: "an object", got: options) }
        self.request.includesUsage = options["include_usage"]?.bool ?? false
    }

    private mutating func readSampling() throws(APIFailure) {
        try self.checkNumber("temperature", 0...2)
        try self.checkNumber("top_p", 0...1)
        try self.checkNumber("presence_penalty", -2...2)
        try self.checkNumber("frequency_penalty", -2...2)
        self.request.prompt.choices = try self.count("n", 1...128) ?? 1
        let older = try self.count("max_tokens", 1...(1 << 31))
        let newer = try self.count("max_completion_tokens", 1...(1 << 31))
        if older != nil, newer != nil {
            throw .invalid(
                "max_tokens",
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                code: "invalid_parameter_combination"
            )
        }
        self.request.prompt.tokenLimit = newer ?? older
        if self.body.present("top_logprobs") != nil, try self.flag("logprobs") != true {
            throw .invalid("top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
        }
        switch self.body.present("stop") {
        case nil: break
        case .string(let stop): self.request.prompt.stops = [stop]
        case .array(let stops):
            guard stops.count <= 4 else { throw .invalid("stop", "Invalid 'stop': at most 4 sequences are allowed.") }
            for stop in stops {
                guard let text = stop.string else { throw .wrongType("stop", wants: "strings", got: stop) }
                self.request.prompt.stops.append(text)
            }
        case .some(let other): throw .wrongType("stop", wants: "a string or an array of strings", got: other)
        }
        self.request.prompt.stops.removeAll { $0.isEmpty }
    }

    private func flag(_ field: String) throws(APIFailure) -> Bool? {
        guard let value = self.body.present(field) else { return nil }
        guard let flag = value.bool else { throw .wrongType(field, wants: "a boolean", got: value) }
        return flag
    }

    private func count(_ field: String, _ range: ClosedRange<Int>) throws(APIFailure) -> Int? {
        guard let value = self.body.present(field) else { return nil }
        guard let count = value.integer else { throw .wrongType(field, wants: "an integer", got: value) }
        guard range.contains(count) else {
            throw .invalid(
                field,
                "Invalid '\(field)': integer out of range. Expected a value from \(range.lowerBound) to"
                    + " \(range.upperBound), but got \(count) instead.",
                code: count < range.lowerBound ? "integer_below_min_value" : "integer_above_max_value"
            )
        }
        return count
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
        guard let field = self.body.present("tools") else {
            for name in ["tool_choice", "parallel_tool_calls"] where self.body.present(name) != nil {
                throw .invalid(name, "'\(name)' is only allowed when 'tools' are specified.")
            }
            return
        }
        guard let tools = field.array else { throw .wrongType("tools", wants: "an array of objects", got: field) }
        guard !tools.isEmpty else { throw .emptyArray("tools") }
        for (index, tool) in tools.enumerated() {
            self.request.prompt.tools.append(try Self.tool(tool, at: index))
        }
        self.request.prompt.wantsParallelTools = try self.flag("parallel_tool_calls")
        self.request.prompt.toolChoice = try self.toolChoice()
    }

    private static func tool(_ tool: JSONValue, at index: Int) throws(APIFailure) -> Prompt.Tool {
        guard tool.members != nil else { throw .wrongType("tools[\(index)]", wants: "an object", got: tool) }
        guard let type = tool["type"]?.string else { throw .missing("tools[\(index)].type") }
        guard type == "function" || type == "custom" else {
            throw .invalid(
                "tools[\(index)].type",
                "Invalid value: '\(type)'. Supported values are: 'function' and 'custom'."
            )
        }
        guard let name = tool[type]?["name"]?.string else { throw .missing("tools[\(index)].\(type).name") }
        guard type == "function" else { return Prompt.Tool(name: name, parameters: nil) }
        let parameters = tool["function"]?.present("parameters") ?? .object([])
        if tool["function"]?["strict"]?.bool == true {
            try Self.checkStrict(
                parameters,
                "Invalid schema for function '\(name)'",
                param: "tools[\(index)].function.parameters"
            )
        }
        return Prompt.Tool(name: name, parameters: parameters)
    }

    private func toolChoice() throws(APIFailure) -> Prompt.ToolChoice {
        switch self.body.present("tool_choice") {
        case nil, .string("auto"): return .auto
        case .string("none"): return .none
        case .string("required"): return .required
        case .some(let choice):
            let allowed = choice["allowed_tools"]?["tools"]?.array?.first
            let named = [choice, allowed ?? .null].lazy.compactMap {
                ($0["function"] ?? $0["custom"])?["name"]?.string
            }.first
            guard let named else {
                throw .invalid("tool_choice", "Invalid value for 'tool_choice': \(choice.text).")
            }
            guard self.request.prompt.tools.contains(where: { $0.name == named }) else {
                throw .invalid("tool_choice", "Tool choice '\(named)' not found in 'tools' parameter.")
            }
            return .named(named)
        }
    }

    // MARK: - Response format

    private mutating func readFormat() throws(APIFailure) {
        guard let format = self.body.present("response_format") else { return }
        switch format["type"]?.string {
        case "text": break
        case "json_object":
            let mentionsJSON = self.request.prompt.messages.contains { $0.text.lowercased().contains("json") }
            guard mentionsJSON else {
                throw APIFailure(
                    400,
                    "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
                        + " 'json_object'.",
                    param: "messages"
                )
            }
            self.request.prompt.format = .jsonObject
        case "json_schema":
            guard let wrapper = format.present("json_schema") else { throw .missing("response_format.json_schema") }
            guard let name = wrapper["name"]?.string else { throw .missing("response_format.json_schema.name") }
            let schema = wrapper.present("schema") ?? .object([])
            if wrapper["strict"]?.bool == true {
                try Self.checkStrict(
                    schema,
                    "Invalid schema for response_format '\(name)'",
                    param: "response_format"
                )
            }
            self.request.prompt.format = .schema(schema)
        default:
            throw .invalid(
                "response_format.type",
                "Invalid value for 'response_format.type'. Supported values are: 'text', 'json_object' and"
                    + " 'json_schema'."
            )
        }
    }

    /// In strict mode every object must say `additionalProperties: false`.
    static func checkStrict(_ schema: JSONValue, _ what: String, param: String) throws(APIFailure) {
        if let elements = schema.array {
            for element in elements { try Self.checkStrict(element, what, param: param) }
        }
        guard let members = schema.members else { return }
        if schema["type"]?.string == "object" || schema["properties"]?.members != nil {
            guard schema["additionalProperties"] == .bool(false) else {
                throw APIFailure(
                    400,
                    "\(what): In context=(), 'additionalProperties' is required to be supplied and to be false.",
                    param: param
                )
            }
        }
        for member in members where member.key != "enum" && member.key != "const" && member.key != "default" {
            try Self.checkStrict(member.value, what, param: param)
        }
    }
}
