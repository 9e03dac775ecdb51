import Auth
import Core
import Crypto
import NIOConcurrencyHelpers
import Testing
import Transport

/// What is believed of a token, rows 40 and 41.
@Suite struct JWTTests {
    private static let headers = [
        "ec": #"{"alg":"ES256","typ":"JWT","kid":"ec"}"#, "rsa": #"{"alg":"RS256","kid":"rsa"}"#,
        "ed": #"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#,
    ]

    private static func good(_ bench: JWTBench) throws -> [String] {
        [
            try bench.token(header: Self.headers["ec"] ?? "", .elliptic),
            try bench.token(header: Self.headers["rsa"] ?? "", .rsa),
            try bench.token(header: Self.headers["ed"] ?? "", .edwards),
        ]
    }

    @Test func `no forged token is believed, and good tokens are believed before and after, row 41`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        bench.advance(seconds: 1)
        let good = try Self.good(bench)
        for token in good { await #expect(throws: Never.self) { _ = try await bench.verdict(token).get() } }
        #expect(Forgery.all.count >= 100)
        for forgery in Forgery.all {
            let token = try forgery.make(bench)
            let verdict = await bench.verdict(token)
            guard case .failure(let error) = verdict else {
                Issue.record("believed: \(forgery.name)")
                continue
            }
            #expect(error == .refused(forgery.reason), "\(forgery.name)")
            #expect(bench.cached(token) == nil, "\(forgery.name)")
        }
        // The lock-out test: nothing a stranger sent may have changed what keys are used for.
        for token in try Self.good(bench) + good {
            await #expect(throws: Never.self) { _ = try await bench.verdict(token).get() }
        }
        #expect(bench.fetchCount == 1)
    }

    @Test func `the first token that is seen does not choose the algorithm of a key that names none, row 41`()
        async throws
    {
        let bench = try await JWTBench(algorithms: [.rs256, .ps256, .es256])
        let keys = [try bench.rsaKey(id: "rsa", more: ""), JWTBench.jwk(bench.elliptic.publicKey, id: "ec", more: "")]
        bench.document.withLockedValue { $0 = "{\"keys\":[\(keys.joined(separator: ","))]}" }
        _ = await bench.verifier.fetchOnce()
        for name in ["PS256", "ES256"] {
            let forged = try bench.token(header: #"{"alg":"\#(name)","kid":"rsa"}"#, .rsa)
            #expect(await bench.verdict(forged).failure == .refused(.algorithmNotAllowed))
        }
        let token = try bench.token(header: #"{"alg":"RS256","kid":"rsa"}"#, .rsa)
        #expect(await bench.verdict(token).failure == nil)
        #expect(await bench.verdict(try bench.token()).failure == nil)
    }

    @Test(arguments: [
        #"{"alg":"ES256","kid":"ec"}"#, #"{"alg":"ES256","kid":"ec","typ":"jwt"}"#,
        #"{"alg":"ES256","kid":"ec","typ":"application/AT+JWT"}"#,
        #"{"alg":"ES256","kid":"ec","jku":"https://evil.example","x5t":"abc","cty":"text"}"#,
    ])
    func `headers that issuers really send are taken`(header: String) async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        #expect(await bench.verdict(try bench.token(header: header)).failure == nil)
    }

    @Test func `claims become an identity`() async throws {
        let mapping = ClaimMapping(
            user: "https://example.com/user",
            group: "realm.team",
            role: "realm.roles",
            roles: [.init(claim: "boss", role: .groupAdmin), .init(claim: "root", role: .systemAdmin)],
            displayName: "nick"
        )
        let bench = try await JWTBench(claims: mapping)
        _ = await bench.verifier.fetchOnce()
        let realm: JSONValue = ["team": "blue", "roles": ["guest", "root", "boss"]]
        let identity = try await bench.verdict(
            bench.token(
                claims: JWTBench.claims([
                    ("https://example.com/user", "u7"), ("realm", realm), ("aud", ["billing", "second"]),
                    ("email", "a@b.example"), ("nick", "bad\u{7}name"), ("exp", .number("1800000600.9")),
                ])
            )
        ).get()
        #expect(identity.issuer == JWTBench.issuer && identity.issuerName == "example" && identity.issuerIndex == 0)
        #expect(identity.subject == "user-1" && identity.user == "u7")
        #expect(identity.storedIdentity == User.Identity(issuer: JWTBench.issuer, subject: "u7"))
        #expect(identity.group == GroupID("blue"))
        #expect(identity.role == .groupAdmin)
        #expect(identity.email == "a@b.example" && identity.displayName == nil)
        #expect(identity.expires == UnixTime(milliseconds: 1_800_000_630_900))
    }

    @Test func `without a role that is mapped everybody is a member, and null is no group`() async throws {
        let mapping = ClaimMapping(
            group: "team",
            fixedGroup: GroupID("all"),
            role: "role",
            roles: [.init(claim: "a", role: .groupAdmin)]
        )
        let bench = try await JWTBench(claims: mapping)
        _ = await bench.verifier.fetchOnce()
        for role: JSONValue in ["system_admin", ["A"], 7, .null] {
            let token = try bench.token(claims: JWTBench.claims([("role", role), ("team", .some(.null))]))
            let identity = try await bench.verdict(token).get()
            #expect(identity.role == .member)
            #expect(identity.group == GroupID("all"))
        }
    }

    // MARK: - The cache

    @Test func `a good token is known without a wait, until it expires`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        let token = try bench.token()
        #expect(bench.cached(token) == nil)
        let identity = try await bench.verdict(token).get()
        #expect(bench.cached(token) === identity)
        bench.advance(seconds: 600 + 29)
        #expect(bench.cached(token) === identity)
        bench.advance(seconds: 1)
        #expect(bench.cached(token) == nil)
        #expect(await bench.verdict(token).failure == .refused(.expired))
    }

