package import Chat
internal import Core
package import NIOCore

/// Reads requests of OpenAI's `/chat/completions`, with what OpenRouter, LiteLLM and others added to it.
///
/// Where a value is understood in another form than it has, it is also kept as it was written, in `own`, so that
/// `OpenAIChatRequestWriter` can write it back.
package enum OpenAIChatRequestReader {
    /// Reads a request.
    ///
    /// - Parameter body: One JSON object.
    /// - Throws: `RequestUnreadable` for a value of the wrong type, or if the body is no object.
    package static func read(_ body: ByteBuffer) throws(RequestUnreadable) -> ChatRequest {
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) -> ChatRequest in
            var reading = OpenAIChatRequestReading(reader)
            try reading.readBody()
            return reading.request
        }
    }
}

/// The state of reading one request.
struct OpenAIChatRequestReading {
    let reader: BodyReader
    var request = ChatRequest(format: .openAIChat)
    /// The last `function_call` of an assistant, which had no ids: what `function` messages answer.
    var legacyCallID: JSONString?

    private static let names = JSONNames(
        "model",
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "stop",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "response_format",
        "reasoning_effort",
        "reasoning",
        "user",
        "safety_identifier",
        "service_tier"
    )

    init(_ reader: BodyReader) { self.reader = reader }

    mutating func readBody() throws(RequestUnreadable) {
        try self.reader.members(of: self.reader.root) { (key, value) throws(RequestUnreadable) in
            // The official SDKs send null for what the caller set to None.
            guard !self.reader.isNull(value) else { return }
            guard let name = Self.names.position(of: key) else {
                self.request.rest.append(self.reader.rest(key, value))
                return
            }
            if name < 9 {
                try self.readConversation(name, key, value)
            } else if name < 22 {
                try self.readSampling(name, key, value)
            } else {
                try self.readManner(name, key, value)
            }
        }
        self.joinUser()
    }

    private mutating func readConversation(
        _ name: Int,
        _ key: JSONKey,
        _ value: JSONSlice
    ) throws(RequestUnreadable) {
        switch name {
        // The route decides which model it is.
        case 0: break
        case 1: try self.readMessages(value)
        case 2: self.request.isStream = try self.bool(value).value
        case 3: try self.readStreamOptions(key, value)
        case 4:
            try self.reader.elements(of: self.list(value)) { (tool) throws(RequestUnreadable) in
                try self.readTool(tool)
            }
        case 5: try self.readToolChoice(key, value)
        case 6: self.request.parallelToolCalls = try self.bool(value)
        case 7:
            self.keepAsWritten(key, value)
            try self.reader.elements(of: self.list(value)) { (function) throws(RequestUnreadable) in
                var tool = ToolDefinition(.function, name: .empty, place: function.start)
                _ = try self.readFunction(function, into: &tool)
                self.request.tools.append(tool)
            }
        default:
            self.keepAsWritten(key, value)
            try self.readFunctionChoice(value)
        }
    }

    private mutating func readSampling(_ name: Int, _ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        switch name {
        case 9:
            // The newer name wins.
            if self.request.maxOutputTokens == nil {
                self.request.maxOutputTokens = try self.int(value)
            } else {
                self.request.rest.append(self.reader.rest(key, value))
            }
        case 10:
            if let other = self.request.maxOutputTokens {
                let text = JSONFragment(other.value)
                self.request.rest.append(RestMember(name: JSONString("max_tokens"), value: text, place: other.place))
            }
            self.request.maxOutputTokens = try self.int(value)
        case 11: self.request.temperature = try self.number(value)
        case 12: self.request.topP = try self.number(value)
        case 13: self.request.topK = try self.number(value)
        case 14: self.request.frequencyPenalty = try self.number(value)
        case 15: self.request.presencePenalty = try self.number(value)
        case 16: self.request.seed = try self.number(value)
        case 17: try self.readStop(value)
        case 18: self.request.choices = try self.int(value)
        case 19: self.request.logprobs = try self.bool(value)
        case 20: self.request.topLogprobs = try self.int(value)
        default:
            guard self.reader.kind(value) == .object else { throw self.wrong(value, "an object") }
            self.request.logitBias = self.reader.given(value)
        }
    }

    private mutating func readManner(_ name: Int, _ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        switch name {
        case 22: try self.readResponseFormat(key, value)
        case 23:
            let word = try self.string(value)
            if let effort = Self.effort(word.value) {
                self.request.reasoning.effort = Given(effort, at: word.place)
            } else {
                self.request.rest.append(self.reader.rest(key, value))
            }
        case 24: try self.readReasoning(key, value)
        case 25: self.request.user = try self.string(value)
        case 26:
            _ = try self.string(value)
            self.request.rest.append(self.reader.rest(key, value))
        default: self.request.serviceTier = try self.string(value)
        }
    }

    /// Makes `safety_identifier` the user where there is no `user`.
    private mutating func joinUser() {
        guard self.request.user == nil,
            let index = self.request.rest.firstIndex(where: { $0.name.equals("safety_identifier") })
        else { return }
        let member = self.request.rest.remove(at: index)
        self.request.user = member.value.string.map { Given($0, at: member.place) }
        self.request.own.append(member)
    }

