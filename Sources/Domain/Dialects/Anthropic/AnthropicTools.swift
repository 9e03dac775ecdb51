internal import Chat
internal import Core
internal import NIOCore

/// Reads the definitions of tools, of all kinds.
enum AnthropicTools {
    static func read(_ value: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> [ToolDefinition] {
        guard reader.kind(value) == .array else { throw AnthropicValue.wrong(value, "tools", "a list of tools") }
        var tools: [ToolDefinition] = []
        try reader.elements(of: value) { (element) throws(RequestUnreadable) in
            tools.append(try Self.tool(AnthropicValue.object(element, "tools", reader), reader))
        }
        return tools
    }

    private static func tool(_ value: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> ToolDefinition {
        var tool = ToolDefinition(.function, name: .empty, place: value.start)
        try reader.members(of: value) { (key, slice) throws(RequestUnreadable) in
            if reader.isNull(slice) { return }
            if key.equals("name") {
                tool.name = try AnthropicValue.string(slice, "tools.name", reader).value
            } else if key.equals("description") {
                tool.description = try AnthropicValue.string(slice, "tools.description", reader)
            } else if key.equals("input_schema") {
                tool.parameters = reader.given(try AnthropicValue.object(slice, "tools.input_schema", reader))
            } else if key.equals("type") {
                // Tools that the client runs may be called so, and need not.
                if !reader.equals(slice, "custom") { tool.kind = .hosted }
            } else if key.equals("strict") {
                tool.isStrict = try AnthropicValue.bool(slice, "tools.strict", reader)
            } else if key.equals("cache_control") {
                tool.cacheMark = reader.given(slice)
            } else {
                tool.rest.append(reader.rest(key, slice))
            }
        }
        if tool.kind == .hosted {
            var hosted = ToolDefinition(.hosted, name: tool.name, place: value.start)
            hosted.definition = reader.fragment(value)
            return hosted
        }
        if tool.name.isEmpty { throw AnthropicValue.missing(value, "tools.name", "the tool's name") }
        return tool
    }
}
