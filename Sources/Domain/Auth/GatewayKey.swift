package import Core

/// What a client sends to Turnpike: `tp_<id>_<secret>`.
///
/// The id is public, the secret is shown once.
package struct GatewayKey: Sendable {
    /// How every key made here begins.
    package static let prefix = "tp_"
    /// Letters and digits of an id.
    package static let idLength = 12
    /// Bytes of chance in a secret.
    package static let secretBytes = 32
    /// The length a secret from the `bootstrap` section may have, in characters.
    package static let bootstrapLength = 20...200

    /// The public part: 12 characters of Crockford's base 32 in lower case.
    package let id: String
    /// The whole key, as the client sends it.
    package let text: Secret<String>

    /// Makes a key from 60 random bits for the id and 256 for the secret.
    package init(using random: inout some RandomNumberGenerator) {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        let id = (0..<Self.idLength).map { _ in alphabet[Int(random.next(upperBound: UInt8(32)))] }
        let secret = (0..<Self.secretBytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        self.id = String(decoding: id, as: UTF8.self)
        self.text = Secret(Self.prefix + self.id + "_" + Self.base64URL(secret))
    }

    /// Takes a key that the operator chose.
    ///
    /// - Parameters:
    ///   - secret: 20 to 200 visible ASCII characters, in any form.
    ///   - name: Becomes the id where `secret` is not of our own form.
    /// - Throws: `GatewayKeyError`; the error never holds the secret.
    package init(bootstrap secret: String, name: String) throws(GatewayKeyError) {
        guard Self.bootstrapLength.contains(secret.utf8.count) else { throw .badLength }
        guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .badCharacter }
        self.id = Self.id(in: secret) ?? name
        self.text = Secret(secret)
    }

    /// The digest under which the key is kept and found.
    package var digest: KeyDigest { self.text.reveal { KeyDigest(of: $0) } }

    /// The id inside a key of our own form, or nil.
    private static func id(in text: String) -> String? {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.dropFirst(Self.prefix.count)
        let id = rest.prefix(Self.idLength)
        guard id.utf8.count == Self.idLength, rest.dropFirst(Self.idLength).hasPrefix("_") else { return nil }
        guard id.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber) }) else { return nil }
        return String(id)
    }

    /// RFC 4648 section 5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var pending = 0
        var bits = 0
        for byte in bytes {
            pending = (pending << 8) | Int(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[(pending >> bits) & 63])
            }
        }
        if bits > 0 { text.append(alphabet[(pending << (6 - bits)) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Why a text cannot be a gateway key.
package enum GatewayKeyError: String, Error, Sendable {
    case badLength = "must have 20 to 200 characters"
    case badCharacter = "must have only visible ASCII characters, no spaces"
}
