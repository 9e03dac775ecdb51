package import Core
internal import Crypto

/// A tool as its server lists it.
package struct ToolDefinition: Sendable, Equatable {
    /// The longest description that a server may give, in bytes.
    package static let descriptionBytesMax = 16_384
    /// The largest schema, in bytes.
    package static let schemaBytesMax = 131_072

    package let name: String
    package let title: String?
    package let description: String
    package let inputSchema: JSONValue
    package let outputSchema: JSONValue?
    package let annotations: JSONValue?

    package init(
        name: String,
        title: String? = nil,
        description: String,
        inputSchema: JSONValue,
        outputSchema: JSONValue? = nil,
        annotations: JSONValue? = nil
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.annotations = annotations
    }

    /// Reads an entry of `tools/list`.
    ///
    /// - Throws: A text that says what is wrong, without anything of the server's.
    init(_ json: JSONValue) throws(UnusableTool) {
        guard let name = json["name"]?.stringValue, ToolName.isTool(name) else {
            throw UnusableTool("a tool has no usable name")
        }
        guard let schema = json["inputSchema"], schema.objectValue != nil else {
            throw UnusableTool("a tool has no schema of its arguments")
        }
        let description = json["description"]?.stringValue ?? ""
        guard description.utf8.count <= Self.descriptionBytesMax else {
            throw UnusableTool("a tool's description is longer than \(Self.descriptionBytesMax) bytes")
        }
        guard schema.text.utf8.count <= Self.schemaBytesMax else {
            throw UnusableTool("a tool's schema is larger than \(Self.schemaBytesMax) bytes")
        }
        self.init(
            name: name,
            title: json["title"]?.stringValue ?? json["annotations"]?["title"]?.stringValue,
            description: description,
            inputSchema: schema,
            outputSchema: json["outputSchema"].flatMap { $0.objectValue == nil ? nil : $0 },
            annotations: json["annotations"].flatMap { $0.objectValue == nil ? nil : $0 }
        )
    }

    /// Whether the server says that it changes nothing; no unless it says so.
    package var isReadOnly: Bool { self.annotations?["readOnlyHint"]?.boolValue ?? false }
    /// Whether it may destroy something; yes unless the server says otherwise, or that it only reads.
    package var isDestructive: Bool { !self.isReadOnly && self.annotations?["destructiveHint"]?.boolValue ?? true }
    /// Whether calling it again with the same arguments changes nothing further.
    package var isIdempotent: Bool { self.isReadOnly || self.annotations?["idempotentHint"]?.boolValue ?? false }

    /// As a server lists it.
    package var json: JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(self.name))]
        if let title = self.title { members.append(("title", .string(title))) }
        members += [("description", .string(self.description)), ("inputSchema", self.inputSchema)]
        if let schema = self.outputSchema { members.append(("outputSchema", schema)) }
        if let annotations = self.annotations { members.append(("annotations", annotations)) }
        return .object(members)
    }

    /// SHA-256 over all that a model or an operator is told of the tool, in hexadecimal (row 101).
    ///
    /// The order of members does not count, since servers write them in any.
    package var digest: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: Array(Self.sorted(self.json).text.utf8)) {
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// No deeper than what was read, 64.
    private static func sorted(_ json: JSONValue) -> JSONValue {
        switch json {
        case .object(let members):
            .object(
                members.map { ($0.0, Self.sorted($0.1)) }.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
            )
        case .array(let elements): .array(elements.map(Self.sorted))
        default: json
        }
    }

    /// The arguments that go along as fields of HTTP, by the schema's `x-mcp-header` (2026-07-28).
    ///
    /// Only arguments of an object in an object have one; an annotation anywhere else is passed over.
    func fields(for arguments: JSONValue) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        Self.collect(self.inputSchema, arguments, depth: 0, into: &fields)
        return fields
    }

    private static func collect(
        _ schema: JSONValue,
        _ value: JSONValue,
        depth: Int,
        into fields: inout [(name: String, value: String)]
    ) {
        guard depth < 16, let properties = schema["properties"]?.objectValue else { return }
        for (name, property) in properties {
            guard let found = value[name] else { continue }
            if let field = property["x-mcp-header"]?.stringValue, ToolName.isTool(field), fields.count < 32,
                let text = Self.fieldText(found)
            {
                fields.append((MCP.Field.parameterPrefix + field.lowercased(), MCP.fieldValue(text)))
            }
            Self.collect(property, found, depth: depth + 1, into: &fields)
        }
    }

    private static func fieldText(_ value: JSONValue) -> String? {
        switch value {
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): "\(number)"
        case .string(let text): text.utf8.count <= 4096 ? text : nil
        case .number, .null, .array, .object: nil
        }
    }
}

/// Why an entry of a list is no tool that can be used; our own words.
package struct UnusableTool: Error, Sendable, Equatable {
    package let reason: String

    init(_ reason: String) { self.reason = reason }
}
