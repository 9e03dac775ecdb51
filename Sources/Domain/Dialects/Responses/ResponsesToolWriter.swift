internal import Chat
internal import Core
internal import NIOCore

/// Writes tools and the choice among them.
enum ResponsesToolWriter {
    static func write(_ request: ChatRequest, _ losses: inout Losses, _ body: inout ByteBuffer) {
        var count = 0
        if !request.tools.isEmpty {
            let start = body.writerIndex
            body.writeKey("tools")
            body.beginArray()
            for tool in request.tools where self.write(tool, of: request.format, &losses, &body) { count += 1 }
            body.endArray()
            if count == 0, request.format != .openAIResponses { body.moveWriterIndex(to: start) }
        }
        guard let choice = request.toolChoice else { return }
        if count == 0, request.format != .openAIResponses {
            // A choice among no tools is refused.
            if choice.value != .none, choice.value != .auto { losses.drop(choice) }
            return
        }
        switch choice.value {
        case .auto: body.writeMember("tool_choice", word: "auto")
        case .none: body.writeMember("tool_choice", word: "none")
        case .required: body.writeMember("tool_choice", word: "required")
        case .named(let name):
            body.writeKey("tool_choice")
            body.beginObject()
            body.writeMember("type", word: "function")
            body.writeMember("name", name)
            body.endObject()
        case .other(let fragment):
            if request.format == .openAIResponses {
                body.writeMember("tool_choice", fragment)
            } else if !self.writeChatChoice(fragment, of: request.format, &body) {
                losses.drop(choice)
            }
        }
    }

    /// - Returns: Whether the tool could be said.
    private static func write(
        _ tool: ToolDefinition,
        of format: WireFormat,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) -> Bool {
        if tool.kind != .function {
            if format == .openAIResponses, let definition = tool.definition {
                body.separate()
                definition.write(into: &body)
                return true
            }
            if tool.kind == .custom, format == .openAIChat { return self.writeCustom(tool, &body) }
            losses.drop(at: tool.place)
            return false
        }
        body.separate()
        body.beginObject()
        body.writeMember("type", word: "function")
        body.writeMember("name", tool.name)
        if let description = tool.description { body.writeMember("description", description.value) }
        if let parameters = tool.parameters {
            body.writeMember("parameters", parameters.value)
        } else if format != .openAIResponses {
            body.writeMember("parameters", JSONFragment(literal: #"{"type":"object","properties":{}}"#))
        }
        if format == .openAIResponses {
            if let isStrict = tool.isStrict { body.writeMember("strict", isStrict.value) }
            body.write(tool.rest)
        } else {
            // Strict is the rule here, and the exception elsewhere.
            body.writeMember("strict", tool.isStrict?.value ?? false)
            losses.drop(tool.rest)
            losses.drop(tool.cacheMark)
        }
        body.endObject()
        return true
    }

    /// A tool that takes free text, which chat has one level deeper.
    private static func writeCustom(_ tool: ToolDefinition, _ body: inout ByteBuffer) -> Bool {
        body.separate()
        body.beginObject()
        body.writeMember("type", word: "custom")
        tool.definition?.visitMembers { key, value in
            guard key.equals("custom") else { return }
            value.visitMembers { key, value in
                if key.equals("name") { body.writeMember("name", value) }
                if key.equals("description") { body.writeMember("description", value) }
                if key.equals("format") { self.writeCustomFormat(value, &body) }
            }
        }
        body.endObject()
        return true
    }

    private static func writeCustomFormat(_ format: JSONFragment, _ body: inout ByteBuffer) {
        body.writeKey("format")
        body.beginObject()
        format.visitMembers { key, value in
            if key.equals("type") { body.writeMember("type", value) }
            if key.equals("grammar") {
                value.visitMembers { key, value in
                    if key.equals("syntax") { body.writeMember("syntax", value) }
                    if key.equals("definition") { body.writeMember("definition", value) }
                }
            }
        }
        body.endObject()
    }

    /// A choice in chat's form: among some tools, or of one that takes free text.
    private static func writeChatChoice(
        _ choice: JSONFragment,
        of format: WireFormat,
        _ body: inout ByteBuffer
    ) -> Bool {
        guard format == .openAIChat else { return false }
        if let allowed = ResponsesAllowedTools(choice) {
            body.writeKey("tool_choice")
            body.beginObject()
            body.writeMember("type", word: "allowed_tools")
            body.writeMember("mode", word: allowed.isRequired ? "required" : "auto")
            body.writeKey("tools")
            body.beginArray()
            for name in allowed.names {
                body.separate()
                body.beginObject()
                body.writeMember("type", word: "function")
                body.writeMember("name", name)
                body.endObject()
            }
            body.endArray()
            body.endObject()
            return true
        }
        var custom: JSONString?
        choice.visitMembers { key, value in
            if key.equals("custom") {
                value.visitMembers { key, value in if key.equals("name") { custom = value.string } }
            }
        }
        guard let custom else { return false }
        body.writeKey("tool_choice")
        body.beginObject()
        body.writeMember("type", word: "custom")
        body.writeMember("name", custom)
        body.endObject()
        return true
    }
}
