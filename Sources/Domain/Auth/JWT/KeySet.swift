import Core
import FoundationEssentials
import JWTKit
import NIOCore

/// One public key of an issuer, bound to the one algorithm it may be used with.
struct VerificationKey: Sendable {
    let algorithm: SigningAlgorithm
    private let verifier: any JWTAlgorithm

    /// Whether `signature` was made over `bytes` by the owner of this key.
    func verifies(_ signature: [UInt8], over bytes: [UInt8]) -> Bool {
        // jwt-kit throws for some wrong signatures and returns false for others.
        (try? self.verifier.verify(signature, signs: bytes)) ?? false
    }

    /// Binds a key to its algorithm.
    ///
    /// A collection of one key with its algorithm set has nothing to choose: neither jwt-kit's fallback to the first
    /// key nor its use of the token's algorithm can come into play (row 41).
    fileprivate init?(_ key: JWK, as algorithm: SigningAlgorithm) async {
        guard let id = key.keyIdentifier else { return nil }
        let collection = JWTKeyCollection()
        do {
            try await collection.add(jwk: key)
            self.verifier = try await collection.getKey(for: id)
        } catch {
            return nil
        }
        guard self.verifier.name == algorithm.rawValue else { return nil }
        self.algorithm = algorithm
    }
}

/// The public keys of an issuer at one moment (RFC 7517).
struct KeySet: Sendable {
    /// By the bytes of the key id: Swift would call two spellings of `é` equal.
    private let keys: [[UInt8]: VerificationKey]
    /// The document, to see whether a later one is the same.
    private let document: ByteBuffer

    /// The longest document.
    static let bytesMax = 1 << 20
    /// The most keys, those that we do not use included.
    static let countMax = 50

    /// How many keys can be used.
    var count: Int { self.keys.count }

    func key(_ id: String) -> VerificationKey? { self.keys[Array(id.utf8)] }

    /// Whether both came from the same bytes.
    func isSame(as other: KeySet) -> Bool { self.document == other.document }

    /// Reads a document.
    ///
    /// Keys for other purposes, of unknown types or of algorithms that are not allowed are passed over. A document that
    /// holds a secret is refused whole: whoever publishes one has lost control of it (row 42).
    init(_ document: ByteBuffer, algorithms: [SigningAlgorithm]) async throws(KeySetError) {
        guard document.readableBytes <= Self.bytesMax else { throw .tooLarge }
        guard let value = try? JSONValue.parse(document), let entries = value["keys"]?.arrayValue else {
            throw .malformed
        }
        guard entries.count <= Self.countMax else { throw .tooManyKeys }
        var keys: [[UInt8]: VerificationKey] = [:]
        var seen = Set<[UInt8]>()
        for entry in entries {
            guard entry.objectValue != nil else { throw .malformed }
            for name in ["k", "d", "p", "q", "dp", "dq", "qi", "oth"] where entry[name] != nil { throw .holdsSecret }
            guard entry["kty"]?.stringValue != "oct" else { throw .holdsSecret }
            guard let id = entry["kid"]?.stringValue, !id.isEmpty else { continue }
            guard seen.insert(Array(id.utf8)).inserted else { throw .duplicateKeyID }
            guard let plan = Self.plan(entry, id: id, algorithms: algorithms),
                let key = await VerificationKey(plan.key, as: plan.algorithm)
            else { continue }
            keys[Array(id.utf8)] = key
        }
        guard !keys.isEmpty else { throw .noUsableKey }
        self.keys = keys
        self.document = document
    }

    /// The key and the algorithm it is for, from what the issuer and the operator say and nobody else.
    private static func plan(
        _ entry: JSONValue,
        id: String,
        algorithms: [SigningAlgorithm]
    ) -> (key: JWK, algorithm: SigningAlgorithm)? {
        if let use = entry["use"], use.stringValue != "sig" { return nil }
        if let operations = entry["key_ops"] {
            guard operations.arrayValue?.contains("verify") == true else { return nil }
        }
        guard let algorithm = Self.algorithm(of: entry, allowed: algorithms),
            let name = JWK.Algorithm(rawValue: algorithm.rawValue)
        else { return nil }
        let identifier = JWKIdentifier(string: id)
        switch algorithm.family {
        case .rsa:
            guard let modulus = Self.text(entry["n"], bytes: 256...1024),
                let exponent = Self.text(entry["e"], bytes: 1...8)
            else { return nil }
            return (.rsa(name, identifier: identifier, modulus: modulus, exponent: exponent), algorithm)
        case .elliptic(let curve, let count):
            guard let x = Self.text(entry["x"], bytes: count...count),
                let y = Self.text(entry["y"], bytes: count...count),
                let curve = ECDSACurve(rawValue: curve)
            else { return nil }
            return (.ecdsa(name, identifier: identifier, x: x, y: y, curve: curve), algorithm)
        case .edwards:
            guard let x = Self.text(entry["x"], bytes: 32...32) else { return nil }
            return (.octetKeyPair(name, identifier: identifier, x: x, y: nil, curve: .ed25519), algorithm)
        }
    }

    /// The algorithm of a key: what it says itself, else what its type allows, within what the operator allows.
    private static func algorithm(of entry: JSONValue, allowed: [SigningAlgorithm]) -> SigningAlgorithm? {
        let fitting: [SigningAlgorithm]
        switch entry["kty"]?.stringValue {
        case "RSA": fitting = allowed.filter(\.isRSA)
        case "EC":
            let own = entry["crv"]?.stringValue.flatMap(SigningAlgorithm.ofCurve)
            fitting = allowed.filter { $0 == own }
        case "OKP": fitting = entry["crv"]?.stringValue == "Ed25519" ? allowed.filter { $0 == .edDSA } : []
        default: fitting = []
        }
        guard let named = entry["alg"] else { return fitting.first }
        return fitting.first { $0.rawValue == named.stringValue }
    }

    /// A number in base64url that has as many bytes as it should.
    private static func text(_ value: JSONValue?, bytes: ClosedRange<Int>) -> String? {
        guard let text = value?.stringValue, let decoded = Base64URL.decode(Array(text.utf8)),
            bytes.contains(decoded.count)
        else { return nil }
        return text
    }
}

/// Why a document is not taken as an issuer's keys.
package enum KeySetError: String, Error, Sendable, CaseIterable {
    case tooLarge = "too_large"
    case malformed
    case tooManyKeys = "too_many_keys"
    case duplicateKeyID = "duplicate_key_id"
    case holdsSecret = "holds_a_secret"
    case noUsableKey = "no_usable_key"
}
