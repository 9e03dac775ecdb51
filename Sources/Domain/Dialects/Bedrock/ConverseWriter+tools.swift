internal import Chat
internal import Core
internal import NIOCore

extension ConverseWriter {
    /// `toolConfig`: the tools that the model is shown, and whether one must be called.
    mutating func writeTools() {
        if self.plan.tools == .none {
            guard case .tool = self.plan.form else { return }
        }
        self.body.writeKey("toolConfig")
        self.body.beginObject()
        self.body.writeKey("tools")
        self.body.beginArray()
        switch self.plan.tools {
        case .none: break
        case .given: for tool in self.request.tools where tool.kind == .function { self.write(tool) }
        case .ofHistory: self.writeToolsOfHistory()
        }
        if case .tool(let format) = self.plan.form { self.writeAnswerTool(format) }
        self.body.endArray()
        self.writeToolChoice()
        self.body.endObject()
    }

    private mutating func write(_ tool: ToolDefinition) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeKey("toolSpec")
        self.body.beginObject()
        self.body.writeMember("name", tool.name)
        if let description = tool.description, !description.value.isBlank {
            self.body.writeMember("description", description.value)
        }
        let (schema, isStrict) = self.schema(of: tool)
        self.writeSchema(schema)
        if isStrict { self.body.writeMember("strict", true) }
        self.body.endObject()
        self.body.endObject()
        self.losses.dropWishes(in: tool.rest)
        guard let mark = tool.cacheMark else { return }
        guard self.model.isClaude else { return self.losses.drop(mark) }
        self.body.separate()
        self.writeCachePoint(mark)
    }

    /// The schema of a tool's arguments, and whether they are held to it: what holds them knows no bounds.
    private mutating func schema(of tool: ToolDefinition) -> (schema: JSONFragment?, isStrict: Bool) {
        guard let wish = tool.isStrict, wish.value else { return (tool.parameters?.value, false) }
        guard self.model.takesOutputFormat, let schema = tool.parameters?.value else {
            self.losses.drop(wish)
            return (tool.parameters?.value, false)
        }
        var isLossless = true
        let restricted = AnthropicSchema.restricted(schema, &isLossless)
        if isLossless { return (restricted, true) }
        self.losses.drop(wish)
        return (schema, false)
    }

    /// `inputSchema`, which must be one of an object.
    private mutating func writeSchema(_ schema: JSONFragment?) {
        self.body.writeKey("inputSchema")
        self.body.beginObject()
        self.body.writeKey("json")
        let isObject = schema?.kind == .object && schema?.saysNothing == false
        AnthropicSchema.objectSchema(isObject ? schema : nil).write(into: &self.body)
        self.body.endObject()
    }

    /// Definitions for the tools that the conversation has calls of, each once, so that it may be told at all.
    ///
    /// The model may call what it is shown although nobody offered it: each is named as told by other means, at its
    /// first call.
    private mutating func writeToolsOfHistory() {
        var names: [JSONString] = []
        var known: Set<ByteBuffer> = []
        for message in self.request.messages {
            for part in message.parts {
                guard case .toolCall(let call) = part.content, known.insert(call.name.bytes).inserted else { continue }
                names.append(call.name)
                self.losses.emulate(at: part.place)
            }
        }
        // Results alone: their calls are lost, and so are the names.
        if names.isEmpty {
            names.append(JSONString("tool"))
            self.losses.emulate(at: self.request.messages.lazy.flatMap(\.parts).first(where: \.isToolResult)?.place)
        }
        for name in names {
            self.body.separate()
            self.body.beginObject()
            self.body.writeKey("toolSpec")
            self.body.beginObject()
            self.body.writeMember("name", name)
            self.body.writeMember("description", word: "No longer available; do not call it.")
            self.writeSchema(nil)
            self.body.endObject()
            self.body.endObject()
        }
    }

    /// The tool whose arguments are the answer.
    private mutating func writeAnswerTool(_ format: JSONSchemaFormat) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeKey("toolSpec")
        self.body.beginObject()
        self.body.writeMember("name", word: AnthropicOutputForm.toolName)
        if let description = format.description, !description.isBlank {
            self.body.writeMember("description", description)
        } else {
            self.body.writeMember("description", word: "Gives the final answer to the user.")
        }
        self.writeSchema(format.schema)
        self.body.endObject()
        self.body.endObject()
    }

    private mutating func writeToolChoice() {
        guard self.plan.choice != .unsaid else { return }
        self.body.writeKey("toolChoice")
        self.body.beginObject()
        switch self.plan.choice {
        case .unsaid: break
        case .any:
            self.body.writeKey("any")
            self.body.beginObject()
        case .named(let name):
            self.body.writeKey("tool")
            self.body.beginObject()
            self.body.writeMember("name", name)
        case .answer:
            self.body.writeKey("tool")
            self.body.beginObject()
            self.body.writeMember("name", word: AnthropicOutputForm.toolName)
        }
        self.body.endObject()
        self.body.endObject()
    }
}

extension ContentPart {
    fileprivate var isToolResult: Bool { if case .toolResult = self.content { true } else { false } }
}
