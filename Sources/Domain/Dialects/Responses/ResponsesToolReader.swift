internal import Chat
internal import Core
internal import NIOCore

/// Reads tools, the choice among them, and the form that the answer shall have.
struct ResponsesToolReader {
    private static let toolNames = JSONNames("type", "name", "description", "parameters", "strict")

    let reader: BodyReader

    func tools(_ list: JSONSlice) throws(RequestUnreadable) -> [ToolDefinition] {
        guard self.reader.kind(list) == .array else {
            throw RequestUnreadable(at: list.start, "`tools` is no list.", expected: "a list of tools")
        }
        var tools: [ToolDefinition] = []
        try self.reader.elements(of: list) { (element) throws(RequestUnreadable) in
            tools.append(try self.tool(element))
        }
        return tools
    }

    private func tool(_ element: JSONSlice) throws(RequestUnreadable) -> ToolDefinition {
        var type: JSONString?
        var tool = ToolDefinition(.function, name: .empty, place: element.start)
        try self.reader.fields(of: element, "a tool: an object with a `type`") {
            (key, value) throws(RequestUnreadable) in
            switch Self.toolNames.position(of: key) {
            case 0: type = try self.reader.text(value).value
            case 1: tool.name = try self.reader.text(value).value
            // Hosted tools have members of these names in other forms.
            case 2: tool.description = self.reader.givenString(value)
            case 3: tool.parameters = self.reader.kind(value) == .object ? self.reader.given(value) : nil
            case 4: tool.isStrict = self.reader.scanner.bool(value).map { Given($0, at: value.start) }
            default: tool.rest.append(self.reader.rest(key, value))
            }
        }
        guard let type else {
            throw RequestUnreadable(at: element.start, "The tool has no type.", expected: "`type`, such as `function`")
        }
        if type.equals("function") {
            guard !tool.name.isEmpty else {
                throw RequestUnreadable(at: element.start, "The function has no name.", expected: "`name`, a string")
            }
            return tool
        }
        tool.kind = type.equals("custom") ? .custom : .hosted
        tool.definition = self.reader.fragment(element)
        tool.rest = []
        return tool
    }

    func choice(_ value: JSONSlice) throws(RequestUnreadable) -> Given<ToolChoice> {
        if self.reader.equals(value, "auto") { return Given(.auto, at: value.start) }
        if self.reader.equals(value, "none") { return Given(.none, at: value.start) }
        if self.reader.equals(value, "required") { return Given(.required, at: value.start) }
        guard self.reader.kind(value) == .object else {
            let expected = "`auto`, `none`, `required` or an object"
            throw RequestUnreadable(at: value.start, "`tool_choice` is not known.", expected: expected)
        }
        var isFunction = false
        var name: JSONString?
        try self.reader.fields(of: value, "an object with a `type`") { (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                isFunction = self.reader.equals(value, "function")
            } else if key.equals("name") {
                name = self.reader.string(value)
            }
        }
        if isFunction, let name { return Given(.named(name), at: value.start) }
        return Given(.other(self.reader.fragment(value)), at: value.start)
    }

    /// The form of the answer; nil if it is one that nobody here knows.
    func format(_ value: JSONSlice) throws(RequestUnreadable) -> Given<ResponseFormat>? {
        var type: JSONString?
        var schema = JSONSchemaFormat(schema: nil)
        var isKnown = true
        try self.reader.fields(of: value, "an object with a `type`") { (key, value) throws(RequestUnreadable) in
            if key.equals("type") {
                type = try self.reader.text(value).value
            } else if key.equals("name") {
                schema.name = try self.reader.text(value).value
            } else if key.equals("description") {
                schema.description = try self.reader.text(value).value
            } else if key.equals("schema") {
                schema.schema = self.reader.fragment(value)
            } else if key.equals("strict") {
                schema.isStrict = try self.reader.bool(value).value
            } else {
                isKnown = false
            }
        }
        guard let type else {
            throw RequestUnreadable(
                at: value.start,
                "The format has no type.",
                expected: "`type`, such as `json_schema`"
            )
        }
        guard isKnown else { return nil }
        if type.equals("text") { return Given(.text, at: value.start) }
        if type.equals("json_object") { return Given(.jsonObject, at: value.start) }
        guard type.equals("json_schema") else { return nil }
        guard schema.schema?.kind == .object else {
            throw RequestUnreadable(at: value.start, "The format has no schema.", expected: "`schema`, an object")
        }
        return Given(.jsonSchema(schema), at: value.start)
    }
}
