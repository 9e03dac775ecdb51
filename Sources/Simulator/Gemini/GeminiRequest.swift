/// A `generateContent` request that passed validation.
struct GeminiRequest {
    var prompt: Prompt
    /// Whether thoughts are to be told, and not only counted.
    var includesThoughts = false

    /// The request in `body`, as the Gemini API reads it.
    ///
    /// - Throws: `APIFailure` for what is wrong.
    static func read(_ body: JSONValue, model: String) throws(APIFailure) -> GeminiRequest {
        let message = try ProtoReader.read(body, as: .generateContentRequest)
        return try Self.request(message, model: model)
    }

    /// The request in a message that `ProtoReader` has read.
    static func request(_ message: JSONValue, model: String) throws(APIFailure) -> GeminiRequest {
        if let named = message["model"]?.string, named != "models/\(model)" {
            throw GeminiErrors.invalid("model", "\(named) is not the model of the path.")
        }
        var request = GeminiRequest(prompt: Prompt(model: model))
        let contents = message["contents"]?.array ?? []
        try GeminiTurns.check(contents, needsSignatures: Self.needsSignatures(model))
        if let system = message["systemInstruction"] {
            let parts = system["parts"]?.array ?? []
            guard !parts.isEmpty else {
                throw GeminiErrors.invalid("system_instruction.parts", "contents.parts must not be empty.")
            }
            request.prompt.messages.append(Self.message(.system, parts))
        }
        for content in contents {
            request.prompt.messages += Self.messages(content)
        }
        try request.readTools(message)
        try request.readGeneration(message["generationConfig"] ?? .object([]))
        try request.checkCombination(message)
        return request
    }

    /// Whether a model wants its thoughts' signatures back.
    static func needsSignatures(_ model: String) -> Bool { model.contains("gemini-3") }

    // MARK: - What was said

    private static func messages(_ content: JSONValue) -> [Prompt.Message] {
        let parts = content["parts"]?.array ?? []
        let results = parts.filter { $0["functionResponse"] != nil }
        let others = parts.filter { $0["functionResponse"] == nil }
        var messages = results.map { part in
            Prompt.Message(
                role: .tool,
                text: part["functionResponse"]?["response"]?.text ?? "",
                name: part["functionResponse"]?["name"]?.string
            )
        }
        if !others.isEmpty {
            messages.append(Self.message(content["role"]?.string == "model" ? .assistant : .user, others))
        }
        return messages
    }

    private static func message(_ role: Prompt.Role, _ parts: [JSONValue]) -> Prompt.Message {
        let texts = parts.filter { $0["thought"]?.bool != true }.compactMap { $0["text"]?.string }
        let calls = parts.compactMap { $0["functionCall"] }
        return Prompt.Message(
            role: role,
            text: texts.joined(separator: "\n"),
            calls: calls.isEmpty ? nil : JSONValue.array(calls).text,
            attachments: parts.count { $0["inlineData"] != nil || $0["fileData"] != nil }
        )
    }

    // MARK: - Tools

    private mutating func readTools(_ message: JSONValue) throws(APIFailure) {
        let tools = message["tools"]?.array ?? []
        for (index, tool) in tools.enumerated() {
            for (number, declaration) in (tool["functionDeclarations"]?.array ?? []).enumerated() {
                let place = "tools[\(index)].function_declarations[\(number)]"
                self.prompt.tools.append(try Self.tool(declaration, at: place))
            }
        }
        if !tools.isEmpty { self.prompt.toolTokens = Tokenizer.count(JSONValue.array(tools).text) }
        var seen: Set<String> = []
        for tool in self.prompt.tools where !seen.insert(tool.name).inserted {
            throw GeminiErrors.invalid("Duplicate function declaration found: \(tool.name)")
        }
        guard let config = message["toolConfig"]?["functionCallingConfig"] else { return }
        let mode = config["mode"]?.string ?? "AUTO"
        let allowed = (config["allowedFunctionNames"]?.array ?? []).compactMap(\.string)
        if !allowed.isEmpty {
            guard mode == "ANY" || mode == "VALIDATED" else {
                throw GeminiErrors.invalid(
                    "Function calling mode must be ANY or VALIDATED to allow only some functions."
                )
            }
            for name in allowed where !seen.contains(name) {
                throw GeminiErrors.invalid("allowed_function_names has \(name), which is not declared.")
            }
        }
        switch mode {
        case "ANY":
            guard !self.prompt.tools.isEmpty else {
                throw GeminiErrors.invalid("Function calling config is set without function_declarations.")
            }
            self.prompt.toolChoice = allowed.first.map { .named($0) } ?? .required
        case "NONE": self.prompt.toolChoice = .none
        default:
            if !allowed.isEmpty { self.prompt.tools.removeAll { !allowed.contains($0.name) } }
        }
    }

