internal import Core
package import NIOCore

/// What a request for speech says besides its text.
package enum SpeechBody {
    private static let names = JSONNames("stream_format")
    private static let textNames = JSONNames("input")

    /// Characters of the text that is to be spoken, as Unicode counts them; nil if there is no `input`.
    ///
    /// - Parameter body: A JSON object.
    package static func characters(_ body: UnsafeRawBufferPointer) -> Int? {
        var found: Int?
        let reader = JSONScanner(body)
        var members = JSONScanner(body)
        try? members.members(of: Self.textNames) { (_, member) throws(JSONError) in
            found = reader.string(member.value)?.unicodeScalars.count
        }
        return found
    }

    /// Whether the sound is to come in events: `stream_format: sse`.
    package static func wantsEvents(_ body: ByteBuffer) -> Bool {
        body.withUnsafeReadableBytes { bytes in
            var found = false
            let reader = JSONScanner(bytes)
            var members = JSONScanner(bytes)
            try? members.members(of: Self.names) { (_, member) throws(JSONError) in
                found = reader.equals(member.value, "sse")
            }
            return found
        }
    }
}
