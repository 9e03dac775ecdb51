internal import Auth

/// What is made by chance.
extension Administration {
    /// A prefix and 16 characters of Crockford's base 32: 80 random bits.
    func freshID(_ prefix: String) -> String {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var random = self.surroundings.generator()
        let text = (0..<16).map { _ in alphabet[Int(random.next() & 31)] }
        return prefix + String(decoding: text, as: UTF8.self)
    }

    /// A gateway key, with a secret of 256 random bits.
    func freshKey() -> GatewayKey {
        func make(_ random: some RandomNumberGenerator) -> GatewayKey {
            var random = random
            return GatewayKey(using: &random)
        }
        return make(self.surroundings.generator())
    }
}
