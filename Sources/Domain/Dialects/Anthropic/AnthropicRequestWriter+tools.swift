internal import Chat
internal import Core
internal import NIOCore

/// Tools, and which of them must be called.
extension AnthropicRequestWriter {
    mutating func writeTools() {
        let answer = self.form.toolSchema
        let tools = self.request.tools.filter { self.isOwn || $0.kind == .function }
        for tool in self.request.tools where !self.isOwn && tool.kind != .function {
            self.losses.drop(at: tool.place)
        }
        let forgotten = tools.isEmpty && answer == nil && !self.isOwn ? self.calledTools() : []
        guard !tools.isEmpty || answer != nil || !forgotten.isEmpty else {
            if self.isOwn, let choice = self.request.toolChoice { return self.writeOwnChoice(choice.value) }
            return self.dropChoice()
        }
        self.body.writeKey("tools")
        self.body.beginArray()
        for tool in tools { self.writeTool(tool) }
        if let answer { self.writeAnswerTool(answer) }
        for name in forgotten { self.writeForgottenTool(name) }
        self.body.endArray()
        if self.isOwn {
            if let choice = self.request.toolChoice { self.writeOwnChoice(choice.value) }
        } else if !forgotten.isEmpty {
            // They are there for the history's sake alone.
            self.writeChoice("none")
            self.dropChoice()
        } else {
            self.writeForeignChoice(tools, hasAnswerTool: answer != nil)
        }
    }

    private mutating func writeTool(_ tool: ToolDefinition) {
        self.body.separate()
        if tool.kind != .function, let definition = tool.definition { return definition.write(into: &self.body) }
        self.body.beginObject()
        self.body.writeMember("name", tool.name)
        if let description = tool.description, self.isOwn || !description.value.isEmpty {
            self.body.writeMember("description", description.value)
        }
        if let schema = tool.parameters?.value, self.isOwn {
            self.body.writeMember("input_schema", schema)
        } else if !self.isOwn {
            self.body.writeMember("input_schema", AnthropicSchema.objectSchema(tool.parameters?.value))
        }
        if let isStrict = tool.isStrict {
            if self.isOwn || (isStrict.value && self.model.takesOutputFormat) {
                self.body.writeMember("strict", isStrict.value)
            } else if isStrict.value {
                self.losses.drop(isStrict)
            }
        }
        if let mark = tool.cacheMark { self.body.writeMember("cache_control", mark.value) }
        if self.isOwn {
            self.body.write(tool.rest)
        } else {
            self.losses.drop(tool.rest)
        }
        self.body.endObject()
    }

    /// The tool whose arguments are the answer.
    private mutating func writeAnswerTool(_ schema: JSONFragment) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("name", word: AnthropicOutputForm.toolName)
        self.body.writeMember(
            "description",
            word: "Gives the answer in the form that is wanted. Call it once, at the end."
        )
        self.body.writeMember("input_schema", schema)
        self.body.endObject()
    }

    /// A tool that was called before and is no longer defined: the API wants to know of it.
    private mutating func writeForgottenTool(_ name: JSONString) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("name", name)
        self.body.writeKey("input_schema")
        self.body.writeStaticString("{\"type\":\"object\"}")
        self.body.endObject()
    }

    /// The names of the tools that were called in the conversation, each once.
    private func calledTools() -> [JSONString] {
        var names: [JSONString] = []
        var known: Set<ByteBuffer> = []
        for message in self.request.messages {
            for part in message.parts {
                guard case .toolCall(let call) = part.content, known.insert(call.name.bytes).inserted else { continue }
                names.append(call.name)
            }
        }
        return names
    }

    // MARK: - Which must be called

    private mutating func dropChoice() {
        guard !self.isOwn else { return }
        switch self.request.toolChoice?.value {
        case nil, .auto?, .some(.none): break
        case .required?, .named?, .other?: self.losses.drop(self.request.toolChoice)
        }
    }

    private mutating func writeOwnChoice(_ choice: ToolChoice) {
        switch choice {
        case .auto: self.writeChoice("auto")
        case .none: self.writeChoice("none")
        case .required: self.writeChoice("any")
        case .named(let name): self.writeChoice("tool", name)
        case .other(let fragment): self.body.writeMember("tool_choice", fragment)
        }
    }

    private mutating func writeForeignChoice(_ tools: [ToolDefinition], hasAnswerTool: Bool) {
        let given = self.request.toolChoice
        var choice = given?.value
        if case .other? = choice {
            self.losses.drop(given)
            choice = nil
        }
        if case .named(let name)? = choice, !tools.contains(where: { $0.name == name }) {
            self.losses.drop(given)
            choice = nil
        }
        if hasAnswerTool {
            // Some tool has to be called; which one it is is left to the model where the client has tools of its own.
            guard choice == ToolChoice.none || tools.isEmpty else { return self.writeChoice("any") }
            return self.writeChoice("tool", JSONString(AnthropicOutputForm.toolName.description))
        }
        switch choice {
        case nil:
            if self.request.parallelToolCalls?.value == false { self.writeChoice("auto") }
        case .auto: self.writeChoice("auto")
        case .some(.none): self.writeChoice("none")
        case .required, .named:
            guard self.plan.makeRoomForForcedTool(self.request.reasoning, self.model, &self.losses) else {
                self.losses.drop(given)
                return self.writeChoice("auto")
            }
            if case .named(let name)? = choice { self.writeChoice("tool", name) } else { self.writeChoice("any") }
        case .other: break
        }
    }

    private mutating func writeChoice(_ type: StaticString, _ name: JSONString? = nil) {
        self.body.writeKey("tool_choice")
        self.body.beginObject()
        self.body.writeMember("type", word: type)
        if let name { self.body.writeMember("name", name) }
        if let isParallel = self.request.parallelToolCalls, type.description != "none" {
            if self.isOwn || !isParallel.value {
                self.body.writeMember("disable_parallel_tool_use", !isParallel.value)
            }
        }
        self.body.endObject()
    }
}
