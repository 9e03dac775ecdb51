internal import Chat
internal import Core
internal import NIOCore

/// Reads requests to Anthropic's `/v1/messages`, and the bodies of `count_tokens`, which are the same without a limit.
///
/// Takes what either version of the API takes, and what its SDKs have ever sent.
enum AnthropicRequestReader {
    /// Reads a body that is known to be JSON.
    static func read(_ body: ByteBuffer) throws(RequestUnreadable) -> ChatRequest {
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) -> ChatRequest in
            var pass = Pass(reader: reader)
            try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                try pass.take(key, value)
            }
            return try pass.finish()
        }
    }

    private enum Member: Int {
        case model, messages, system, maxTokens, stream, temperature, topP, topK, stopSequences, tools, toolChoice
        case thinking, outputConfig, outputFormat, metadata, serviceTier
    }

    private static let names = JSONNames(
        "model",
        "messages",
        "system",
        "max_tokens",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier"
    )

    fileprivate struct Pass {
        let reader: BodyReader
        var request = ChatRequest(format: .anthropic)
        var system: ChatMessage?
        var hasMessages = false

        init(reader: BodyReader) { self.reader = reader }

        mutating func finish() throws(RequestUnreadable) -> ChatRequest {
            guard self.hasMessages else {
                throw RequestUnreadable(at: 0, "'messages' is missing.", expected: "a list of messages")
            }
            if let system { self.request.messages.insert(system, at: 0) }
            return self.request
        }

        mutating func take(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
            guard let name = AnthropicRequestReader.names.position(of: key).flatMap(Member.init(rawValue:)) else {
                self.request.rest.append(self.reader.rest(key, value))
                return
            }
            if self.reader.isNull(value) { return }
            switch name {
            case .model: break
            case .messages: try self.takeMessages(value)
            case .system:
                let parts = try AnthropicBlocks.content(value, "system", self.reader)
                self.system = ChatMessage(.system, parts, place: value.start)
            case .maxTokens: self.request.maxOutputTokens = try AnthropicValue.int(value, "max_tokens", self.reader)
            case .stream: self.request.isStream = try AnthropicValue.bool(value, "stream", self.reader).value
            case .temperature:
                self.request.temperature = try AnthropicValue.number(value, "temperature", self.reader)
            case .topP: self.request.topP = try AnthropicValue.number(value, "top_p", self.reader)
            case .topK: self.request.topK = try AnthropicValue.number(value, "top_k", self.reader)
            case .stopSequences: try self.takeStop(value)
            case .tools: self.request.tools = try AnthropicTools.read(value, self.reader)
            case .toolChoice: try self.takeToolChoice(key, value)
            case .thinking: try self.takeThinking(key, value)
            case .outputConfig: try self.takeOutputConfig(key, value)
            case .outputFormat: try self.takeFormat(key, value)
            case .metadata: try self.takeMetadata(key, value)
            case .serviceTier:
                self.request.serviceTier = try AnthropicValue.string(value, "service_tier", self.reader)
            }
        }

        private mutating func takeMessages(_ value: JSONSlice) throws(RequestUnreadable) {
            guard self.reader.kind(value) == .array else {
                throw AnthropicValue.wrong(value, "messages", "a list of messages")
            }
            self.hasMessages = true
            let reader = self.reader
            var messages: [ChatMessage] = []
            try reader.elements(of: value) { (element) throws(RequestUnreadable) in
                messages.append(try Self.message(element, reader))
            }
            self.request.messages = messages
        }

        private static func message(
            _ value: JSONSlice,
            _ reader: BodyReader
        ) throws(RequestUnreadable) -> ChatMessage {
            guard reader.kind(value) == .object else { throw AnthropicValue.wrong(value, "messages", "objects") }
            var message = ChatMessage(.user, [], place: value.start)
            var role: JSONSlice?
            try reader.members(of: value) { (key, value) throws(RequestUnreadable) in
                if key.equals("role") {
                    role = value
                } else if key.equals("content") {
                    if !reader.isNull(value) {
                        message.parts = try AnthropicBlocks.content(value, "content", reader).map(\.unsealed)
                    }
                } else {
                    message.rest.append(reader.rest(key, value))
                }
            }
            let expected = "user, assistant or system"
            guard let role else { throw AnthropicValue.missing(value, "role", expected) }
            if reader.equals(role, "user") { return message }
            if reader.equals(role, "assistant") {
                message.role = .assistant
            } else if reader.equals(role, "system") {
                message.role = .system
            } else {
                throw AnthropicValue.wrong(role, "role", expected)
            }
            return message
        }

        private mutating func takeStop(_ value: JSONSlice) throws(RequestUnreadable) {
            guard self.reader.kind(value) == .array else {
                throw AnthropicValue.wrong(value, "stop_sequences", "a list of strings")
            }
            let reader = self.reader
            var stop: [Given<JSONString>] = []
            try reader.elements(of: value) { (element) throws(RequestUnreadable) in
                stop.append(try AnthropicValue.string(element, "stop_sequences", reader))
            }
            self.request.stop = stop
        }
    }
}

// MARK: - What the dialect says in objects of its own

