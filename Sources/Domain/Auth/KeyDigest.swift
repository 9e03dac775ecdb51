internal import Crypto

/// SHA-256 of a whole gateway key, the only form in which Turnpike keeps one.
package struct KeyDigest: Sendable, Hashable {
    private let a: UInt64
    private let b: UInt64
    private let c: UInt64
    private let d: UInt64

    /// Hashes every byte of `key`; nothing is cut off (row 40).
    package init(of key: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: key)
        let words = hash.finalize().withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
        (self.a, self.b, self.c, self.d) = words
    }

    /// Hashes the UTF-8 bytes of `key`.
    package init(of key: String) {
        var text = key
        self = text.withUTF8 { KeyDigest(of: UnsafeRawBufferPointer($0)) }
    }

    /// Takes 32 bytes as they were stored, or gives nil for any other number.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        (self.a, self.b, self.c, self.d) = bytes.withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            )
        }
    }

    /// The bytes of the digest, to be stored.
    package var bytes: [UInt8] {
        [self.a, self.b, self.c, self.d].withUnsafeBytes { Array($0) }
    }

    /// Bytes of a digest.
    package static let byteCount = 32

    /// Zero, which no known input hashes to; stands where there is no key.
    static let none = KeyDigest(a: 0, b: 0, c: 0, d: 0)

    private init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        self.a = a
        self.b = b
        self.c = c
        self.d = d
    }

    /// Picks a slot of a hash table.
    var bucketSeed: Int { Int(truncatingIfNeeded: self.a) }

    /// All bits set if both are equal, else none; without a branch on the contents (row 38).
    func equalityMask(_ other: KeyDigest) -> Int {
        let difference = (self.a ^ other.a) | (self.b ^ other.b) | (self.c ^ other.c) | (self.d ^ other.d)
        // The top bit of `difference | -difference` is set for everything but zero.
        let isDifferent = (difference | (0 &- difference)) >> 63
        return Int(truncatingIfNeeded: isDifferent) &- 1
    }
}
