internal import Chat
internal import Core
internal import NIOCore

/// Makes JSON schemas such as Anthropic takes.
enum AnthropicSchema {
    /// A schema of arguments: an object whose type says so.
    static func objectSchema(_ schema: JSONFragment?) -> JSONFragment {
        guard let schema else { return JSONFragment(literal: "{\"type\":\"object\",\"properties\":{}}") }
        var hasType = false
        do throws(RequestUnreadable) {
            try BodyReader.read(schema.bytes) { (reader) throws(RequestUnreadable) in
                try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                    if key.equals("type"), !reader.isNull(value) { hasType = true }
                }
            }
        } catch {
            // Not an object: let the provider say so.
            return schema
        }
        if hasType { return schema }
        var typed = ByteBuffer()
        typed.beginObject()
        typed.writeMember("type", word: "object")
        do throws(RequestUnreadable) {
            try BodyReader.read(schema.bytes) { (reader) throws(RequestUnreadable) in
                try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                    guard !key.equals("type") else { return }
                    typed.write([reader.rest(key, value)])
                }
            }
        } catch {
            return schema
        }
        typed.endObject()
        return JSONFragment(checked: typed)
    }

    /// A schema for `output_config.format`: objects without further members, and none of the bounds that the API
    /// refuses.
    ///
    /// By "Structured outputs", JSON schema limitations, of Anthropic's documentation.
    ///
    /// - Parameter isLossless: Set to false if a bound was left out, so that answers may break it.
    static func restricted(_ schema: JSONFragment, _ isLossless: inout Bool) -> JSONFragment {
        var text = ByteBufferAllocator().buffer(capacity: schema.bytes.readableBytes + 64)
        do throws(RequestUnreadable) {
            try BodyReader.read(schema.bytes) { (reader) throws(RequestUnreadable) in
                try Self.write(reader.root, reader, into: &text, &isLossless)
            }
        } catch {
            return schema
        }
        return JSONFragment(checked: text)
    }

    private static let bounds = JSONNames(
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "patternProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties"
    )

    private static func write(
        _ schema: JSONSlice,
        _ reader: BodyReader,
        into text: inout ByteBuffer,
        _ isLossless: inout Bool
    ) throws(RequestUnreadable) {
        guard reader.kind(schema) == .object else {
            return reader.fragment(schema).write(into: &text)
        }
        var isObject = false
        // An object of which nothing is said would have to be empty.
        var isClosed = false
        text.beginObject()
        try reader.members(of: schema) { (key, value) throws(RequestUnreadable) in
            if key.equals("type"), reader.equals(value, "object") { isObject = true }
            if key.equals("properties") {
                isObject = true
                isClosed = true
            }
            if Self.bounds.position(of: key) != nil || Self.isBound(key, value, reader) {
                isLossless = false
                return
            }
            // Written below, in the one form that the API takes.
            if key.equals("additionalProperties") {
                if reader.scanner.bool(value) == nil { isLossless = false }
                if reader.scanner.bool(value) == false { isClosed = true }
                isObject = true
                return
            }
            text.separate()
            // The API knows one word for both.
            if key.equals("oneOf") {
                text.writeStaticString("\"anyOf\":")
            } else {
                reader.rest(key, value).name.write(into: &text)
                text.writeStaticString(":")
            }
            try Self.write(value, of: key, reader, into: &text, &isLossless)
        }
        if isObject {
            text.writeMember("additionalProperties", false)
            if !isClosed { isLossless = false }
        }
        text.endObject()
    }

    /// Whether it is a bound only because of its value.
    private static func isBound(_ key: JSONKey, _ value: JSONSlice, _ reader: BodyReader) -> Bool {
        guard key.equals("minItems"), let count = reader.scanner.int(value) else { return false }
        return count > 1
    }

    /// Writes a member's value; those that hold schemas are restricted too.
    private static func write(
        _ value: JSONSlice,
        of key: JSONKey,
        _ reader: BodyReader,
        into text: inout ByteBuffer,
        _ isLossless: inout Bool
    ) throws(RequestUnreadable) {
        let isMap = key.equals("properties") || key.equals("$defs") || key.equals("definitions")
        let isList = key.equals("anyOf") || key.equals("oneOf") || key.equals("allOf") || key.equals("prefixItems")
        if isMap, reader.kind(value) == .object {
            text.beginObject()
            try reader.members(of: value) { (name, inner) throws(RequestUnreadable) in
                text.separate()
                reader.rest(name, inner).name.write(into: &text)
                text.writeStaticString(":")
                try Self.write(inner, reader, into: &text, &isLossless)
            }
            text.endObject()
        } else if isList, reader.kind(value) == .array {
            text.beginArray()
            try reader.elements(of: value) { (inner) throws(RequestUnreadable) in
                text.separate()
                try Self.write(inner, reader, into: &text, &isLossless)
            }
            text.endArray()
        } else if key.equals("items") {
            try Self.write(value, reader, into: &text, &isLossless)
        } else {
            reader.fragment(value).write(into: &text)
        }
    }
}
