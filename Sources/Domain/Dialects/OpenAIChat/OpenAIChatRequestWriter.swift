package import Chat
internal import Core
package import NIOCore

/// Writes requests of OpenAI's `/chat/completions`.
///
/// What only some of its kin know (`top_k`, cache marks, thoughts of earlier turns) goes to targets that take unknown
/// members, and counts as lost elsewhere. How a provider differs beyond that is the business of its family's quirks.
package enum OpenAIChatRequestWriter {
    /// Writes a request.
    ///
    /// - Throws: `RequestUnwritable` if nothing would be left to ask.
    package static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        guard !request.messages.isEmpty else {
            throw RequestUnwritable(at: -1, "There are no messages, and the target needs at least one.")
        }
        var writing = OpenAIChatRequestWriting(request: request, target: target, losses: losses, body: body)
        // Moved out and back, so that the buffer has one owner and is not copied.
        body = ByteBuffer()
        writing.writeBody()
        body = writing.body
        losses = writing.losses
    }
}

/// The state of writing one request.
struct OpenAIChatRequestWriting {
    let request: ChatRequest
    let target: TargetTraits
    var losses: Losses
    var body: ByteBuffer

    /// Whether the client spoke chat itself, so that everything it said is known to be sayable.
    var isOwn: Bool { self.request.format == .openAIChat }
    var takesUnknown: Bool { self.isOwn || self.target.takesUnknownMembers }

    /// OpenAI's most stop texts.
    private static let stopsMax = 4

    mutating func writeBody() {
        self.body.beginObject()
        self.body.writeMember("model", self.target.model)
        self.writeMessages()
        self.writeTools()
        self.writeSampling()
        self.writeLimit()
        self.writeResponseFormat()
        self.writeReasoning()
        self.writeManner()
        self.writeRest()
        self.body.endObject()
    }

    // MARK: - Tools

    private mutating func writeTools() {
        // The older `functions` stand in `own`, as the client wrote them.
        let isLegacy = self.isOwn && self.request.own["functions"] != nil
        let sayable = isLegacy ? [] : self.request.tools.filter { self.canSay($0) }
        if !isLegacy {
            for tool in self.request.tools where !self.canSay(tool) { self.losses.drop(at: tool.place) }
        }
        guard !sayable.isEmpty else {
            // Neither may be said without tools.
            if !isLegacy {
                self.losses.drop(self.request.toolChoice)
                self.losses.drop(self.request.parallelToolCalls)
            }
            return
        }
        self.body.writeKey("tools")
        self.body.beginArray()
        for tool in sayable { self.write(tool) }
        self.body.endArray()
        if let choice = self.request.toolChoice, self.request.own["function_call"] == nil { self.write(choice) }
        if let isParallel = self.request.parallelToolCalls {
            self.body.writeMember("parallel_tool_calls", isParallel.value)
        }
    }

    private func canSay(_ tool: ToolDefinition) -> Bool { tool.kind != .hosted || self.isOwn }

    private mutating func write(_ tool: ToolDefinition) {
        self.body.separate()
        if self.isOwn, let definition = tool.definition {
            definition.write(into: &self.body)
            return
        }
        self.body.beginObject()
        self.body.writeMember("type", word: tool.kind == .custom ? "custom" : "function")
        self.body.writeKey(tool.kind == .custom ? "custom" : "function")
        self.body.beginObject()
        self.body.writeMember("name", tool.name)
        if let description = tool.description { self.body.writeMember("description", description.value) }
        if tool.kind == .custom {
            self.writeCustomFormat(tool)
        } else {
            if let parameters = tool.parameters { self.body.writeMember("parameters", parameters.value) }
            if let isStrict = tool.isStrict { self.body.writeMember("strict", isStrict.value) }
        }
        self.body.endObject()
        self.writeMark(tool.cacheMark)
        self.body.endObject()
        if !self.isOwn { self.losses.drop(tool.rest) }
    }

