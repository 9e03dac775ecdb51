internal import CSodium
package import Core
package import NIOCore

/// What a client calls one request, so that sending it again does nothing again.
package struct IdempotencyKey: Sendable, Hashable {
    /// The longest key, in characters.
    package static let lengthMax = 255

    package let text: String

    /// The key, if the bytes are 1 to 255 visible ASCII characters; else nil.
    package init?(_ bytes: some Collection<UInt8>) {
        guard (1...Self.lengthMax).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        self.text = String(decoding: bytes, as: UTF8.self)
    }
}

/// Whose key it is: the same key of another holder is another key.
package struct IdempotencyScope: Sendable, Hashable {
    package let group: GroupID
    /// The gateway key, or the person behind a token.
    package let holder: String
    package let key: IdempotencyKey

    package init(group: GroupID, holder: String, key: IdempotencyKey) {
        self.group = group
        self.holder = holder
        self.key = key
    }
}

/// What a request was about: a retry is the same request if and only if this is the same.
package struct RequestFingerprint: Sendable, Hashable {
    /// Bytes of a digest.
    package static let length = 32

    package let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// BLAKE2b-256 of the operation's name and of the body as it came.
    ///
    /// Headers do not count: a retry may well have another request id or another timeout.
    package init(operation: String, body: ByteBuffer) {
        var message = ByteBuffer(string: operation)
        message.writeInteger(UInt8(0))
        let head = Self.digest(message)
        var whole = ByteBuffer(bytes: head)
        whole.writeBytes(Self.digest(body))
        self.bytes = Self.digest(whole)
    }

    private static func digest(_ message: ByteBuffer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        let status = message.withUnsafeReadableBytes { bytes in
            crypto_generichash(
                &digest,
                digest.count,
                bytes.bindMemory(to: UInt8.self).baseAddress,
                UInt64(bytes.count),
                nil,
                0
            )
        }
        precondition(status == 0, "BLAKE2b has no digest of \(Self.length) bytes")
        return digest
    }
}
