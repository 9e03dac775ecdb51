internal import CSodium

/// The 32 bytes of a sealing key, and where they came from.
///
/// What every source of keys produces: hexadecimal digits in a setting, a key file, a vault somewhere else.
package struct KeyMaterial: Sendable {
    /// Bytes of a key of XChaCha20-Poly1305.
    package static let byteCount = 32

    /// Always 32 bytes.
    package let bytes: GuardedBytes
    /// Where the key came from, safe to show: "file data/encryption.key", "setting credentials.encryption_key".
    package let source: String

    /// Takes 32 guarded bytes; nil for another count.
    package init?(_ bytes: GuardedBytes, source: String) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
        self.source = source
    }

    /// A new key from 256 random bits.
    ///
    /// - Throws: `VaultError.noRandomness`, `VaultError.noGuardedMemory`.
    package init(newFrom entropy: Entropy, source: String) throws(VaultError) {
        self.bytes = try GuardedBytes(count: Self.byteCount) { bytes throws(VaultError) in try entropy.fill(bytes) }
        self.source = source
    }

    /// The name of the key.
    package var id: KeyID {
        self.bytes.withBytes { key in
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { digest in
                Sodium.hash(key, into: digest)
                return KeyID(UnsafeRawBufferPointer(rebasing: digest[..<KeyID.byteCount]))
            }
        }
    }
}

/// A key that seals and opens, and its name.
package struct SealingKey: Sendable {
    package let id: KeyID
    /// Where the key came from, safe to show.
    package let source: String
    private let bytes: GuardedBytes

    package init(_ material: KeyMaterial) {
        self.id = material.id
        self.source = material.source
        self.bytes = material.bytes
    }

    /// Lends the 32 bytes to the cipher.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try self.bytes.withBytes(body)
    }

    /// HMAC-SHA-256 of `message` under a key derived from this one for `purpose` alone.
    ///
    /// The derived key is the BLAKE2b-256 of `turnpike/` and the purpose, keyed with this key: what signs can neither
    /// open nor be mistaken for what signs something else.
    package func mac(_ message: [UInt8], purpose: StaticString) -> [UInt8] {
        self.bytes.withBytes { key in
            let label = Array("turnpike/\(purpose)".utf8)
            return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { derived in
                label.withUnsafeBytes { Sodium.hash($0, key: key, into: derived) }
                defer { Sodium.wipe(derived) }
                var mac = [UInt8](repeating: 0, count: 32)
                if let signingKey = derived.bindMemory(to: UInt8.self).baseAddress {
                    crypto_auth_hmacsha256(&mac, message, UInt64(message.count), signingKey)
                }
                return mac
            }
        }
    }
}
