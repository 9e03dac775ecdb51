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
    /// By "Structured outputs", JSON schema limitations, of Anthropic's documentation. Every byte is looked at once,
    /// however deep the schema is.
    ///
    /// - Parameter isLossless: Set to false if a bound was left out, so that answers may break it.
    static func restricted(_ schema: JSONFragment, _ isLossless: inout Bool) -> JSONFragment {
        schema.bytes.withUnsafeReadableBytes { bytes in
            guard (try? JSONScanner.validate(bytes)) != nil else { return schema }
            var walk = AnthropicSchemaWalk(bytes)
            walk.writeSchema()
            if !walk.isLossless { isLossless = false }
            return JSONFragment(checked: walk.text)
        }
    }
}
