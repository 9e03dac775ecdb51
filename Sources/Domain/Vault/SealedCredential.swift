package import Core

/// What a sealed value belongs to; it opens nowhere else (row 57).
package struct SealContext: Sendable, Hashable {
    package var group: GroupID
    package var provider: String
    /// The id of the row.
    package var credential: String
    /// The column, as the registry of encrypted columns names it.
    package var field: String

    package init(group: GroupID, provider: String, credential: String, field: String) {
        self.group = group
        self.provider = provider
        self.credential = credential
        self.field = field
    }

    /// What is authenticated besides the ciphertext.
    ///
    /// Seven parts, each behind its length as four bytes, big-endian, so that no two contexts give the same bytes:
    /// `turnpike/cred`, the version (magic and algorithm), key id, group, provider, credential, field.
    package func associatedData(keyID: KeyID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        func append(_ part: some Collection<UInt8>) {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: part.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: part)
        }
        append("turnpike/cred".utf8)
        append(SealedCredential.version)
        append(keyID.bytes)
        append(self.group.text.utf8)
        append(self.provider.utf8)
        append(self.credential.utf8)
        append(self.field.utf8)
        return bytes
    }
}

/// A sealed value together with all that opening it needs but the key.
///
/// The blob is `TPK1 | algorithm u8 | key id 16 | nonce 24 | ciphertext | tag 16`, the algorithm 1 being
/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha). The associated data are built once, here, not on every call.
package struct SealedCredential: Sendable {
    /// The most a value may have; a provider key has 4096 at most.
    package static let plaintextBytesMax = 65_536
    /// What a blob has besides its ciphertext.
    package static let overhead = headerCount + nonceCount + tagCount

    static let version = Array("TPK1".utf8) + [1]
    static let nonceCount = XChaCha20Poly1305.nonceCount
    static let tagCount = XChaCha20Poly1305.tagCount
    private static let headerCount = 5 + KeyID.byteCount

    /// The key that opens it; a claim of whoever wrote the blob, proven by opening.
    package let keyID: KeyID
    /// Associated data, nonce, ciphertext and tag, one after the other, in one allocation.
    private let storage: [UInt8]
    private let associatedCount: Int

    /// Takes a blob from the store; nothing is proven until it is opened.
    ///
    /// - Throws: `VaultError.unreadable` for anything that is not a blob of this version.
    package init(blob: [UInt8], context: SealContext) throws(VaultError) {
        guard
            blob.count >= Self.overhead, blob.count <= Self.overhead + Self.plaintextBytesMax,
            blob.starts(with: Self.version)
        else { throw .unreadable }
        let keyID = blob.withUnsafeBytes { bytes in
            KeyID(UnsafeRawBufferPointer(rebasing: bytes[Self.version.count..<Self.headerCount]))
        }
        let associated = context.associatedData(keyID: keyID)
        self.keyID = keyID
        self.associatedCount = associated.count
        self.storage = associated + blob[Self.headerCount...]
    }

    /// The key that a blob says it was sealed with; nil for what is no blob.
    package static func keyID(ofBlob blob: [UInt8]) -> KeyID? {
        guard blob.count >= Self.overhead, blob.starts(with: Self.version) else { return nil }
        return blob.withUnsafeBytes { bytes in
            KeyID(UnsafeRawBufferPointer(rebasing: bytes[Self.version.count..<Self.headerCount]))
        }
    }

    /// Seals `plaintext` with `key` and a nonce that was never used before.
    init(
        sealing plaintext: UnsafeRawBufferPointer,
        with key: SealingKey,
        context: SealContext,
        nonce: [UInt8]
    ) throws(VaultError) {
        precondition(nonce.count == Self.nonceCount, "a nonce has 24 bytes, not \(nonce.count)")
        guard plaintext.count <= Self.plaintextBytesMax else { throw .tooLong(bytes: plaintext.count) }
        let associated = context.associatedData(keyID: key.id)
        let output = associated.count + nonce.count
        var storage = associated + nonce
        storage.append(contentsOf: repeatElement(0, count: plaintext.count + Self.tagCount))
        let outcome: Result<Void, VaultError> = storage.withUnsafeMutableBytes { room in
            let bytes = UnsafeRawBufferPointer(room)
            do throws(VaultError) {
                return .success(
                    try key.withBytes { key throws(VaultError) in
                        try XChaCha20Poly1305.seal(
                            plaintext,
                            associated: UnsafeRawBufferPointer(rebasing: bytes[..<associated.count]),
                            nonce: UnsafeRawBufferPointer(rebasing: bytes[associated.count..<output]),
                            key: key,
                            into: UnsafeMutableRawBufferPointer(rebasing: room[output...])
                        )
                    }
                )
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
        self.keyID = key.id
        self.storage = storage
        self.associatedCount = associated.count
    }

    /// The bytes to store.
    package var blob: [UInt8] { Self.version + self.keyID.bytes + self.storage[self.associatedCount...] }

    /// How many bytes opening it gives.
    package var plaintextCount: Int {
        self.storage.count - self.associatedCount - Self.nonceCount - Self.tagCount
    }

    /// Writes the plaintext into the first `plaintextCount` bytes of `output`; false if it is not authentic, and then
    /// `output` holds nothing of it.
    func open(with key: SealingKey, into output: UnsafeMutableRawBufferPointer) -> Bool {
        let start = self.associatedCount + Self.nonceCount
        return key.withBytes { key in
            self.storage.withUnsafeBytes { bytes in
                XChaCha20Poly1305.open(
                    UnsafeRawBufferPointer(rebasing: bytes[start...]),
                    associated: UnsafeRawBufferPointer(rebasing: bytes[..<self.associatedCount]),
                    nonce: UnsafeRawBufferPointer(rebasing: bytes[self.associatedCount..<start]),
                    key: key,
                    into: output
                )
            }
        }
    }
}
