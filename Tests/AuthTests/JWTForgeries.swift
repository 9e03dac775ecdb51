import Auth
import Core
import Crypto
import FoundationEssentials
import JWTKit

/// A token that must not be believed, and what the log will say of it.
struct Forgery: Sendable {
    let name: String
    let reason: TokenRefusal
    let make: @Sendable (JWTBench) throws -> String

    init(_ name: String, _ reason: TokenRefusal, _ make: @escaping @Sendable (JWTBench) throws -> String) {
        self.name = name
        self.reason = reason
        self.make = make
    }

    /// A token that is right but for its claims.
    static func claims(_ name: String, _ reason: TokenRefusal, _ changes: (String, JSONValue?)...) -> Forgery {
        Forgery(name, reason) { try $0.token(claims: JWTBench.claims(changes)) }
    }

    /// A token that is right but for its header.
    static func header(_ name: String, _ reason: TokenRefusal, _ header: String) -> Forgery {
        Forgery(name, reason) { try $0.token(header: header) }
    }

    static let all = algorithms + keys + headers + forms + audiences + times + texts + signatures

    // MARK: - Algorithms

    static let algorithms: [Forgery] =
        [
            "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "es256", "ES256 ", "ES256K", "RSA-OAEP",
            "null",
        ]
        .map { name in
            Forgery("alg \"\(name)\" without signature", .malformed) {
                try $0.token(header: #"{"alg":"\#(name)","kid":"ec"}"#, .none)
            }
        } + [
            Forgery("alg none with a signature", .algorithmNotAllowed) {
                try $0.token(header: #"{"alg":"none","kid":"ec"}"#)
            },
            Forgery("alg none with one byte", .algorithmNotAllowed) {
                try $0.token(header: #"{"alg":"none","kid":"ec"}"#, .bytes([0]))
            },
            Forgery("HS256 with the PEM of the EC key", .algorithmNotAllowed) { bench in
                let pem = Array(bench.elliptic.publicKey.pemRepresentation.utf8)
                return try bench.token(header: #"{"alg":"HS256","kid":"ec"}"#, .hmac(pem))
            },
            Forgery("HS256 with the PEM of the RSA key", .algorithmNotAllowed) { bench in
                let pem = Array(bench.rsa.publicKey.pemRepresentation.utf8)
                return try bench.token(header: #"{"alg":"HS256","kid":"rsa"}"#, .hmac(pem))
            },
            Forgery("HS256 with the DER of the RSA key", .algorithmNotAllowed) { bench in
                try bench.token(
                    header: #"{"alg":"HS256","kid":"rsa"}"#,
                    .hmac(Array(bench.rsa.publicKey.derRepresentation))
                )
            },
            Forgery("ES256 said, HMAC with the public key done", .badSignature) { bench in
                let pem = Array(bench.elliptic.publicKey.pemRepresentation.utf8)
                return try bench.token(.hmac(pem))
            },
            .header("RS256 for an EC key", .algorithmNotAllowed, #"{"alg":"RS256","kid":"ec"}"#),
            .header("ES256 for an RSA key", .algorithmNotAllowed, #"{"alg":"ES256","kid":"rsa"}"#),
            Forgery("PS256 for a key that is for RS256", .algorithmNotAllowed) {
                try $0.token(header: #"{"alg":"PS256","kid":"rsa"}"#, .rsa)
            },
            .header("ES384, which is not allowed here", .algorithmNotAllowed, #"{"alg":"ES384","kid":"ec"}"#),
            .header("no algorithm", .badHeader, #"{"kid":"ec"}"#),
            .header("a list of algorithms", .badHeader, #"{"alg":["ES256"],"kid":"ec"}"#),
            .header("a number for an algorithm", .badHeader, #"{"alg":256,"kid":"ec"}"#),
            .header("two algorithms", .malformed, #"{"alg":"ES256","alg":"none","kid":"ec"}"#),
            .header("two algorithms, one in disguise", .malformed, #"{"alg":"none","\u0061lg":"ES256","kid":"ec"}"#),
        ]

    // MARK: - Keys

    static let keys: [Forgery] = [
        .header("no key id", .noKeyID, #"{"alg":"ES256"}"#),
        .header("an empty key id", .noKeyID, #"{"alg":"ES256","kid":""}"#),
        .header("a number for a key id", .noKeyID, #"{"alg":"ES256","kid":1}"#),
        .header("no value for a key id", .noKeyID, #"{"alg":"ES256","kid":null}"#),
        .header("an unknown key id", .unknownKey, #"{"alg":"ES256","kid":"nobody"}"#),
        .header("a key id in capitals", .unknownKey, #"{"alg":"ES256","kid":"EC"}"#),
        .header("a key id with a space", .unknownKey, #"{"alg":"ES256","kid":"ec "}"#),
        .header("a key id that is a path", .unknownKey, #"{"alg":"ES256","kid":"../../dev/null"}"#),
        .header("a key id that is SQL", .unknownKey, #"{"alg":"ES256","kid":"ec' OR 1=1 --"}"#),
        Forgery("the key of another issuer", .unknownKey) {
            try $0.token(header: #"{"alg":"ES256","kid":"neighbour"}"#, .other)
        },
        Forgery("another key under a known id", .badSignature) { try $0.token(.other) },
        Forgery("another issuer's name over our key", .unknownKey) {
            try $0.token(claims: JWTBench.claims([("iss", "https://other.example.com")]))
        },
        Forgery("a key brought along", .badSignature) { bench in
            let key = JWTBench.jwk(bench.other.publicKey, id: "ec")
            return try bench.token(header: #"{"alg":"ES256","kid":"ec","jwk":\#(key)}"#, .other)
        },
        Forgery("a key brought along, without an id", .noKeyID) { bench in
            let key = JWTBench.jwk(bench.other.publicKey, id: "own")
            return try bench.token(header: #"{"alg":"ES256","jwk":\#(key)}"#, .other)
        },
        Forgery("the address of a key brought along", .badSignature) {
            try $0.token(header: #"{"alg":"ES256","kid":"ec","jku":"https://evil.example/keys"}"#, .other)
        },
        Forgery("the address of a certificate brought along", .badSignature) {
            try $0.token(header: #"{"alg":"ES256","kid":"ec","x5u":"https://evil.example/cert"}"#, .other)
        },
        Forgery("a certificate brought along", .badSignature) {
            try $0.token(header: #"{"alg":"ES256","kid":"ec","x5c":["MIIB"]}"#, .other)
        },
    ]

    // MARK: - The rest of the header

    static let headers: [Forgery] = [
        .header(
            "an extension that must be understood",
            .critical,
            #"{"alg":"ES256","kid":"ec","crit":["exp"],"exp":1}"#
        ),
        .header("an empty list of extensions", .critical, #"{"alg":"ES256","kid":"ec","crit":[]}"#),
        .header("an unencoded payload", .critical, #"{"alg":"ES256","kid":"ec","b64":false}"#),
        .header("compression", .critical, #"{"alg":"ES256","kid":"ec","zip":"DEF"}"#),
        .header("encryption", .critical, #"{"alg":"ES256","kid":"ec","enc":"A128GCM"}"#),
        .header("an identity token of another kind", .wrongType, #"{"alg":"ES256","kid":"ec","typ":"dpop+jwt"}"#),
        .header("a logout token", .wrongType, #"{"alg":"ES256","kid":"ec","typ":"logout+jwt"}"#),
        .header("a security event", .wrongType, #"{"alg":"ES256","kid":"ec","typ":"secevent+jwt"}"#),
        .header("a number for a type", .wrongType, #"{"alg":"ES256","kid":"ec","typ":1}"#),
    ]

    // MARK: - The form

    static let forms: [Forgery] = [
        Forgery("nothing", .malformed) { _ in "" },
        Forgery("two dots", .malformed) { _ in ".." },
        Forgery("two parts", .malformed) { try $0.token().split(separator: ".").dropLast().joined(separator: ".") },
        Forgery("four parts", .malformed) { try $0.token() + ".e30" },
        Forgery("a dot at the end", .malformed) { try $0.token() + "." },
        Forgery("a dot at the start", .malformed) { try "." + $0.token() },
        Forgery("padding", .malformed) { try $0.token() + "==" },
        Forgery("a space at the end", .malformed) { try $0.token() + " " },
        Forgery("a line feed at the end", .malformed) { try $0.token() + "\n" },
        Forgery("a NUL at the end", .malformed) { try $0.token() + "\0" },
        Forgery("the other alphabet of base64", .malformed) { _ in "e30.e30.++//" },
        Forgery("a list for a header", .malformed) { try $0.token(header: "[]") },
        Forgery("a text for claims", .malformed) { try $0.token(claims: #""sub""#) },
        Forgery("claims that are not JSON", .malformed) { try $0.token(claims: "{") },
        Forgery("claims that are not UTF-8", .malformed) { bench in
            let header = JWTBench.base64(#"{"alg":"ES256","kid":"ec"}"#.utf8)
            let signed = header + "." + JWTBench.base64([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])
            return signed + "." + JWTBench.base64(try bench.signature(.elliptic, over: signed))
        },
        Forgery("nesting without end", .malformed) { bench in
            let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
            return try bench.token(claims: #"{"iss":"\#(JWTBench.issuer)","x":\#(deep)}"#)
        },
        Forgery("a subject named twice", .malformed) { bench in
            try bench.token(claims: JWTBench.claims().dropLast() + #","sub":"admin"}"#)
        },
        Forgery("more than 8 KiB", .tooLong) { bench in
            try bench.token(claims: JWTBench.claims([("x", .string(String(repeating: "x", count: 8192)))]))
        },
    ]
}
