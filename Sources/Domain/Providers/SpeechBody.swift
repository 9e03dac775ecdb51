internal import Core
package import NIOCore

/// What a request for speech says besides its text.
package enum SpeechBody {
    private static let names = JSONNames("stream_format")

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