    private static func tool(_ declaration: JSONValue, at place: String) throws(APIFailure) -> Prompt.Tool {
        let name = declaration["name"]?.string ?? ""
        guard Self.isName(name) else {
            throw GeminiErrors.invalid(
                "\(place).name",
                "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9),"
                    + " underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
            )
        }
        let described = declaration["parameters"]
        let schema = declaration["parametersJsonSchema"]
        if described != nil, schema != nil {
            throw GeminiErrors.invalid(place, "only one of parameters and parameters_json_schema may be set.")
        }
        if let described {
            try Self.check(described, at: "\(place).parameters")
            guard described["type"]?.string == "object" else {
                throw GeminiErrors.invalid("\(place).parameters", "schema should be of OBJECT type.")
            }
        }
        return Prompt.Tool(name: name, parameters: described ?? schema ?? .object([]))
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        let isLetter = { (byte: UInt8) in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || byte == UInt8(ascii: "_")
        }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || "0123456789.:-".utf8.contains($0) }
    }

    /// What the API asks of a `Schema`, besides being one.
    private static func check(_ schema: JSONValue, at place: String) throws(APIFailure) {
        let properties = schema["properties"]?.members ?? []
        switch schema["type"]?.string {
        case "object":
            guard !properties.isEmpty else {
                throw GeminiErrors.invalid("\(place).properties", "should be non-empty for OBJECT type")
            }
        case "array":
            guard schema["items"] != nil else { throw GeminiErrors.invalid("\(place).items", "missing field.") }
        case nil:
            guard schema["anyOf"] != nil else { throw GeminiErrors.invalid("\(place).type", "must be specified.") }
        default: break
        }
        if schema["enum"] != nil, schema["type"]?.string != "string" {
            throw GeminiErrors.invalid("\(place).enum", "only allowed for STRING type")
        }
        for name in (schema["required"]?.array ?? []).compactMap(\.string)
        where !properties.contains(where: { $0.key == name }) {
            throw GeminiErrors.invalid("\(place).required", "property is not defined: \(name)")
        }
        for property in properties { try Self.check(property.value, at: "\(place).properties[\(property.key)]") }
        if let items = schema["items"] { try Self.check(items, at: "\(place).items") }
        for (index, option) in (schema["anyOf"]?.array ?? []).enumerated() {
            try Self.check(option, at: "\(place).any_of[\(index)]")
        }
    }

    // MARK: - How it is to be said

    private mutating func readGeneration(_ config: JSONValue) throws(APIFailure) {
        try Self.check(config, "temperature", 0...2)
        try Self.check(config, "topP", 0...1)
        self.prompt.choices = try Self.count(config, "candidateCount", 1...8) ?? 1
        self.prompt.tokenLimit = try Self.count(config, "maxOutputTokens", 1...Int(Int32.max))
        self.prompt.stops = (config["stopSequences"]?.array ?? []).compactMap(\.string).filter { !$0.isEmpty }
        guard self.prompt.stops.count <= 5 else {
            throw GeminiErrors.invalid("generation_config.stop_sequences", "at most 5 stop sequences are allowed.")
        }
        if config["logprobs"] != nil, config["responseLogprobs"]?.bool != true {
            throw GeminiErrors.invalid("generation_config.logprobs", "only with response_logprobs.")
        }
        try self.readThinking(config["thinkingConfig"] ?? .object([]))
        let mime = config["responseMimeType"]?.string ?? "text/plain"
        guard ["text/plain", "application/json", "text/x.enum"].contains(mime) else {
            throw GeminiErrors.invalid(
                "generation_config.response_mime_type",
                "allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and"
                    + " `text/x.enum`."
            )
        }
        let described = config["responseSchema"]
        let schema = config["responseJsonSchema"] ?? config["_responseJsonSchema"]
        if described != nil, schema != nil {
            throw GeminiErrors.invalid(
                "generation_config",
                "only one of response_schema and response_json_schema may be set."
            )
        }
        if let described { try Self.check(described, at: "generation_config.response_schema") }
        guard let wanted = described ?? schema else {
            if mime == "application/json" { self.prompt.format = .jsonObject }
            return
        }
        guard mime != "text/plain" else {
            throw GeminiErrors.invalid(
                "generation_config.response_mime_type",
                "a response schema is only supported with application/json and text/x.enum."
            )
        }
        self.prompt.format = .schema(wanted)
    }

    private mutating func readThinking(_ config: JSONValue) throws(APIFailure) {
        self.includesThoughts = config["includeThoughts"]?.bool ?? false
        let level = config["thinkingLevel"]?.string
        let budget = config["thinkingBudget"]?.integer
        if level != nil, budget != nil {
            throw GeminiErrors.invalid("You can only set only one of thinking budget and thinking level.")
        }
        if level != nil, self.prompt.model.contains("gemini-2") {
            throw GeminiErrors.invalid("Thinking level is not supported for this model.")
        }
        if let budget {
            guard -1...32_768 ~= budget else {
                throw GeminiErrors.invalid(
                    "The thinking budget \(budget) is invalid. Please choose a value from 0 to 32768."
                )
            }
            self.prompt.thinking = budget == 0 ? .off : .on
        } else if level != nil {
            self.prompt.thinking = .on
        }
    }

    /// What older models cannot do together.
    private func checkCombination(_ message: JSONValue) throws(APIFailure) {
        let isOld = self.prompt.model.contains("gemini-1") || self.prompt.model.contains("gemini-2")
        let mime = message["generationConfig"]?["responseMimeType"]?.string
        if isOld, !self.prompt.tools.isEmpty, let mime, mime != "text/plain" {
            throw GeminiErrors.invalid("Function calling with a response mime type: '\(mime)' is unsupported")
        }
    }

    private static func check(
        _ config: JSONValue,
        _ field: String,
        _ range: ClosedRange<Double>
    ) throws(APIFailure) {
        guard let number = config[field]?.number, !range.contains(number) else { return }
        throw GeminiErrors.invalid(
            "generation_config.\(ProtoReader.snake(field))",
            "must be in the range [\(range.lowerBound), \(range.upperBound)]."
        )
    }

    private static func count(
        _ config: JSONValue,
        _ field: String,
        _ range: ClosedRange<Int>
    ) throws(APIFailure) -> Int? {
        guard let count = config[field]?.integer else { return nil }
        guard range.contains(count) else {
            throw GeminiErrors.invalid(
                "generation_config.\(ProtoReader.snake(field))",
                "must be from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return count
    }
}