    private mutating func readStreamOptions(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        var hasOthers = false
        try self.reader.members(of: self.object(value)) { (name, option) throws(RequestUnreadable) in
            if name.equals("include_usage") {
                self.request.wantsUsage = self.reader.scanner.bool(option) ?? false
            } else if !name.equals("include_obfuscation") {
                // Obfuscation is the provider's, and goes with its stream.
                hasOthers = true
            }
        }
        if hasOthers { self.request.rest.append(self.reader.rest(key, value)) }
    }

    private mutating func readStop(_ value: JSONSlice) throws(RequestUnreadable) {
        if let text = self.reader.givenString(value) {
            self.request.stop = [text]
            return
        }
        guard self.reader.kind(value) == .array else { throw self.wrong(value, "a string or a list of strings") }
        try self.reader.elements(of: value) { (element) throws(RequestUnreadable) in
            self.request.stop.append(try self.string(element))
        }
    }

    private mutating func readResponseFormat(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        var type: JSONSlice?
        var schema: JSONSlice?
        try self.reader.members(of: self.object(value)) { (name, member) throws(RequestUnreadable) in
            if name.equals("type") { type = member }
            if name.equals("json_schema") { schema = member }
        }
        guard let type else { throw self.wrong(value, "an object with a type") }
        if self.reader.equals(type, "text") {
            self.request.responseFormat = Given(.text, at: value.start)
        } else if self.reader.equals(type, "json_object") {
            self.request.responseFormat = Given(.jsonObject, at: value.start)
        } else if self.reader.equals(type, "json_schema"), let schema {
            var format = JSONSchemaFormat(schema: nil)
            try self.reader.members(of: self.object(schema)) { (name, member) throws(RequestUnreadable) in
                guard !self.reader.isNull(member) else { return }
                if name.equals("name") {
                    format.name = try self.string(member).value
                } else if name.equals("description") {
                    format.description = try self.string(member).value
                } else if name.equals("schema") {
                    format.schema = self.reader.fragment(try self.object(member))
                } else if name.equals("strict") {
                    format.isStrict = try self.bool(member).value
                }
            }
            self.request.responseFormat = Given(.jsonSchema(format), at: value.start)
        } else {
            // Such as a grammar or a regular expression, which vLLM and others take.
            self.request.rest.append(self.reader.rest(key, value))
        }
    }

    /// OpenRouter's `reasoning`: `effort` or `max_tokens`, and `exclude`, `enabled`.
    private mutating func readReasoning(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        guard self.reader.kind(value) == .object else {
            self.request.rest.append(self.reader.rest(key, value))
            return
        }
        var hasOthers = false
        try self.reader.members(of: value) { (name, member) throws(RequestUnreadable) in
            guard !self.reader.isNull(member) else { return }
            let place = member.start
            if name.equals("effort"), let word = self.reader.string(member), let effort = Self.effort(word) {
                self.request.reasoning.effort = Given(effort, at: place)
            } else if name.equals("max_tokens") {
                self.request.reasoning.budget = try self.int(member)
            } else if name.equals("enabled") {
                self.request.reasoning.isOn = try self.bool(member)
            } else if name.equals("exclude") {
                if try self.bool(member).value {
                    self.request.reasoning.summary = Given(JSONString("none"), at: place)
                }
            } else if name.equals("summary") {
                self.request.reasoning.summary = try self.string(member)
            } else {
                hasOthers = true
            }
        }
        if hasOthers {
            self.request.rest.append(self.reader.rest(key, value))
        } else {
            self.keepAsWritten(key, value)
        }
    }

    static func effort(_ word: JSONString) -> ReasoningWish.Effort? {
        ReasoningWish.Effort.allCases.first { word.equals($0.label) }
    }

    /// Keeps a member that was understood in another form.
    mutating func keepAsWritten(_ key: JSONKey, _ value: JSONSlice) {
        self.request.own.append(self.reader.rest(key, value))
    }
}

// MARK: - Values of one type

extension OpenAIChatRequestReading {
    func wrong(_ value: JSONSlice, _ expected: String) -> RequestUnreadable {
        RequestUnreadable(
            at: value.start,
            "The value here has the wrong type: it must be \(expected).",
            expected: expected
        )
    }

    func string(_ value: JSONSlice) throws(RequestUnreadable) -> Given<JSONString> {
        guard let text = self.reader.givenString(value) else { throw self.wrong(value, "a string") }
        return text
    }

    func bool(_ value: JSONSlice) throws(RequestUnreadable) -> Given<Bool> {
        guard let flag = self.reader.scanner.bool(value) else { throw self.wrong(value, "true or false") }
        return Given(flag, at: value.start)
    }

    func int(_ value: JSONSlice) throws(RequestUnreadable) -> Given<Int> {
        guard let number = self.reader.scanner.int(value) else { throw self.wrong(value, "a whole number") }
        return Given(number, at: value.start)
    }

    func number(_ value: JSONSlice) throws(RequestUnreadable) -> Given<JSONFragment> {
        guard self.reader.kind(value) == .number else { throw self.wrong(value, "a number") }
        return self.reader.given(value)
    }

    func object(_ value: JSONSlice) throws(RequestUnreadable) -> JSONSlice {
        guard self.reader.kind(value) == .object else { throw self.wrong(value, "an object") }
        return value
    }

    func list(_ value: JSONSlice) throws(RequestUnreadable) -> JSONSlice {
        guard self.reader.kind(value) == .array else { throw self.wrong(value, "a list") }
        return value
    }
}
