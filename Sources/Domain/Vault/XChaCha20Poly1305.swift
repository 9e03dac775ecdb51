internal import CSodium

/// The cipher of the vault: XChaCha20-Poly1305 of libsodium (draft-irtf-cfrg-xchacha), on memory of the caller.
///
/// Lengths are the caller's to get right: a key has 32 bytes, a nonce 24, and sealing adds a tag of 16 behind the
/// ciphertext.
enum XChaCha20Poly1305 {
    static let nonceCount = 24
    static let tagCount = 16

    /// Writes ciphertext and tag into `output`, which has room for exactly that.
    ///
    /// - Throws: `VaultError.noSodium` if libsodium could not be started.
    static func seal(
        _ plaintext: UnsafeRawBufferPointer,
        associated: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        key: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) throws(VaultError) {
        try Sodium.start()
        Self.check(nonce: nonce, key: key)
        precondition(output.count == plaintext.count + Self.tagCount, "\(output.count) bytes are not the room needed")
        guard
            let output = output.bindMemory(to: UInt8.self).baseAddress,
            let nonce = nonce.bindMemory(to: UInt8.self).baseAddress,
            let key = key.bindMemory(to: UInt8.self).baseAddress,
            crypto_aead_xchacha20poly1305_ietf_encrypt(
                output,
                nil,
                plaintext.bindMemory(to: UInt8.self).baseAddress,
                UInt64(plaintext.count),
                associated.bindMemory(to: UInt8.self).baseAddress,
                UInt64(associated.count),
                nil,
                nonce,
                key
            ) == 0
        else { throw .noSodium }
    }

    /// Writes the plaintext into the beginning of `output`; false if `sealed` is not authentic, and then nothing of
    /// the plaintext is in `output`.
    static func open(
        _ sealed: UnsafeRawBufferPointer,
        associated: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        key: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        Self.check(nonce: nonce, key: key)
        guard sealed.count >= Self.tagCount else { return false }
        precondition(output.count >= sealed.count - Self.tagCount, "\(output.count) bytes cannot take the plaintext")
        guard
            let sealedBytes = sealed.bindMemory(to: UInt8.self).baseAddress,
            let nonce = nonce.bindMemory(to: UInt8.self).baseAddress,
            let key = key.bindMemory(to: UInt8.self).baseAddress
        else { return false }
        return crypto_aead_xchacha20poly1305_ietf_decrypt(
            output.bindMemory(to: UInt8.self).baseAddress,
            nil,
            nil,
            sealedBytes,
            UInt64(sealed.count),
            associated.bindMemory(to: UInt8.self).baseAddress,
            UInt64(associated.count),
            nonce,
            key
        ) == 0
    }

    private static func check(nonce: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) {
        precondition(nonce.count == Self.nonceCount, "a nonce has 24 bytes, not \(nonce.count)")
        precondition(key.count == KeyMaterial.byteCount, "a key has 32 bytes, not \(key.count)")
    }
}
