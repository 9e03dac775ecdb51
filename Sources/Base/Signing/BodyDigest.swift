internal import Crypto
package import NIOCore

/// The SHA-256 of a request's body, which a signature covers.
package struct BodyDigest: Sendable, Equatable {
    private let digest: SHA256.Digest

    /// The digest of the readable bytes of all `pieces`, one behind the other.
    ///
    /// About a millisecond for 2 MB.
    package init(_ pieces: some Sequence<ByteBuffer>) {
        var hash = SHA256()
        for piece in pieces { piece.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
        self.digest = hash.finalize()
    }

    package static func == (left: BodyDigest, right: BodyDigest) -> Bool { left.digest == right.digest }

    /// Appends it as 64 hexadecimal digits.
    func write(into buffer: inout ByteBuffer) {
        self.digest.withUnsafeBytes { Hexadecimal.write($0, into: &buffer) }
    }
}

/// Bytes as lower-case hexadecimal digits.
enum Hexadecimal {
    static func write(_ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 2 * bytes.count) { digits in
            for (index, byte) in bytes.enumerated() {
                digits[2 * index] = self.digit(byte >> 4)
                digits[2 * index + 1] = self.digit(byte & 0xF)
            }
            return 2 * bytes.count
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