    @Test func `two tokens with the same first 1000 characters never cross, row 40`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        let filler = JSONValue.string(String(repeating: "x", count: 1200))
        let claims = ["user-1", "user-2"].map { name in
            #"{"x":\#(filler.text),"# + JWTBench.claims([("sub", .string(name))]).dropFirst()
        }
        let tokens = try claims.map { try bench.token(claims: $0) }
        #expect(tokens[0].prefix(1000) == tokens[1].prefix(1000))
        let first = try await bench.verdict(tokens[0]).get()
        #expect(bench.cached(tokens[1]) == nil)
        let second = try await bench.verdict(tokens[1]).get()
        #expect(first.subject == "user-1" && second.subject == "user-2")
        #expect(bench.cached(tokens[0]) === first && bench.cached(tokens[1]) === second)
        // And a stranger's signature under the same claims is another token.
        let forged = tokens[0].dropLast(4) + "AAAA"
        #expect(bench.cached(String(forged)) == nil)
        #expect(await bench.verdict(String(forged)).failure == .refused(.badSignature))
    }

    @Test func `the cache has a bound and forgets what was not used`() async throws {
        let bench = try await JWTBench(cacheCapacity: 64)
        _ = await bench.verifier.fetchOnce()
        for number in 0..<400 {
            let token = try bench.token(claims: JWTBench.claims([("sub", .string("user-\(number)"))]))
            #expect(await bench.verdict(token).failure == nil)
        }
        #expect(bench.verifier.cachedCount <= 64)
        #expect(bench.verifier.cachedCount > 16)
    }

    @Test func `only what looks like a token is taken for one`() throws {
        func mayBe(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes { JWTVerifier.mayBeToken($0) } }
        #expect(mayBe("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"))
        for text in [
            "", "eyJ", "tp_0123456789ab_secret-with.two.dots", "eyJhbGciOiJFUzI1NiJ9e30AAAAAAA",
            "sk-or-v1-aaaaaaaaaaaaaaaaaaaa",
        ] {
            #expect(!mayBe(text))
        }
    }

    // MARK: - Settings

    @Test func `the preset of Stack Auth is what Stack Auth documents`() throws {
        let issuer = try JWTIssuer.stackAuth(project: "1f-2A")
        #expect(issuer.issuer == "https://api.stack-auth.com/api/v1/projects/1f-2A")
        #expect(issuer.keys.url == "https://api.stack-auth.com/api/v1/projects/1f-2A/.well-known/jwks.json")
        #expect(issuer.audiences == ["1f-2A"])
        #expect(issuer.algorithms == [.es256])
        #expect(issuer.claims.group == "selected_team_id")
        for project in ["", "a/../b", "a?b", "a b"] {
            #expect(throws: JWTIssuerError.badProject) { try JWTIssuer.stackAuth(project: project) }
        }
    }

    @Test func `an issuer that would let anybody in is refused at start`() throws {
        func make(
            issuer: String = "i",
            audiences: [String] = ["a"],
            url: String = "https://x.example/k",
            algorithms: [SigningAlgorithm] = [.es256],
            leeway: Int64 = 0
        ) throws -> JWTIssuer {
            try JWTIssuer(
                name: "n",
                issuer: issuer,
                audiences: audiences,
                keysURL: url,
                algorithms: algorithms,
                leewaySeconds: leeway
            )
        }
        #expect(throws: Never.self) { try make() }
        #expect(throws: JWTIssuerError.noIssuer) { try make(issuer: "") }
        #expect(throws: JWTIssuerError.noAudience) { try make(audiences: []) }
        #expect(throws: JWTIssuerError.noAudience) { try make(audiences: ["a", ""]) }
        #expect(throws: JWTIssuerError.noAlgorithm) { try make(algorithms: []) }
        #expect(throws: JWTIssuerError.badLeeway) { try make(leeway: 301) }
        #expect(throws: JWTIssuerError.plainKeysURL) { try make(url: "http://x.example/k") }
        #expect(throws: JWTIssuerError.badKeysURL(.notHTTP)) { try make(url: "x.example/k") }
        #expect(try make(url: "https://x.example/k?p=1").keysQuery == "?p=1")
        #expect(throws: JWTIssuerError.duplicate("i")) {
            try JWTVerifier(issuers: [make(), make()], fetcher: JWTBench.nobody, now: { JWTBench.start })
        }
        #expect(SigningAlgorithm.allCases.allSatisfy { !$0.rawValue.hasPrefix("HS") && $0.rawValue != "none" })
    }
}

extension Result {
    var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
