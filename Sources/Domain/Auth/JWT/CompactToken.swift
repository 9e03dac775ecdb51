import Core

/// A token taken apart, nothing of it believed yet (RFC 7515 section 3.1).
struct CompactToken {
    /// Header and payload as they were signed: the bytes before the second dot.
    let signedBytes: [UInt8]
    let signature: [UInt8]
    let claims: JSONValue
    /// The algorithm that the header names; compared with what is allowed, never used to choose.
    let algorithm: SigningAlgorithm
    let keyID: String

    /// The longest token that is looked at; also keeps it within a request's head.
    static let bytesMax = 8 << 10
    /// The longest key id.
    private static let keyIDBytesMax = 256

    /// Takes a token apart.
    ///
    /// Keys and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`, `x5t`) are never looked at: who writes a
    /// token must not choose what it is checked with.
    init(_ token: [UInt8]) throws(TokenRefusal) {
        guard token.count <= Self.bytesMax else { throw .tooLong }
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { throw .malformed }
        guard let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        (self.algorithm, self.keyID) = try Self.check(header)
        self.signedBytes = Array(token[..<(parts[2].startIndex - 1)])
        self.signature = signature
        self.claims = claims
    }

    /// Objects only, and no name twice at any depth, so that no two readers see different claims.
    private static func object(_ part: ArraySlice<UInt8>) -> JSONValue? {
        guard let bytes = Base64URL.decode(part) else { return nil }
        let value = bytes.withUnsafeBytes { try? JSONValue.parse($0) }
        return value?.objectValue == nil ? nil : value
    }

    private static func check(_ header: JSONValue) throws(TokenRefusal) -> (SigningAlgorithm, String) {
        // Extensions that must be understood, compression and unencoded payloads are none of ours (RFC 7515 4.1.11).
        for name in ["crit", "b64", "zip", "enc"] where header[name] != nil { throw .critical }
        guard let name = header["alg"]?.stringValue else { throw .badHeader }
        guard let algorithm = SigningAlgorithm.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name.utf8) })
        else { throw .algorithmNotAllowed }
        if let type = header["typ"] {
            guard let text = type.stringValue, Self.isAccessToken(text) else { throw .wrongType }
        }
        guard let keyID = header["kid"]?.stringValue, !keyID.isEmpty, keyID.utf8.count <= Self.keyIDBytesMax else {
            throw .noKeyID
        }
        return (algorithm, keyID)
    }

    /// `JWT`, or `at+jwt` of RFC 9068; media types have no case, and `application/` may stand before them.
    private static func isAccessToken(_ type: String) -> Bool {
        var name = Substring(type.lowercased())
        if name.hasPrefix("application/") { name = name.dropFirst(12) }
        return name == "jwt" || name == "at+jwt"
    }
}
