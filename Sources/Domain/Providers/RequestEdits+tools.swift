internal import Core
internal import NIOCore

extension RequestEdits {
    /// Gives every tool without `parameters` an empty set of them.
    mutating func fillTools(_ bytes: UnsafeRawBufferPointer) {
        var root = JSONScanner(bytes)
        // Whoever made the index has checked the bytes; a tool that is no tool is the provider's to refuse.
        try? root.members(of: JSONNames("tools")) { (_, tools) throws(JSONError) in
            var list = JSONScanner(bytes, at: tools.value)
            try list.elements { (tool) throws(JSONError) in
                guard JSONScanner(bytes).kind(tool) == .object else { return }
                var members = JSONScanner(bytes, at: tool)
                try members.members(of: JSONNames("function")) { (_, function) throws(JSONError) in
                    self.fill(function: function.value, bytes)
                }
            }
        }
    }

    private mutating func fill(function: JSONSlice, _ bytes: UnsafeRawBufferPointer) {
        guard JSONScanner(bytes).kind(function) == .object else { return }
        var isEmpty = true
        var parameters: JSONSlice?
        var members = JSONScanner(bytes, at: function)
        try? members.members { key, value in
            isEmpty = false
            if key.equals("parameters") { parameters = value }
        }
        if let parameters {
            guard JSONScanner(bytes).isNull(parameters) else { return }
            self.edits.append(Edit(range: parameters.range, text: ByteBuffer(staticString: Self.noParameters)))
            return
        }
        let end = function.end - 1
        let comma = isEmpty ? "" : ","
        self.edits.append(
            Edit(range: end..<end, text: ByteBuffer(string: "\(comma)\"parameters\":\(Self.noParameters)"))
        )
    }

    private static let noParameters: StaticString = #"{"type":"object","properties":{}}"#

    /// Puts ids that the provider does not take into its form: in `tool_calls`, and in `tool_call_id` alike.
    ///
    /// - Parameter isKept: Made false for a list of calls that is null, which the provider refuses and nobody misses.
    mutating func shortenCallIDs(
        _ key: JSONKey,
        _ value: JSONSlice,
        _ bytes: UnsafeRawBufferPointer,
        isKept: inout Bool
    ) {
        let reader = JSONScanner(bytes)
        if key.equals("tool_call_id") {
            self.shorten(value, reader)
        } else if key.equals("tool_calls") {
            guard reader.kind(value) == .array else {
                if reader.isNull(value) { isKept = false }
                return
            }
            var calls = JSONScanner(bytes, at: value)
            try? calls.elements { (call) throws(JSONError) in
                guard reader.kind(call) == .object else { return }
                var members = JSONScanner(bytes, at: call)
                try members.members(of: JSONNames("id")) { (_, id) throws(JSONError) in self.shorten(id.value, reader) }
            }
        }
    }

    private mutating func shorten(_ id: JSONSlice, _ reader: JSONScanner) {
        guard let content = reader.content(id), !ShortCallID.fits(content) else { return }
        self.edits.append(Edit(range: id.range, text: ByteBuffer(string: "\"\(ShortCallID.hash(content))\"")))
    }
}

/// Mistral's ids of tool calls: exactly nine letters or digits.
enum ShortCallID {
    static let count = 9

    static func fits(_ id: UnsafeRawBufferPointer) -> Bool {
        id.count == Self.count
            && id.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: false
                }
            }
    }

    /// The same id for the same bytes, and another for others, but for one chance in some 10^16.
    ///
    /// Cut short, ids would be alike: other providers' all begin with the same letters.
    static func hash(_ id: UnsafeRawBufferPointer) -> String {
        // FNV-1a, 64 bits, mixed once more, since its high bits are slow to change.
        var hash = id.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 32) &* 0xd6e8_feb8_6659_fd93
        hash ^= hash >> 32
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        let text = (0..<Self.count).map { _ in
            defer { hash /= 62 }
            return digits[Int(hash % 62)]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
