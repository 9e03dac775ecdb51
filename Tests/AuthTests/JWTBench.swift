import Auth
import Core
import Crypto
import FoundationEssentials
import JWTKit
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Transport

/// An issuer with its private keys, a wall clock that stands still, and the verifier that believes the issuer.
///
/// Tokens are put together byte by byte, so that every wrong one can be written.
final class JWTBench: Sendable {
    static let issuer = "https://login.example.com/tenant"
    static let audience = "gateway"
    static let start = UnixTime(seconds: 1_800_000_000)

    let elliptic = P256.Signing.PrivateKey()
    let other = P256.Signing.PrivateKey()
    let wide = P384.Signing.PrivateKey()
    let edwards = Curve25519.Signing.PrivateKey()
    let rsa: JWTKit.Insecure.RSA.PrivateKey
    let rsaSigner: any JWTAlgorithm
    let clock = NIOLockedValueBox(JWTBench.start)
    let fetches = NIOLockedValueBox(0)
    /// What the issuer answers; nil stands for an issuer that cannot be reached.
    let document: NIOLockedValueBox<String?>
    let verifier: JWTVerifier

    init(
        algorithms: [SigningAlgorithm] = [.es256, .rs256, .edDSA],
        document: String? = nil,
        claims: ClaimMapping = ClaimMapping(group: "team"),
        cacheCapacity: Int = 16_384
    ) async throws {
        let pem = try String(contentsOfFile: Fixtures.tls("localhost.key"), encoding: .utf8)
        self.rsa = try JWTKit.Insecure.RSA.PrivateKey(pem: pem)
        let signers = JWTKeyCollection()
        await signers.add(rsa: self.rsa, digestAlgorithm: .sha256, kid: "rsa")
        self.rsaSigner = try await signers.getKey(for: "rsa")
        let answer = NIOLockedValueBox<String?>(document)
        let fetches = self.fetches
        let clock = self.clock
        let issuer = try JWTIssuer(
            name: "example",
            issuer: Self.issuer,
            audiences: [Self.audience, "second"],
            keysURL: Self.issuer + "/keys",
            algorithms: algorithms,
            claims: claims
        )
        let second = try JWTIssuer(
            name: "neighbour",
            issuer: "https://other.example.com",
            audiences: [Self.audience],
            keysURL: "https://other.example.com/keys",
            algorithms: [.es256]
        )
        let neighbourKeys = "{\"keys\":[\(Self.jwk(self.other.publicKey, id: "neighbour"))]}"
        self.document = answer
        self.verifier = try JWTVerifier(
            issuers: [issuer, second],
            fetcher: Fetcher { request in
                guard request.endpoint.host == "login.example.com" else {
                    return FetchAnswer(status: 200, body: ByteBuffer(string: neighbourKeys))
                }
                fetches.withLockedValue { $0 += 1 }
                guard let text = answer.withLockedValue({ $0 }) else { throw TransportError.connectFailed("nobody") }
                return FetchAnswer(status: 200, body: ByteBuffer(string: text))
            },
            cacheCapacity: cacheCapacity,
            now: { clock.withLockedValue { $0 } }
        )
        guard document == nil else { return }
        let own = try self.publicKeys.joined(separator: ",")
        answer.withLockedValue { $0 = "{\"keys\":[\(own)]}" }
    }

    var now: UnixTime { self.clock.withLockedValue { $0 } }
    var fetchCount: Int { self.fetches.withLockedValue { $0 } }

    func advance(seconds: Int64) { self.clock.withLockedValue { $0.milliseconds += seconds * 1000 } }

    // MARK: - Keys

    static func jwk(_ key: P256.Signing.PublicKey, id: String, more: String = #","alg":"ES256","use":"sig""#) -> String
    {
        let raw = Array(key.rawRepresentation)
        let (x, y) = (Self.base64(raw[..<32]), Self.base64(raw[32...]))
        return #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(x)","y":"\#(y)"\#(more)}"#
    }

    func rsaKey(id: String, more: String = #","alg":"RS256""#) throws -> String {
        let (modulus, exponent) = try self.rsa.publicKey.getKeyPrimitives()
        let (n, e) = (Self.base64(Array(modulus)), Self.base64(Array(exponent)))
        return #"{"kty":"RSA","kid":"\#(id)","n":"\#(n)","e":"\#(e)"\#(more)}"#
    }

    var publicKeys: [String] {
        get throws {
            let x = Self.base64(Array(self.edwards.publicKey.rawRepresentation))
            return [
                Self.jwk(self.elliptic.publicKey, id: "ec"),
                try self.rsaKey(id: "rsa"),
                #"{"kty":"OKP","crv":"Ed25519","kid":"ed","alg":"EdDSA","x":"\#(x)"}"#,
            ]
        }
    }

    // MARK: - Tokens

    static func claims(_ changes: [(String, JSONValue?)] = []) -> String {
        var members: [(String, JSONValue)] = [
            ("iss", .string(Self.issuer)), ("aud", .string(Self.audience)), ("sub", "user-1"), ("team", "red"),
            ("iat", .integer(Self.start.seconds - 10)), ("exp", .integer(Self.start.seconds + 600)),
        ]
        for (name, value) in changes {
            members.removeAll { $0.0 == name }
            if let value { members.append((name, value)) }
        }
        return JSONValue.object(members).text
    }

    enum Signer: Sendable { case elliptic, other, edwards, rsa, hmac([UInt8]), none, bytes([UInt8]) }

    func signature(_ signer: Signer, over text: String) throws -> [UInt8] {
        let bytes = Array(text.utf8)
        switch signer {
        case .elliptic: return Array(try self.elliptic.signature(for: bytes).rawRepresentation)
        case .other: return Array(try self.other.signature(for: bytes).rawRepresentation)
        case .edwards: return Array(try self.edwards.signature(for: bytes))
        case .rsa: return try self.rsaSigner.sign(bytes)
        case .hmac(let key): return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
        case .none: return []
        case .bytes(let signature): return signature
        }
    }

    /// A token of exactly this header and these claims.
    func token(
        header: String = #"{"alg":"ES256","typ":"JWT","kid":"ec"}"#,
        claims: String = JWTBench.claims(),
        _ signer: Signer = .elliptic
    ) throws -> String {
        let signed = Self.base64(Array(header.utf8)) + "." + Self.base64(Array(claims.utf8))
        return signed + "." + Self.base64(try self.signature(signer, over: signed))
    }

    /// What the verifier says: the identity, or why not.
    func verdict(_ token: String) async -> Result<VerifiedIdentity, TokenError> {
        do {
            return .success(try await self.verifier.verify(Array(token.utf8)))
        } catch let error as TokenError {
            return .failure(error)
        } catch {
            return .failure(.keysUnavailable(issuer: "unexpected \(error)"))
        }
    }

    func cached(_ token: String) -> VerifiedIdentity? {
        Array(token.utf8).withUnsafeBytes { self.verifier.cached($0, now: self.now) }
    }

    static func base64(_ bytes: some Sequence<UInt8>) -> String {
        let text = Data(bytes).base64EncodedString()
        return text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension JWTBench {
    /// A way out that leads nowhere.
    static let nobody = Fetcher { _ in throw TransportError.connectFailed("nobody") }
}
