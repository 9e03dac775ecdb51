internal import Core
package import NIOCore

/// What has to be changed in a provider's answer of chat's dialect before its clients can read it.
package enum AnswerEdits {
    /// A whole answer of a family as its clients can read it; nil where it is that already.
    package static func mended(_ answer: ByteBuffer, of family: Family) -> ByteBuffer? {
        family.quirks.answersInLists ? Self.mended(answer) : nil
    }

    /// Makes a text of a content that is a list, and `reasoning_content` of the thoughts in it, as Magistral has them;
    /// gives calls of tools the type that Mistral leaves out.
    ///
    /// Clients of chat expect a string, whole or as a delta, and a type, and break on anything else. Nothing else
    /// changes.
    ///
    /// - Parameter data: An answer or one chunk, which has been checked to be JSON.
    /// - Returns: Nil if there is nothing to change, which takes one look for each of the two lists.
    package static func mended(_ data: ByteBuffer) -> ByteBuffer? {
        data.withUnsafeReadableBytes { bytes in
            guard Self.mayHaveList(bytes, "\"content\"") || Self.mayHaveList(bytes, "\"tool_calls\"") else {
                return nil
            }
            var edits: [(range: Range<Int>, text: ByteBuffer)] = []
            var root = JSONScanner(bytes)
            try? root.members(of: JSONNames("choices")) { (_, choices) throws(JSONError) in
                var list = JSONScanner(bytes, at: choices.value)
                try list.elements { (choice) throws(JSONError) in
                    guard JSONScanner(bytes).kind(choice) == .object else { return }
                    var members = JSONScanner(bytes, at: choice)
                    try members.members(of: JSONNames("message", "delta")) { (_, said) throws(JSONError) in
                        guard JSONScanner(bytes).kind(said.value) == .object else { return }
                        var parts = JSONScanner(bytes, at: said.value)
                        try parts.members(of: JSONNames("content", "tool_calls")) { (name, part) throws(JSONError) in
                            guard JSONScanner(bytes).kind(part.value) == .array else { return }
                            if name == 1 { return try Self.addTypes(to: part.value, bytes, &edits) }
                            edits.append((part.value.range, try Self.text(of: part.value, bytes)))
                        }
                    }
                }
            }
            guard !edits.isEmpty else { return nil }
            edits.sort { $0.range.lowerBound < $1.range.lowerBound }
            var changed = ByteBufferAllocator().buffer(capacity: bytes.count)
            var position = 0
            for edit in edits {
                changed.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position..<edit.range.lowerBound]))
                changed.writeImmutableBuffer(edit.text)
                position = edit.range.upperBound
            }
            changed.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position...]))
            return changed
        }
    }

    /// Whether an event of a stream says that the provider failed, in the form that Mistral has for it.
    package static func saysError(_ data: ByteBuffer) -> Bool {
        data.withUnsafeReadableBytes { bytes in
            var isError = false
            var members = JSONScanner(bytes)
            try? members.members(of: JSONNames("object")) { (_, member) throws(JSONError) in
                isError = JSONScanner(bytes).equals(member.value, "error")
            }
            return isError
        }
    }

    private static func addTypes(
        to calls: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        _ edits: inout [(range: Range<Int>, text: ByteBuffer)]
    ) throws(JSONError) {
        let reader = JSONScanner(bytes)
        var list = JSONScanner(bytes, at: calls)
        try list.elements { (call) throws(JSONError) in
            guard reader.kind(call) == .object else { return }
            var type: JSONSlice?
            var members = JSONScanner(bytes, at: call)
            try members.members(of: JSONNames("type")) { _, member in type = member.value }
            if let type {
                guard reader.isNull(type) else { return }
                edits.append((type.range, ByteBuffer(staticString: "\"function\"")))
            } else if call.count > 2 {
                // One without members is none.
                let place = call.start + 1
                edits.append((place..<place, ByteBuffer(staticString: "\"type\":\"function\",")))
            }
        }
    }

    /// Whether a key, with its quotes, has a list for its value, by the bytes alone.
    private static func mayHaveList(_ bytes: UnsafeRawBufferPointer, _ key: StaticString) -> Bool {
        let name = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        var start = 0
        while start + name.count < bytes.count {
            guard let quote = bytes[start...].firstIndex(of: UInt8(ascii: "\"")) else { return false }
            start = quote + 1
            guard quote + name.count < bytes.count, bytes[quote..<(quote + name.count)].elementsEqual(name) else {
                continue
            }
            var index = quote + name.count
            while index < bytes.count, bytes[index] <= 0x20 || bytes[index] == UInt8(ascii: ":") { index += 1 }
            if index < bytes.count, bytes[index] == UInt8(ascii: "[") { return true }
        }
        return false
    }

    /// The value for `content`, and `reasoning_content` behind it where there are thoughts.
    private static func text(
        of list: JSONSlice,
        _ bytes: UnsafeRawBufferPointer
    ) throws(JSONError) -> ByteBuffer {
        var text = ByteBuffer(staticString: "\"")
        var thoughts = ByteBuffer()
        var elements = JSONScanner(bytes, at: list)
        let reader = JSONScanner(bytes)
        try elements.elements { (element) throws(JSONError) in
            guard reader.kind(element) == .object else { return }
            var members = JSONScanner(bytes, at: element)
            try members.members(of: JSONNames("text", "thinking")) { (name, member) throws(JSONError) in
                if name == 0 {
                    if let content = reader.content(member.value) { text.writeBytes(content) }
                } else if let content = reader.content(member.value) {
                    thoughts.writeBytes(content)
                } else if reader.kind(member.value) == .array {
                    var pieces = JSONScanner(bytes, at: member.value)
                    try pieces.elements { (piece) throws(JSONError) in
                        guard reader.kind(piece) == .object else { return }
                        var inner = JSONScanner(bytes, at: piece)
                        try inner.members(of: JSONNames("text")) { (_, thought) throws(JSONError) in
                            if let content = reader.content(thought.value) { thoughts.writeBytes(content) }
                        }
                    }
                }
            }
        }
        text.writeStaticString("\"")
        if thoughts.readableBytes > 0 {
            text.writeStaticString(",\"reasoning_content\":\"")
            text.writeImmutableBuffer(thoughts)
            text.writeStaticString("\"")
        }
        return text
    }
}
