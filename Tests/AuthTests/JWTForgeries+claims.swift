import Auth
import Core
import Crypto

extension Forgery {
    private static let start = JWTBench.start.seconds

    static let audiences: [Forgery] = [
        .claims("no issuer", .unknownIssuer, ("iss", nil)),
        .claims("another issuer", .unknownIssuer, ("iss", "https://evil.example")),
        .claims("the issuer with a slash", .unknownIssuer, ("iss", .string(JWTBench.issuer + "/"))),
        .claims("the issuer in capitals", .unknownIssuer, ("iss", .string(JWTBench.issuer.uppercased()))),
        .claims("the issuer's beginning", .unknownIssuer, ("iss", "https://login.example.com")),
        .claims("a list of issuers", .unknownIssuer, ("iss", [.string(JWTBench.issuer)])),
        .claims("no audience", .wrongAudience, ("aud", nil)),
        .claims("another audience", .wrongAudience, ("aud", "billing")),
        .claims("an empty audience", .wrongAudience, ("aud", "")),
        .claims("an empty list of audiences", .wrongAudience, ("aud", [])),
        .claims("the audience with more behind it", .wrongAudience, ("aud", "gateway:anon")),
        .claims("the audience among others in one text", .wrongAudience, ("aud", "billing gateway")),
        .claims("a list inside the list of audiences", .wrongAudience, ("aud", [["gateway"]])),
        .claims("a number among the audiences", .wrongAudience, ("aud", ["gateway", 1])),
        .claims("an object for an audience", .wrongAudience, ("aud", ["gateway": true])),
    ]

    static let times: [Forgery] = [
        .claims("no expiry", .badClaims, ("exp", nil)),
        .claims("no value for an expiry", .badClaims, ("exp", .some(.null))),
        .claims("an expiry in the past", .expired, ("exp", .integer(start - 31))),
        .claims("an expiry exactly at the end of the leeway", .expired, ("exp", .integer(start - 30))),
        .claims("an expiry of zero", .expired, ("exp", 0)),
        .claims("a negative expiry", .badClaims, ("exp", -1)),
        .claims("an expiry as text", .badClaims, ("exp", "1900000000")),
        .claims("a list of expiries", .badClaims, ("exp", [.integer(start + 600)])),
        .claims("an expiry beyond all integers", .badClaims, ("exp", .number("9223372036854775808"))),
        .claims("the largest integer for an expiry", .badClaims, ("exp", .integer(.max))),
        .claims("an expiry beyond all numbers", .badClaims, ("exp", .number("1e400"))),
        .claims("an expiry in milliseconds", .badClaims, ("exp", .integer((start + 600) * 1000))),
        .claims("valid from tomorrow", .notYetValid, ("nbf", .integer(start + 86_400))),
        .claims("valid from just after the leeway", .notYetValid, ("nbf", .integer(start + 32))),
        .claims("made tomorrow", .notYetValid, ("iat", .integer(start + 86_400))),
        .claims("a text for the start", .badClaims, ("nbf", "now")),
        .claims("a negative time of making", .badClaims, ("iat", -5)),
    ]

    static let texts: [Forgery] = [
        .claims("no subject", .badClaims, ("sub", nil)),
        .claims("an empty subject", .badClaims, ("sub", "")),
        .claims("a number for a subject", .badClaims, ("sub", 1)),
        .claims("a subject with a line feed", .badClaims, ("sub", "user\nadmin")),
        .claims("a subject with a NUL", .badClaims, ("sub", "user\0")),
        .claims("a subject without end", .badClaims, ("sub", .string(String(repeating: "u", count: 256)))),
        .claims("a list of groups", .badClaims, ("team", ["red", "blue"])),
        .claims("an empty group", .badClaims, ("team", "")),
        .claims("a group with a path in it", .badClaims, ("team", "../red")),
        .claims("a subject that turns the line around", .badClaims, ("sub", "user\u{202E}nimda")),
    ]

    /// One claim after another is changed in a token that was signed before.
    static let signatures: [Forgery] =
        [
            Forgery("all zero", .badSignature) { try $0.token(.bytes([UInt8](repeating: 0, count: 64))) },
            Forgery("one byte short", .badSignature) { try $0.token(.bytes([UInt8](repeating: 1, count: 63))) },
            Forgery("one byte long", .badSignature) { try $0.token(.bytes([UInt8](repeating: 1, count: 65))) },
            Forgery("an Ed25519 signature for an EC key", .badSignature) { try $0.token(.edwards) },
            Forgery("the signature of other claims", .badSignature) { bench in
                let other = try bench.token(claims: JWTBench.claims([("sub", "user-2")]))
                let parts = try bench.token().split(separator: ".")
                return parts[0] + "." + parts[1] + "." + (other.split(separator: ".").last ?? "")
            },
            Forgery("the DER form of the signature", .badSignature) { bench in
                let parts = try bench.token().split(separator: ".")
                let signed = parts[0] + "." + parts[1]
                let signature = try bench.elliptic.signature(for: Array(signed.utf8))
                return signed + "." + JWTBench.base64(signature.derRepresentation)
            },
            Forgery("the same signature with a bit turned", .badSignature) { bench in
                let parts = try bench.token().split(separator: ".")
                let signed = parts[0] + "." + parts[1]
                var bytes = try bench.signature(.elliptic, over: String(signed))
                bytes[40] ^= 1
                return signed + "." + JWTBench.base64(bytes)
            },
        ]
        + ["iss", "aud", "sub", "team", "exp", "iat"].map { name in
            Forgery("claim \(name) changed after signing", name == "iss" ? .unknownIssuer : .badSignature) { bench in
                let changed: JSONValue =
                    switch name {
                    case "iss": "https://evil.example"
                    case "aud": "second"
                    case "exp": .integer(JWTBench.start.seconds + 601)
                    case "iat": .integer(JWTBench.start.seconds - 11)
                    default: "admin"
                    }
                let parts = try bench.token().split(separator: ".")
                let claims = JWTBench.base64(JWTBench.claims([(name, changed)]).utf8)
                return parts[0] + "." + claims + "." + parts[2]
            }
        }
}
