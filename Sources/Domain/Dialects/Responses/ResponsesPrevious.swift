package import Core
package import NIOCore

/// The `previous_response_id` of an answer that its provider does not know of, because the conversation went out whole.
package enum ResponsesPrevious {
    private static let names = JSONNames("previous_response_id", "response")

    /// A response, or an event that has one in it, with the id that the client gave.
    ///
    /// - Parameter data: Checked JSON.
    /// - Returns: The same where there is no place for it, which one look at the bytes tells.
    package static func put(_ id: JSONString, into data: ByteBuffer) -> ByteBuffer {
        guard Self.mayNameIt(data) else { return data }
        return data.withUnsafeReadableBytes { bytes in
            let whole = JSONSlice(start: 0, end: bytes.count)
            guard let place = Self.place(in: whole, bytes, depth: 0) else { return data }
            var changed = ByteBufferAllocator().buffer(capacity: bytes.count + id.bytes.readableBytes)
            changed.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<place.start]))
            id.write(into: &changed)
            changed.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[place.end...]))
            return changed
        }
    }

    /// Where the `null` stands.
    private static func place(in object: JSONSlice, _ bytes: UnsafeRawBufferPointer, depth: Int) -> JSONSlice? {
        var found: JSONSlice?
        let reader = JSONScanner(bytes)
        var members = JSONScanner(bytes, at: object)
        try? members.members(of: Self.names) { (name, member) throws(JSONError) in
            if name == 0, reader.isNull(member.value) { found = member.value }
            if name == 1, depth == 0, reader.kind(member.value) == .object {
                found = Self.place(in: member.value, bytes, depth: 1) ?? found
            }
        }
        return found
    }

    private static func mayNameIt(_ data: ByteBuffer) -> Bool {
        let key = Array("\"previous_response_id\"".utf8)
        let view = data.readableBytesView
        var rest = view[...]
        // The key's rarest byte is its underscore, and it stands at this place in it.
        while let underscore = rest.firstIndex(of: UInt8(ascii: "_")) {
            let start = underscore - 9
            if start >= view.startIndex, view[start...].starts(with: key) { return true }
            rest = rest[(underscore + 1)...]
        }
        return false
    }
}
