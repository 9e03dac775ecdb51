/// The signature algorithms that an issuer may be allowed: asymmetric ones only (RFC 7518 section 3.1, RFC 8037).
///
/// `none` and the HMAC family are not in the list, so that no configuration can let them in (row 41).
package enum SigningAlgorithm: String, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"

    /// What kind of key an algorithm needs.
    enum Family: Sendable {
        case rsa
        /// The curve's name in a key, and how many bytes each coordinate has.
        case elliptic(curve: String, coordinateBytes: Int)
        case edwards
    }

    var family: Family {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
        case .es256: .elliptic(curve: "P-256", coordinateBytes: 32)
        case .es384: .elliptic(curve: "P-384", coordinateBytes: 48)
        case .es512: .elliptic(curve: "P-521", coordinateBytes: 66)
        case .edDSA: .edwards
        }
    }

    var isRSA: Bool {
        if case .rsa = self.family { true } else { false }
    }

    /// The one algorithm of an elliptic curve.
    static func ofCurve(_ name: String) -> SigningAlgorithm? {
        switch name {
        case "P-256": .es256
        case "P-384": .es384
        case "P-521": .es512
        default: nil
        }
    }
}
