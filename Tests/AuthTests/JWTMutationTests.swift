import Auth
import Core
import Crypto
import NIOCore
import TestKit
import Testing
import Transport

/// What chance does to tokens, and what the issuers do that have a preset.
@Suite struct JWTMutationTests {
    @Test func `no change of any byte of a good token leaves it good, row 41`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        bench.advance(seconds: 1)
        let token = Array(try bench.token().utf8)
        _ = try await bench.verifier.verify(token)
        var chance = SeededGenerator(seed: 41)
        for position in token.indices {
            for _ in 0..<4 {
                var changed = token
                changed[position] = UInt8.random(in: 0...255, using: &chance)
                if changed[position] == token[position] { changed[position] ^= 1 }
                guard case .refused = await self.error(bench, changed) else {
                    Issue.record("byte \(position) as \(changed[position]) is believed")
                    continue
                }
            }
        }
        for length in token.indices {
            guard case .refused = await self.error(bench, Array(token[..<length])) else {
                Issue.record("the first \(length) bytes are believed")
                continue
            }
        }
        #expect(await self.error(bench, token) == nil)
        #expect(bench.fetchCount == 1)
    }

    @Test func `bytes out of the air are refused and nothing falls over`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        bench.advance(seconds: 1)
        var chance = SeededGenerator(seed: 7)
        let letters = Array("eyJhbGciOiJub25lIn0.-_=+/ {}\"[]:,0123456789\u{0}\u{FF}".utf8)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...200, using: &chance)
            let bytes = (0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &chance)] }
            guard case .refused = await self.error(bench, bytes) else {
                Issue.record("believed: \(bytes)")
                continue
            }
        }
    }

    private func error(_ bench: JWTBench, _ token: [UInt8]) async -> TokenError? {
        do {
            _ = try await bench.verifier.verify(token)
            return nil
        } catch {
            return error as? TokenError
        }
    }

    @Test func `of Stack Auth's tokens those of full members are believed, and no guest's`() async throws {
        let bench = try await JWTBench()
        let keys = "{\"keys\":[\(JWTBench.jwk(bench.elliptic.publicKey, id: "ec"))]}"
        let issuer = try JWTIssuer.stackAuth(project: "p1")
        let verifier = try JWTVerifier(
            issuers: [issuer],
            fetcher: Fetcher { request in
                #expect(request.endpoint.url == issuer.keys.url)
                return FetchAnswer(status: 200, body: ByteBuffer(string: keys))
            },
            now: { bench.now }
        )
        _ = await verifier.fetchOnce()
        func verify(_ kind: String, audience: String, team: JSONValue) async throws -> VerifiedIdentity {
            let token = try bench.token(
                claims: JWTBench.claims([
                    ("iss", .string("https://api.stack-auth.com/api/v1/projects\(kind)/p1")),
                    ("aud", .string(audience)), ("selected_team_id", team), ("email", .some(.null)),
                    ("role", "authenticated"), ("is_anonymous", .bool(!kind.isEmpty)),
                ])
            )
            return try await verifier.verify(Array(token.utf8))
        }
        let member = try await verify("", audience: "p1", team: "team-1")
        #expect(member.subject == "user-1" && member.group == GroupID("team-1"))
        #expect(member.role == .member && member.email == nil)
        #expect(try await verify("", audience: "p1", team: .null).group == nil)
        await #expect(throws: TokenError.refused(.unknownIssuer)) {
            try await verify("-anonymous-users", audience: "p1:anon", team: .null)
        }
        await #expect(throws: TokenError.refused(.unknownIssuer)) {
            try await verify("-restricted-users", audience: "p1:restricted", team: .null)
        }
        await #expect(throws: TokenError.refused(.wrongAudience)) {
            try await verify("", audience: "p1:anon", team: .null)
        }
    }

    @Test func `a clock that was set back does not put fetches off`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        bench.advance(seconds: -86_400 * 30)
        _ = await bench.verifier.fetchOnce()
        #expect(bench.fetchCount == 2)
        bench.advance(seconds: 29)
        _ = await bench.verifier.fetchOnce()
        #expect(bench.fetchCount == 2)
    }
}