extension AnthropicRequestReader.Pass {
    private mutating func takeToolChoice(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var type: JSONSlice?
        var name: JSONString?
        var isKnown = true
        try reader.members(of: AnthropicValue.object(value, "tool_choice", reader)) {
            (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                type = value
            } else if key.equals("name") {
                name = try AnthropicValue.string(value, "tool_choice.name", reader).value
            } else if key.equals("disable_parallel_tool_use") {
                if reader.isNull(value) { return }
                let isDisabled = try AnthropicValue.bool(value, "tool_choice.disable_parallel_tool_use", reader)
                self.request.parallelToolCalls = isDisabled.map { !$0 }
            } else {
                isKnown = false
            }
        }
        guard let type else { throw AnthropicValue.missing(value, "tool_choice.type", "auto, any, tool or none") }
        var choice = ToolChoice.other(reader.fragment(value))
        if isKnown {
            if reader.equals(type, "auto") { choice = .auto }
            if reader.equals(type, "any") { choice = .required }
            if reader.equals(type, "none") { choice = .none }
            if reader.equals(type, "tool") {
                guard let name else { throw AnthropicValue.missing(value, "tool_choice.name", "the tool's name") }
                choice = .named(name)
            }
        }
        self.request.toolChoice = Given(choice, at: value.start)
    }

    private mutating func takeThinking(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var type: JSONSlice?
        var wish = self.request.reasoning
        var isKnown = true
        try reader.members(of: AnthropicValue.object(value, "thinking", reader)) {
            (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                type = value
            } else if key.equals("budget_tokens") {
                guard !reader.isNull(value) else { return }
                wish.budget = try AnthropicValue.int(value, "thinking.budget_tokens", reader)
            } else if key.equals("display") {
                guard !reader.isNull(value) else { return }
                wish.summary = try AnthropicValue.string(value, "thinking.display", reader)
            } else {
                isKnown = false
            }
        }
        guard let type else {
            throw AnthropicValue.missing(value, "thinking.type", "enabled, disabled or adaptive")
        }
        if reader.equals(type, "enabled") {
            wish.isOn = Given(true, at: value.start)
        } else if reader.equals(type, "adaptive") {
            wish.isAdaptive = Given(true, at: value.start)
        } else {
            wish.isOn = Given(false, at: value.start)
            // Off, but for words between calls of tools: which no other dialect has.
            isKnown = isKnown && reader.equals(type, "disabled")
        }
        self.request.reasoning = wish
        if !isKnown { self.request.rest.append(reader.rest(key, value)) }
    }

    private mutating func takeOutputConfig(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var others: [RestMember] = []
        try reader.members(of: AnthropicValue.object(value, "output_config", reader)) {
            (key, value) throws(RequestUnreadable) in
            if reader.isNull(value) { return }
            if key.equals("effort"), let effort = AnthropicValue.effort(value, reader) {
                self.request.reasoning.effort = Given(effort, at: value.start)
            } else if key.equals("format"), let format = try Self.format(value, reader) {
                self.request.responseFormat = Given(format, at: value.start)
            } else {
                others.append(reader.rest(key, value))
            }
        }
        guard !others.isEmpty else { return }
        self.request.rest.append(AnthropicValue.remainder(reader.rest(key, value), others))
    }

    /// `output_format`, as the first version of structured outputs had it.
    private mutating func takeFormat(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        if let format = try Self.format(value, self.reader) {
            self.request.responseFormat = Given(format, at: value.start)
        } else {
            self.request.rest.append(self.reader.rest(key, value))
        }
    }

    /// Nil if it is a form that nobody here knows.
    private static func format(
        _ value: JSONSlice,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> ResponseFormat? {
        var isSchema = false
        var isKnown = true
        var format = JSONSchemaFormat(schema: nil, isStrict: true)
        try reader.members(of: AnthropicValue.object(value, "output_config.format", reader)) {
            (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                isSchema = reader.equals(value, "json_schema")
            } else if key.equals("schema") {
                let schema = try AnthropicValue.object(value, "output_config.format.schema", reader)
                format.schema = reader.fragment(schema)
            } else {
                isKnown = false
            }
        }
        return isSchema && isKnown && format.schema != nil ? .jsonSchema(format) : nil
    }

    private mutating func takeMetadata(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var others: [RestMember] = []
        try reader.members(of: AnthropicValue.object(value, "metadata", reader)) {
            (key, value) throws(RequestUnreadable) in
            if key.equals("user_id") {
                if !reader.isNull(value) {
                    self.request.user = try AnthropicValue.string(value, "metadata.user_id", reader)
                }
            } else {
                others.append(reader.rest(key, value))
            }
        }
        guard !others.isEmpty else { return }
        self.request.rest.append(AnthropicValue.remainder(reader.rest(key, value), others))
    }
}

extension ContentPart {
    /// The same with the signature of a thought that a call's id brought back.
    fileprivate var unsealed: ContentPart {
        var part = self
        switch self.content {
        case .toolCall(var call):
            (call.id, call.signature) = SignedCallID.open(call.id)
            part.content = .toolCall(call)
        case .toolResult(var result):
            result.callID = SignedCallID.open(result.callID).id
            part.content = .toolResult(result)
        default: break
        }
        return part
    }
}
