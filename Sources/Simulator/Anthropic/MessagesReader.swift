/// Reads a request to the Messages API and refuses what Anthropic refuses, in its words.
struct MessagesReader {
    let body: JSONValue
    let version: AnthropicDialect.Version
    /// Whether only tokens are to be counted: no answer, so no limit to it.
    let isCount: Bool
    var request: MessagesRequest
    /// Blocks with a cache mark so far.
    var marks = 0
    /// A running fingerprint of everything before the next block, and its tokens.
    var prefix: (fingerprint: UInt64, tokens: Int) = (0xcbf2_9ce4_8422_2325, 3)
    private var tokenLimit: Int?

    /// The request that was asked.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func request(
        _ asked: Asked,
        version: AnthropicDialect.Version,
        isCount: Bool
    ) throws(APIFailure) -> MessagesRequest {
        var reader = MessagesReader(
            body: asked.body,
            version: version,
            isCount: isCount,
            request: MessagesRequest(prompt: Prompt(model: asked.model))
        )
        try reader.body.refuseOthers(than: isCount ? Self.countFields : Self.fields(version))
        if !isCount { try reader.readLimits() }
        try reader.readTools()
        try reader.readSystem()
        try reader.readMessages()
        try reader.readThinking()
        try reader.readToolChoice()
        try reader.readFormat()
        if reader.body.present("cache_control") != nil {
            try reader.checkMark(reader.body, at: nil)
            if let last = reader.request.breakpoints.indices.last { reader.request.breakpoints[last].isMarked = true }
        }
        return reader.request
    }

    private static let countFields: Set<String> = [
        "messages", "model", "system", "tools", "tool_choice", "thinking", "output_config", "output_format",
        "cache_control", "context_management", "mcp_servers", "speed", "user_profile_id", "workspace_id",
    ]

    private static func fields(_ version: AnthropicDialect.Version) -> Set<String> {
        let both = Self.countFields.union([
            "max_tokens", "stream", "stop_sequences", "metadata", "service_tier", "container", "diagnostics",
            "inference_geo",
        ])
        return version == .new ? both : both.union(["temperature", "top_p", "top_k"])
    }

    // MARK: - Limits

    private mutating func readLimits() throws(APIFailure) {
        guard let field = self.body["max_tokens"] else { throw .anthropic("max_tokens: Field required") }
        guard let limit = field.integer else { throw .anthropic("max_tokens: Input should be a valid integer") }
        // The newer version takes 0: fill the cache and say nothing.
        let least = self.version == .new ? 0 : 1
        guard limit >= least else {
            throw .anthropic("max_tokens: Input should be greater than or equal to \(least)")
        }
        self.tokenLimit = limit
        self.request.prompt.tokenLimit = limit
        try self.checkNumber("temperature", 0...1)
        try self.checkNumber("top_p", 0...1)
        if let field = self.body.present("top_k"), (field.integer ?? -1) < 0 {
            throw .anthropic("top_k: Input should be greater than or equal to 0")
        }
        switch self.body["stream"] {
        case nil: break
        case .bool(let flag): self.request.isStream = flag
        default: throw .anthropic("stream: Input should be a valid boolean")
        }
        guard let stops = self.body.present("stop_sequences") else { return }
        guard let list = stops.array else { throw .anthropic("stop_sequences: Input should be a valid list") }
        for (index, stop) in list.enumerated() {
            guard let text = stop.string else {
                throw .anthropic("stop_sequences.\(index): Input should be a valid string")
            }
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw .anthropic("stop_sequences: each stop sequence must contain non-whitespace")
            }
            self.request.prompt.stops.append(text)
        }
    }

    private func checkNumber(_ field: String, _ range: ClosedRange<Double>) throws(APIFailure) {
        guard let value = self.body.present(field) else { return }
        guard let number = value.number else { throw .anthropic("\(field): Input should be a valid number") }
        guard number >= range.lowerBound else {
            throw .anthropic("\(field): Input should be greater than or equal to \(Int(range.lowerBound))")
        }
        guard number <= range.upperBound else {
            throw .anthropic("\(field): Input should be less than or equal to \(Int(range.upperBound))")
        }
    }

    // MARK: - Tools

    private static let toolFields: Set<String> = [
        "type", "name", "description", "input_schema", "cache_control", "strict", "allowed_callers", "defer_loading",
        "eager_input_streaming", "input_examples",
    ]

    private mutating func readTools() throws(APIFailure) {
        guard let field = self.body.present("tools") else { return }
        guard let tools = field.array else { throw .anthropic("tools: Input should be a valid list") }
        var names: Set<String> = []
        for (index, tool) in tools.enumerated() {
            let path = JSONPath("tools")[index]
            let name = try tool.requiredText("name", at: path)
            guard names.insert(name).inserted else { throw .anthropic("tools: Tool names must be unique.") }
            // What Anthropic runs by itself, the simulator takes and never uses.
            let type = tool.present("type")?.string ?? "custom"
            if type == "custom" { try self.readTool(tool, name: name, at: path["custom"]) }
            self.pass(tool, tokens: Tokenizer.count(tool.text))
        }
        self.request.prompt.toolTokens = tools.reduce(0) { $0 + Tokenizer.count($1.text) }
    }

    private mutating func readTool(_ tool: JSONValue, name: String, at path: JSONPath) throws(APIFailure) {
        try tool.refuseOthers(than: Self.toolFields, at: path)
        guard (1...128).contains(name.utf8.count), Self.isIdentifier(name) else {
            throw path["name"].wrong("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
        }
        if let description = tool["description"], description.string == nil {
            throw path["description"].wrong("Input should be a valid string")
        }
        let schema = try tool.required("input_schema", at: path)
        guard schema.members != nil else {
            throw path["input_schema"].wrong("Input should be a valid dictionary")
        }
        let type = try schema.required("type", at: path["input_schema"])
        guard type.string == "object" else { throw path["input_schema"]["type"].wrong("Input should be 'object'") }
        try self.checkMark(tool, at: path)
        self.request.prompt.tools.append(.init(name: name, parameters: schema))
    }

    static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    return true
                default: return false
                }
            }
    }

    private mutating func readToolChoice() throws(APIFailure) {
        guard let choice = self.body.present("tool_choice") else { return }
        guard self.body.present("tools")?.array?.isEmpty == false else {
            throw .anthropic("tool_choice: tool_choice may only be specified while providing tools.")
        }
        switch choice["type"]?.string {
        case "auto": break
        case "any": self.request.prompt.toolChoice = .required
        case "none": self.request.prompt.toolChoice = .none
        case "tool":
            let name = try choice.requiredText("name", at: JSONPath("tool_choice.tool"))
            guard self.request.prompt.tools.contains(where: { $0.name == name }) else {
                throw .anthropic("Tool '\(name)' not found in provided tools")
            }
            self.request.prompt.toolChoice = .named(name)
        default:
            throw .anthropic(
                "tool_choice: Input tag '\(choice["type"]?.string ?? "")' found using 'type' does not match any of"
                    + " the expected tags: 'any', 'auto', 'none', 'tool'"
            )
        }
        self.request.prompt.wantsParallelTools = choice["disable_parallel_tool_use"]?.bool.map { !$0 }
        switch self.request.prompt.toolChoice {
        case .required, .named:
            guard self.request.prompt.thinking != .on else {
                throw .anthropic("Thinking may not be enabled when tool_choice forces tool use.")
            }
        default: break
        }
    }

    // MARK: - Thinking and format

    private mutating func readThinking() throws(APIFailure) {
        guard let thinking = self.body.present("thinking") else { return }
        let path = JSONPath("thinking")
        switch thinking["type"]?.string {
        case "disabled":
            self.request.prompt.thinking = .off
            return
        case "adaptive": try thinking.refuseOthers(than: ["type", "display"], at: path["adaptive"])
        case "enabled": try self.readBudget(thinking)
        default:
            throw path.wrong(
                "Input tag '\(thinking["type"]?.string ?? "")' found using 'type' does not match any of the expected"
                    + " tags: 'adaptive', 'disabled', 'enabled'"
            )
        }
        self.request.prompt.thinking = .on
        self.request.showsThoughts = thinking["display"]?.string != "omitted"
        if let temperature = self.body.present("temperature")?.number, temperature != 1 {
            throw .anthropic("`temperature` may only be set to 1 when thinking is enabled.")
        }
        if self.body.present("top_k") != nil { throw .anthropic("`top_k` must be unset when thinking is enabled.") }
        if let share = self.body.present("top_p")?.number, share < 0.95 {
            throw .anthropic("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
        }
        if thinking["type"]?.string == "enabled" { try self.checkThoughtBeforeTools() }
    }

    private func readBudget(_ thinking: JSONValue) throws(APIFailure) {
        let path = JSONPath("thinking.enabled")
        try thinking.refuseOthers(than: ["type", "budget_tokens", "display"], at: path)
        guard let budget = try thinking.required("budget_tokens", at: path).integer else {
            throw path["budget_tokens"].wrong("Input should be a valid integer")
        }
        guard budget >= 1024 else {
            throw path["budget_tokens"].wrong("Input should be greater than or equal to 1024")
        }
        if let limit = self.tokenLimit, limit <= budget {
            throw .anthropic("`max_tokens` must be greater than `thinking.budget_tokens`.")
        }
    }

    private mutating func readFormat() throws(APIFailure) {
        let format = self.body["output_config"]?.present("format") ?? self.body.present("output_format")
        guard let format else { return }
        let path = JSONPath(self.body.present("output_format") == nil ? "output_config.format" : "output_format")
        guard format["type"]?.string == "json_schema" else { throw path["type"].wrong("Input should be 'json_schema'") }
        let schema = try format.required("schema", at: path)
        guard Self.isClosed(schema) else {
            throw path["schema"].wrong(
                "For 'object' type, 'additionalProperties' must be explicitly set to false"
            )
        }
        self.request.prompt.format = .schema(schema)
    }

    /// Whether every object in a schema rules out members it does not name.
    private static func isClosed(_ schema: JSONValue) -> Bool {
        if let elements = schema.array { return elements.allSatisfy { Self.isClosed($0) } }
        guard let members = schema.members else { return true }
        if schema["type"]?.string == "object", schema["additionalProperties"] != .bool(false) { return false }
        return members.allSatisfy { ["enum", "const", "default"].contains($0.key) || Self.isClosed($0.value) }
    }
}
