/// A Converse request that passed validation.
struct ConverseRequest {
    var prompt: Prompt
    /// JSON pointers to what the model says besides its message.
    var responsePaths: [String] = []
    /// Where the cache may begin and end.
    var places: [PromptCache.Place] = []

    private let body: JSONValue

    private static let knownFields: Set<String> = [
        "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields",
        "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier",
        "outputConfig",
    ]

    /// The request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func read(_ body: JSONValue, model: String, strict: Bool) throws(APIFailure) -> ConverseRequest {
        if strict {
            for member in body.members ?? [] where !Self.knownFields.contains(member.key) {
                throw BedrockErrors.serialization("Unknown field: \(member.key)")
            }
        }
        var request = ConverseRequest(prompt: Prompt(model: model), body: body)
        try request.readSystem()
        try request.readInference()
        try request.readTools()
        try request.readThinking()
        let hasTools = body.present("toolConfig") != nil
        let messages = try ConverseMessages.read(body, hasTools: hasTools, thinks: request.prompt.thinking == .on)
        request.prompt.messages += messages
        try request.readFormat()
        request.places = try ConversePrefix(body).places
        return request
    }

    private init(prompt: Prompt, body: JSONValue) {
        self.prompt = prompt
        self.body = body
    }

    // MARK: - System and sampling

    private mutating func readSystem() throws(APIFailure) {
        guard let field = self.body.present("system") else { return }
        guard let blocks = field.array else { throw BedrockErrors.wrongType(field, at: "system", wants: "a list") }
        for (index, block) in blocks.enumerated() {
            let kind = try Union.only(block, of: ["text", "guardContent", "cachePoint"], at: "system.\(index)")
            guard kind == "text" else { continue }
            guard let text = block["text"]?.string else {
                throw BedrockErrors.wrongType(block["text"] ?? .null, at: "system.\(index).text", wants: "a String")
            }
            guard !text.isBlank else {
                throw BedrockErrors.validation(
                    "The text field in the SystemContentBlock object at system.\(index) is blank. Add text to the text"
                        + " field, and try again."
                )
            }
            self.prompt.messages.append(.init(role: .system, text: text))
        }
    }

    private mutating func readInference() throws(APIFailure) {
        guard let config = self.body.present("inferenceConfig") else { return }
        guard config.members != nil else {
            throw BedrockErrors.wrongType(config, at: "inferenceConfig", wants: "a structure")
        }
        if let field = config.present("maxTokens") {
            guard let count = field.integer else {
                throw BedrockErrors.wrongType(field, at: "inferenceConfig.maxTokens", wants: "an Integer")
            }
            guard count >= 1 else {
                throw BedrockErrors.constraint(
                    field,
                    at: "inferenceConfig.maxTokens",
                    "Member must have value greater than or equal to 1"
                )
            }
            self.prompt.tokenLimit = count
        }
        for name in ["temperature", "topP"] {
            guard let field = config.present(name) else { continue }
            guard let number = field.number else {
                throw BedrockErrors.wrongType(field, at: "inferenceConfig.\(name)", wants: "a Float")
            }
            guard 0...1 ~= number else {
                let rule = number < 0 ? "greater than or equal to 0" : "less than or equal to 1"
                throw BedrockErrors.constraint(field, at: "inferenceConfig.\(name)", "Member must have value \(rule)")
            }
        }
        guard let field = config.present("stopSequences") else { return }
        guard let stops = field.array else {
            throw BedrockErrors.wrongType(field, at: "inferenceConfig.stopSequences", wants: "a list")
        }
        for (index, stop) in stops.enumerated() {
            guard let text = stop.string, !text.isBlank else {
                throw BedrockErrors.constraint(
                    stop,
                    at: "inferenceConfig.stopSequences.\(index + 1).member",
                    "Member must have length greater than or equal to 1 and hold more than white space"
                )
            }
            self.prompt.stops.append(text)
        }
    }

    // MARK: - Tools

    private mutating func readTools() throws(APIFailure) {
        guard let config = self.body.present("toolConfig") else { return }
        guard let field = config.present("tools") else { throw BedrockErrors.missing("toolConfig.tools") }
        guard let tools = field.array else {
            throw BedrockErrors.wrongType(field, at: "toolConfig.tools", wants: "a list")
        }
        guard !tools.isEmpty else {
            throw BedrockErrors.constraint(
                field,
                at: "toolConfig.tools",
                "Member must have length greater than or equal to 1"
            )
        }
        for (index, tool) in tools.enumerated() {
            let kind = try Union.only(
                tool,
                of: ["toolSpec", "systemTool", "cachePoint"],
                at: "toolConfig.tools.\(index)"
            )
            guard kind == "toolSpec", let spec = tool["toolSpec"] else { continue }
            let read = try Self.tool(spec, index)
            guard !self.prompt.tools.contains(where: { $0.name == read.name }) else {
                throw BedrockErrors.validation("The tool \(read.name) is already defined at toolConfig.tools.")
            }
            self.prompt.tools.append(read)
        }
        self.prompt.toolTokens = Tokenizer.count(field.text)
        try self.readToolChoice(config)
    }

    private static func tool(_ spec: JSONValue, _ index: Int) throws(APIFailure) -> Prompt.Tool {
        let member = "toolConfig.tools.\(index + 1).member.toolSpec"
        guard let name = spec["name"]?.string else { throw BedrockErrors.missing("\(member).name") }
        try ConverseMessages.check(name, Pattern.toolName, at: "\(member).name")
        if let field = spec.present("description"), field.string?.isEmpty != false {
            throw BedrockErrors.constraint(
                field,
                at: "\(member).description",
                "Member must have length greater than or equal to 1"
            )
        }
        guard let schema = spec["inputSchema"]?.present("json") else {
            throw BedrockErrors.missing("\(member).inputSchema")
        }
        guard schema.members != nil, schema["type"]?.string == "object" else {
            throw BedrockErrors.validation(
                "The value at toolConfig.tools.\(index).toolSpec.inputSchema.json.type must be one of the following:"
                    + " object."
            )
        }
        return Prompt.Tool(name: name, parameters: schema)
    }

    private mutating func readToolChoice(_ config: JSONValue) throws(APIFailure) {
        guard let choice = config.present("toolChoice") else { return }
        switch try Union.only(choice, of: ["auto", "any", "tool"], at: "toolConfig.toolChoice") {
        case "any": self.prompt.toolChoice = .required
        case "tool":
            guard let name = choice["tool"]?["name"]?.string else {
                throw BedrockErrors.missing("toolConfig.toolChoice.tool.name")
            }
            guard self.prompt.tools.contains(where: { $0.name == name }) else {
                throw BedrockErrors.validation("Tool \(name) at toolConfig.toolChoice is not among toolConfig.tools.")
            }
            self.prompt.toolChoice = .named(name)
        default: break
        }
    }

    // MARK: - Thinking and form

    /// Claude's and Nova's ways to ask for thinking; the rest of the additional fields is the model's own affair.
    private mutating func readThinking() throws(APIFailure) {
        if let paths = self.body.present("additionalModelResponseFieldPaths") {
            self.responsePaths = (paths.array ?? []).compactMap(\.string)
            for path in self.responsePaths where !path.hasPrefix("/") {
                throw BedrockErrors.validation("'\(path)' at additionalModelResponseFieldPaths is no JSON pointer.")
            }
        }
        guard let fields = self.body.present("additionalModelRequestFields") else { return }
        guard fields.members != nil else {
            throw BedrockErrors.validation("The value at additionalModelRequestFields must be an object.")
        }
        let claude = fields["thinking"] ?? fields["reasoning_config"]
        guard let type = (claude ?? fields["reasoningConfig"])?["type"]?.string else { return }
        guard type != "disabled" else {
            self.prompt.thinking = .off
            return
        }
        self.prompt.thinking = .on
        guard let claude, type == "enabled" else { return }
        guard let budget = claude["budget_tokens"]?.integer, budget >= 1024 else {
            throw BedrockErrors.validation(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
            )
        }
        if let limit = self.prompt.tokenLimit, limit <= budget {
            throw BedrockErrors.validation("`max_tokens` must be greater than `thinking.budget_tokens`.")
        }
        let inference = self.body["inferenceConfig"]
        if let temperature = inference?["temperature"]?.number, temperature != 1 {
            throw BedrockErrors.validation("`temperature` may only be set to 1 when thinking is enabled.")
        }
        switch self.prompt.toolChoice {
        case .required, .named:
            throw BedrockErrors.validation("Thinking may not be enabled when tool_choice forces tool use.")
        case .auto, .none: break
        }
    }

    private mutating func readFormat() throws(APIFailure) {
        guard let format = self.body["outputConfig"]?.present("textFormat") else { return }
        guard format["type"]?.string == "json_schema" else {
            throw BedrockErrors.constraint(
                format["type"],
                at: "outputConfig.textFormat.type",
                "Member must satisfy enum value set: [json_schema]"
            )
        }
        guard let text = format["structure"]?["jsonSchema"]?["schema"]?.string else {
            throw BedrockErrors.missing("outputConfig.textFormat.structure.jsonSchema.schema")
        }
        guard let schema = try? JSONParser.parse(text), schema.members != nil else {
            throw BedrockErrors.validation(
                "The schema at outputConfig.textFormat.structure.jsonSchema is no JSON object."
            )
        }
        self.prompt.format = .schema(schema)
    }
}