    /// Responses has `{"type":"grammar","definition","syntax"}`, chat has the two inside of `grammar`.
    private mutating func writeCustomFormat(_ tool: ToolDefinition) {
        guard let definition = tool.definition else { return }
        var format: JSONFragment?
        BodyReader.read(definition.bytes) { reader in
            try? reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                if key.equals("format"), reader.kind(value) == .object { format = reader.fragment(value) }
            }
        }
        guard let format else { return }
        var syntax: JSONFragment?
        var grammar: JSONFragment?
        BodyReader.read(format.bytes) { reader in
            try? reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                if key.equals("syntax") { syntax = reader.fragment(value) }
                if key.equals("definition") { grammar = reader.fragment(value) }
            }
        }
        self.body.writeKey("format")
        guard let syntax, let grammar else { return format.write(into: &self.body) }
        self.body.writeStaticString("{\"type\":\"grammar\",\"grammar\":{\"definition\":")
        grammar.write(into: &self.body)
        self.body.writeMember("syntax", syntax)
        self.body.writeStaticString("}}")
    }

    private mutating func write(_ choice: Given<ToolChoice>) {
        switch choice.value {
        case .auto: self.body.writeMember("tool_choice", word: "auto")
        case .none: self.body.writeMember("tool_choice", word: "none")
        case .required: self.body.writeMember("tool_choice", word: "required")
        case .named(let name):
            let isCustom = self.request.tools.contains { $0.kind == .custom && $0.name == name }
            self.body.writeKey("tool_choice")
            self.body.writeStaticString(
                isCustom ? #"{"type":"custom","custom":{"name":"# : #"{"type":"function","function":{"name":"#
            )
            name.write(into: &self.body)
            self.body.writeStaticString("}}")
        case .other(let whole):
            if self.isOwn { self.body.writeMember("tool_choice", whole) } else { self.losses.drop(choice) }
        }
    }

    /// A cache mark, in the words of those of chat's kin that have one.
    mutating func writeMark(_ mark: Given<JSONFragment>?) {
        guard let mark else { return }
        if self.takesUnknown {
            self.body.writeMember("cache_control", mark.value)
        } else {
            self.losses.drop(mark)
        }
    }

    // MARK: - Sampling

    private mutating func writeSampling() {
        self.write("temperature", self.request.temperature)
        self.write("top_p", self.request.topP)
        if self.takesUnknown { self.write("top_k", self.request.topK) } else { self.losses.drop(self.request.topK) }
        self.write("frequency_penalty", self.request.frequencyPenalty)
        self.write("presence_penalty", self.request.presencePenalty)
        self.write("seed", self.request.seed)
        self.write("logit_bias", self.request.logitBias)
        if let logprobs = self.request.logprobs { self.body.writeMember("logprobs", logprobs.value) }
        if let count = self.request.topLogprobs { self.body.writeMember("top_logprobs", count.value) }
        if let count = self.request.choices { self.body.writeMember("n", count.value) }
        self.writeStop()
    }

    private mutating func write(_ name: StaticString, _ value: Given<JSONFragment>?) {
        if let value { self.body.writeMember(name, value.value) }
    }

    private mutating func writeStop() {
        let stop = self.request.stop
        let told = self.takesUnknown ? stop[...] : stop.prefix(Self.stopsMax)
        for text in stop.dropFirst(told.count) { self.losses.drop(text) }
        guard let first = told.first else { return }
        self.body.writeKey("stop")
        if told.count == 1 { return first.value.write(into: &self.body) }
        self.body.beginArray()
        for text in told {
            self.body.separate()
            text.value.write(into: &self.body)
        }
        self.body.endArray()
    }

    private mutating func writeLimit() {
        let limits = [self.request.maxOutputTokens?.value, self.target.outputLimit].compactMap { $0 }
        guard let limit = limits.min() else { return }
        self.body.writeMember(self.target.outputLimitField, limit)
    }

    private mutating func writeResponseFormat() {
        guard let format = self.request.responseFormat else { return }
        self.body.writeKey("response_format")
        switch format.value {
        case .text: self.body.writeStaticString(#"{"type":"text"}"#)
        case .jsonObject: self.body.writeStaticString(#"{"type":"json_object"}"#)
        case .jsonSchema(let schema):
            self.body.writeStaticString(#"{"type":"json_schema","json_schema":{"name":"#)
            // OpenAI demands a name.
            (schema.name ?? JSONString("answer")).write(into: &self.body)
            if let description = schema.description { self.body.writeMember("description", description) }
            if let schema = schema.schema { self.body.writeMember("schema", schema) }
            if let isStrict = schema.isStrict { self.body.writeMember("strict", isStrict) }
            self.body.writeStaticString("}}")
        }
    }
}
