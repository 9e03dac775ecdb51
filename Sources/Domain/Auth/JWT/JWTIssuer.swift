import Core
package import Transport

/// Somebody whose tokens are believed, as the boot file names them.
///
/// Everything that decides whether a token is good is written here; nothing is taken from the token (row 41).
package struct JWTIssuer: Sendable, Equatable {
    /// What the operator calls it; safe to log.
    package let name: String
    /// What `iss` must be, byte for byte.
    package let issuer: String
    /// `aud` must hold one of these, byte for byte.
    package let audiences: [String]
    /// Where the public keys are.
    package let keys: Endpoint
    /// Stands behind the endpoint's path, with its question mark; mostly empty.
    package let keysQuery: String
    /// What a token may be signed with.
    ///
    /// A key that does not name its algorithm gets the first of these that fits its type.
    package let algorithms: [SigningAlgorithm]
    package var claims: ClaimMapping
    /// How far the issuer's clock and ours may be apart, in seconds.
    package let leewaySeconds: Int64
    /// Whether a person who is not known yet is entered at their first call.
    package var provisionsUsers: Bool

    /// Takes the entry of a boot file.
    ///
    /// - Parameters:
    ///   - keysURL: `https://…`; plain `http` only with `allowPrivate`, for an issuer behind the same door.
    ///   - leewaySeconds: 0 to 300.
    /// - Throws: `JWTIssuerError`, one line each for the report of mistakes.
    package init(
        name: String,
        issuer: String,
        audiences: [String],
        keysURL: String,
        algorithms: [SigningAlgorithm] = [.rs256, .es256, .edDSA],
        claims: ClaimMapping = ClaimMapping(),
        leewaySeconds: Int64 = 30,
        provisionsUsers: Bool = false,
        allowPrivate: Bool = false,
        caFile: String? = nil
    ) throws(JWTIssuerError) {
        guard (1...512).contains(issuer.utf8.count) else { throw .noIssuer }
        guard !audiences.isEmpty, audiences.allSatisfy({ !$0.isEmpty }) else { throw .noAudience }
        guard !algorithms.isEmpty else { throw .noAlgorithm }
        guard (0...300).contains(leewaySeconds) else { throw .badLeeway }
        let parts = keysURL.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        do {
            self.keys = try Endpoint(url: String(parts.first ?? ""), allowPrivate: allowPrivate, caFile: caFile)
        } catch {
            throw .badKeysURL(error)
        }
        guard self.keys.scheme == .https || allowPrivate else { throw .plainKeysURL }
        self.keysQuery = parts.count > 1 ? "?\(parts[1])" : ""
        self.name = name
        self.issuer = issuer
        self.audiences = audiences
        self.algorithms = algorithms
        self.claims = claims
        self.leewaySeconds = leewaySeconds
        self.provisionsUsers = provisionsUsers
    }

    /// Stack Auth's cloud, or an installation of one's own.
    ///
    /// The issuer is `<base>/api/v1/projects/<project>`, the keys are below it at `.well-known/jwks.json`, tokens are
    /// signed with ES256 and their audience is the project's id. Guests and restricted people have issuers
    /// (`projects-anonymous-users`, `projects-restricted-users`) and audiences (`:anon`, `:restricted` at the end) of
    /// their own, so that they are not let in here. Source: Stack Auth's `apps/backend/src/lib/tokens.tsx` and the
    /// provider configuration of its SDK for Convex.
    ///
    /// The person is `sub`; the group is the team that is selected, `selected_team_id`, which may be null.
    ///
    /// - Parameters:
    ///   - project: The project's id: letters, digits and `-`.
    ///   - baseURL: Of the API, without `/api/v1`.
    package static func stackAuth(
        project: String,
        name: String = "stack-auth",
        baseURL: String = "https://api.stack-auth.com",
        claims: ClaimMapping = .stackAuth,
        provisionsUsers: Bool = true,
        allowPrivate: Bool = false,
        caFile: String? = nil
    ) throws(JWTIssuerError) -> JWTIssuer {
        let isPlain = project.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard !project.isEmpty, isPlain else { throw .badProject }
        let base = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        let issuer = "\(base)/api/v1/projects/\(project)"
        return try JWTIssuer(
            name: name,
            issuer: issuer,
            audiences: [project],
            keysURL: "\(issuer)/.well-known/jwks.json",
            algorithms: [.es256],
            claims: claims,
            provisionsUsers: provisionsUsers,
            allowPrivate: allowPrivate,
            caFile: caFile
        )
    }
}

/// Why an entry of the boot file is no issuer.
package enum JWTIssuerError: Error, Sendable, Equatable, CustomStringConvertible {
    case noIssuer
    case noAudience
    case noAlgorithm
    case badLeeway
    case badKeysURL(EndpointError)
    case plainKeysURL
    case badProject
    /// Two entries with the same issuer; the text is the issuer.
    case duplicate(String)

    package var description: String {
        switch self {
        case .noIssuer: "needs an issuer: what the claim iss of its tokens is"
        case .noAudience: "needs an audience: a token made for another service must not be good here"
        case .noAlgorithm: "needs at least one algorithm"
        case .badLeeway: "allows clocks to differ by 0 to 300 seconds"
        case .badKeysURL(let reason): "the URL of its keys \(reason.rawValue)"
        case .plainKeysURL: "the URL of its keys must be https://, or whoever is on the way decides who gets in"
        case .badProject: "a Stack Auth project id has letters, digits and - only"
        case .duplicate(let issuer): "the issuer \(issuer) is there twice; give one entry both audiences"
        }
    }
}