/// Structures of which exactly one member is set.
enum Union {
    /// Which member is set.
    ///
    /// - Throws: `APIFailure` if it is none of `keys`, or more than one.
    static func only(_ value: JSONValue, of keys: [String], at place: String) throws(APIFailure) -> String {
        guard let members = value.members else { throw BedrockErrors.wrongType(value, at: place, wants: "a structure") }
        let set = members.filter { $0.value != .null }
        guard set.count == 1, let key = set.first?.key, keys.contains(key) else {
            throw BedrockErrors.validation(
                "The object at \(place) must set exactly one of the following keys: \(keys.joined(separator: ", "))."
            )
        }
        return key
    }
}

/// Names that the API's model constrains by a regular expression.
enum Pattern {
    struct Name: Sendable {
        var text: String
        var others: Set<UInt8>
    }

    /// The API's model says that dots and colons may stand in ids too, but the models behind it refuse them.
    static let toolUseID = Name(text: "[a-zA-Z0-9_-]+", others: Set("_-".utf8))
    static let toolName = Name(text: "[a-zA-Z0-9_-]+", others: Set("_-".utf8))

    static func matches(_ text: String, _ name: Name) -> Bool {
        text.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || name.others.contains(byte)
        }
    }
}

extension String {
    /// Whether nothing but white space is in it.
    var isBlank: Bool { self.allSatisfy(\.isWhitespace) }
}
