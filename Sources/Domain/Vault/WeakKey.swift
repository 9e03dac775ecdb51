internal import CSodium

/// Why 32 bytes are no key, although they could be one.
package enum WeakKey: String, Sendable, CaseIterable {
    case zero = "it is all zeros"
    case repeated = "it repeats itself"
    case sequence = "its bytes count up or down"
    case text = "its bytes are readable text, not chance; a passphrase is no key"
    case fewValues = "it has too few different bytes to be random"
    case published = "it is published in a standard, or is the hash of a well-known word"

    /// Fewer different values than this among 32 random bytes happen less than once in 10^14.
    static let differentBytesMin = 17

    /// What is weak about `key`; nil for one that may be random.
    ///
    /// Random keys pass: each test fails for fewer than one in 10^13 of them.
    package static func reason(against key: GuardedBytes) -> WeakKey? {
        key.withBytes { bytes in
            if bytes.allSatisfy({ $0 == 0 }) { return .zero }
            if (1...bytes.count / 2).contains(where: { Self.hasPeriod($0, bytes) }) { return .repeated }
            if Self.isSequence(bytes) { return .sequence }
            if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return .text }
            if Set(bytes).count < Self.differentBytesMin { return .fewValues }
            return Self.isPublished(bytes) ? .published : nil
        }
    }

    private static func hasPeriod(_ period: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        (period..<bytes.count).allSatisfy { bytes[$0] == bytes[$0 - period] }
    }

    /// Whether the difference from each byte to the next is the same everywhere.
    private static func isSequence(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 2 else { return false }
        let step = bytes[1] &- bytes[0]
        return (2..<bytes.count).allSatisfy { bytes[$0] &- bytes[$0 - 1] == step }
    }

    /// Keys of test vectors that people paste: NIST SP 800-38A (AES-256), RFC 8439 (section 2.8.2 counts up, A.5),
    /// RFC 7539 A.3, the key of the XChaCha draft counts up.
    private static let standards: [[UInt8]] = [
        [
            0x60, 0x3D, 0xEB, 0x10, 0x15, 0xCA, 0x71, 0xBE, 0x2B, 0x73, 0xAE, 0xF0, 0x85, 0x7D, 0x77, 0x81,
            0x1F, 0x35, 0x2C, 0x07, 0x3B, 0x61, 0x08, 0xD7, 0x2D, 0x98, 0x10, 0xA3, 0x09, 0x14, 0xDF, 0xF4,
        ],
        [
            0x1C, 0x92, 0x40, 0xA5, 0xEB, 0x55, 0xD3, 0x8A, 0xF3, 0x33, 0x88, 0x86, 0x04, 0xF6, 0xB5, 0xF0,
            0x47, 0x39, 0x17, 0xC1, 0x40, 0x2B, 0x80, 0x09, 0x9D, 0xCA, 0x5C, 0xBC, 0x20, 0x70, 0x75, 0xC0,
        ],
        [
            0x1B, 0x27, 0x55, 0x64, 0x73, 0xE9, 0x85, 0xD4, 0x62, 0xCD, 0x51, 0x19, 0x7A, 0x9A, 0x46, 0xC7,
            0x60, 0x09, 0x54, 0x9E, 0xAC, 0x64, 0x74, 0xF2, 0x06, 0xC4, 0xEE, 0x08, 0x44, 0xF6, 0x83, 0x89,
        ],
    ]

    /// Words whose SHA-256 somebody takes for a key.
    private static let words = [
        "", "password", "secret", "test", "key", "admin", "changeme", "turnpike", "hello", "foo", "123456", "default",
        "encryption", "encryption_key", "development", "production",
    ]

    private static func isPublished(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if Self.standards.contains(where: { $0.elementsEqual(bytes) }) { return true }
        return Self.words.contains { word in
            let text = Array(word.utf8)
            var digest = [UInt8](repeating: 0, count: 32)
            crypto_hash_sha256(&digest, text, UInt64(text.count))
            return digest.elementsEqual(bytes)
        }
    }
}
