import Crypto

/// XChaCha20-Poly1305 once more, from other parts: HChaCha20 written out here, and ChaCha20-Poly1305 of swift-crypto.
///
/// The oracle for the vault's cipher; shares no code with libsodium.
enum SecondCipher {
    static func seal(_ plaintext: [UInt8], associated: [UInt8], nonce: [UInt8], key: [UInt8]) throws -> [UInt8] {
        let box = try ChaChaPoly.seal(
            plaintext,
            using: SymmetricKey(data: hChaCha20(key: key, nonce: Array(nonce[..<16]))),
            nonce: ChaChaPoly.Nonce(data: [0, 0, 0, 0] + nonce[16...]),
            authenticating: associated
        )
        return Array(box.ciphertext) + Array(box.tag)
    }

    static func open(_ sealed: [UInt8], associated: [UInt8], nonce: [UInt8], key: [UInt8]) throws -> [UInt8] {
        let box = try ChaChaPoly.SealedBox(
            nonce: ChaChaPoly.Nonce(data: [0, 0, 0, 0] + nonce[16...]),
            ciphertext: sealed.dropLast(16),
            tag: sealed.suffix(16)
        )
        let key = SymmetricKey(data: hChaCha20(key: key, nonce: Array(nonce[..<16])))
        return try Array(ChaChaPoly.open(box, using: key, authenticating: associated))
    }

    /// The subkey of section 2.2 of draft-irtf-cfrg-xchacha-03.
    static func hChaCha20(key: [UInt8], nonce: [UInt8]) -> [UInt8] {
        func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) }
        }
        var state: [UInt32] = [0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574]
        state += (0..<8).map { word(key, $0) } + (0..<4).map { word(nonce, $0) }
        func step(_ a: Int, _ b: Int, _ d: Int, _ turn: UInt32) {
            state[a] &+= state[b]
            let mixed = state[d] ^ state[a]
            state[d] = mixed << turn | mixed >> (32 - turn)
        }
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            step(a, b, d, 16)
            step(c, d, b, 12)
            step(a, b, d, 8)
            step(c, d, b, 7)
        }
        for _ in 0..<10 {
            for column in 0..<4 { quarter(column, 4 + column, 8 + column, 12 + column) }
            for start in 0..<4 { quarter(start, 4 + (start + 1) % 4, 8 + (start + 2) % 4, 12 + (start + 3) % 4) }
        }
        return (state[0..<4] + state[12..<16]).flatMap { word in (0..<4).map { UInt8(word >> UInt32(8 * $0) & 0xFF) } }
    }
}
