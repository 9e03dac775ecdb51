internal import Core
package import NIOCore

/// Chats as `/v1/chat/completions` has them.
package enum ChatWire {
    /// The body of a request.
    ///
    /// - Parameter model: What stands in the place of the options' own.
    /// - Throws: `AIError` for JSON that is none.
    package static func body(
        _ messages: [ChatMessage],
        _ options: ChatOptions,
        model: String?,
        isStream: Bool
    ) throws -> ByteBuffer {
        var members: [(String, JSONValue)] = []
        if let model { members.append(("model", .string(model))) }
        members.append(("messages", .array(messages.map(Self.message))))
        if isStream {
            members += [("stream", .bool(true)), ("stream_options", .object([("include_usage", .bool(true))]))]
        }
        if let temperature = options.temperature, temperature.isFinite {
            members.append(("temperature", .number("\(temperature)")))
        }
        if let tokens = options.tokensMax { members.append(("max_completion_tokens", .integer(Int64(tokens)))) }
        if !options.stop.isEmpty { members.append(("stop", .array(options.stop.map { .string($0) }))) }
        if !options.tools.isEmpty { members.append(("tools", .array(try options.tools.map(Self.tool)))) }
        for (name, text) in options.fields.sorted(by: { $0.key < $1.key }) {
            let value = try Self.parse(text, "fields.\(name)")
            guard !["stream", "stream_options", "messages"].contains(name) else { continue }
            members.removeAll { $0.0 == name }
            members.append((name, value))
        }
        var buffer = ByteBuffer()
        JSONValue.object(members).write(into: &buffer)
        return buffer
    }

    private static func message(_ message: ChatMessage) -> JSONValue {
        var members: [(String, JSONValue)] = [("role", .string(message.role.rawValue))]
        let isCallAlone = message.content.isEmpty && !message.toolCalls.isEmpty
        members.append(("content", isCallAlone ? .null : .string(message.content)))
        if !message.toolCalls.isEmpty {
            let calls = message.toolCalls.map { call -> JSONValue in
                let function: JSONValue = .object([
                    ("name", .string(call.name)), ("arguments", .string(call.arguments)),
                ])
                return .object([("id", .string(call.id)), ("type", "function"), ("function", function)])
            }
            members.append(("tool_calls", .array(calls)))
        }
        if let id = message.toolCallId { members.append(("tool_call_id", .string(id))) }
        return .object(members)
    }

    private static func tool(_ tool: ChatTool) throws -> JSONValue {
        let function: JSONValue = .object([
            ("name", .string(tool.name)), ("description", .string(tool.description)),
            ("parameters", try Self.parse(tool.parameters, "tools.\(tool.name).parameters")),
        ])
        return .object([("type", "function"), ("function", function)])
    }

    private static func parse(_ text: String, _ name: String) throws -> JSONValue {
        do {
            return try JSONValue.parse(text)
        } catch {
            throw AIError(code: "INVALID_JSON", message: "'\(name)' is not JSON.", param: name)
        }
    }
}
