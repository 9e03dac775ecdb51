package import Core
package import NIOCore

/// Seals provider keys for the store and opens them for a call.
///
/// A value around one ring of keys: a change of the ring makes a new vault, and both are safe to use from any thread.
/// Nothing waits, and nothing but sealing takes randomness.
///
/// What was opened is not cached: opening a key of 64 bytes takes less than a microsecond (docs/adr/0013-vault.md).
package struct Vault: Sendable {
    package let keyring: Keyring
    private let entropy: Entropy

    package init(_ keyring: Keyring, entropy: Entropy = .system) {
        self.keyring = keyring
        self.entropy = entropy
    }

    /// Seals `plaintext` with the active key, for `context` alone.
    ///
    /// - Throws: `VaultError.noRandomness`, `.activeKeyMissing`, `.tooLong`; then nothing was sealed.
    package func seal(
        _ plaintext: UnsafeRawBufferPointer,
        for context: SealContext
    ) throws(VaultError) -> SealedCredential {
        let key = try self.keyring.active()
        let nonce = try self.entropy.bytes(SealedCredential.nonceCount)
        return try SealedCredential(sealing: plaintext, with: key, context: context, nonce: nonce)
    }

    /// Seals the UTF-8 bytes of `secret`.
    package func seal(_ secret: Secret<String>, for context: SealContext) throws(VaultError) -> SealedCredential {
        try secret.reveal { text throws(VaultError) in
            var copy = text
            return try Self.lend(&copy) { bytes throws(VaultError) in try self.seal(bytes, for: context) }
        }
    }

    /// Seals guarded bytes.
    package func seal(_ secret: GuardedBytes, for context: SealContext) throws(VaultError) -> SealedCredential {
        try secret.withBytes { bytes throws(VaultError) in try self.seal(bytes, for: context) }
    }

    /// Opens `sealed` into guarded memory.
    ///
    /// - Throws: `VaultError.unknownKeyID`, `.unreadable`, `.noGuardedMemory`.
    package func open(_ sealed: SealedCredential) throws(VaultError) -> GuardedBytes {
        let key = try self.keyring.key(sealed.keyID)
        return try GuardedBytes(count: sealed.plaintextCount) { bytes throws(VaultError) in
            guard sealed.open(with: key, into: bytes) else { throw .unreadable }
        }
    }

    /// Opens `sealed` right behind the readable bytes of `buffer`, with no other copy.
    ///
    /// The way of every call: the buffer is the head of the outgoing request, and its owner zeroes it after the write.
    /// - Throws: `VaultError.unknownKeyID`, `.unreadable`; then the buffer's readable bytes are as before.
    package func open(_ sealed: SealedCredential, into buffer: inout ByteBuffer) throws(VaultError) {
        let key = try self.keyring.key(sealed.keyID)
        let count = sealed.plaintextCount
        let written = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            sealed.open(with: key, into: bytes) ? count : 0
        }
        guard written == count, count > 0 else { throw .unreadable }
    }

    /// Opens a blob of the store right behind the readable bytes of `buffer`.
    package func open(_ blob: [UInt8], for context: SealContext, into buffer: inout ByteBuffer) throws(VaultError) {
        try self.open(SealedCredential(blob: blob, context: context), into: &buffer)
    }

    private static func lend<Result>(
        _ text: inout String,
        _ body: (UnsafeRawBufferPointer) throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        let outcome: Swift.Result<Result, VaultError> = text.withUTF8 { bytes in
            do throws(VaultError) {
                return .success(try body(UnsafeRawBufferPointer(bytes)))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
