import Auth
import Core
import NIOCore
import Net
import TestKit
import Testing
import Transport

/// Tokens of an identity provider that is none of our code: PyJWT's tokens, keys over TLS, through the one dialer.
@Suite(.enabled(if: PythonServer.interpreter != nil, "\(PythonServer.advice)"), .serialized)
struct IssuerTests {
    private static func issuer(
        _ server: PythonServer,
        path: String = "/keys",
        allowPrivate: Bool = true,
        caFile: String? = Fixtures.tls("ca.pem")
    ) throws -> JWTIssuer {
        try JWTIssuer(
            name: "python",
            issuer: server.text("url"),
            audiences: ["gateway"],
            keysURL: server.text("url") + path,
            algorithms: SigningAlgorithm.allCases,
            allowPrivate: allowPrivate,
            caFile: caFile
        )
    }

    private static func with(
        _ body: @escaping @Sendable (PythonServer, Fetcher) async throws -> Void
    ) async throws {
        try await PythonServer.with("issuer.py", [Fixtures.tls("localhost.pem"), Fixtures.tls("localhost.key")]) {
            server in
            try await KeyBench.withFetcher { try await body(server, $0) }
        }
    }

    @Test func `every algorithm of PyJWT's tokens is verified and every forgery refused`() async throws {
        try await Self.with { server, fetcher in
            let verifier = try JWTVerifier(issuers: [Self.issuer(server)], fetcher: fetcher, now: { KeyBench.now })
            let good = server.said["good"]?.objectValue ?? []
            let bad = server.said["bad"]?.objectValue ?? []
            #expect(good.count == 7 && bad.count == 9)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { do { try await verifier.run() } catch is CancellationError {} }
                while verifier.statuses[0].fetchedAt == nil { await Task.yield() }
                for round in 0..<2 {
                    for (name, token) in good {
                        let bytes = Array((token.stringValue ?? "").utf8)
                        let isCached = bytes.withUnsafeBytes { verifier.cached($0, now: KeyBench.now) } != nil
                        #expect(isCached == (round == 1), "\(name)")
                        let identity = try await verifier.verify(bytes)
                        #expect(identity.subject == "person", "\(name)")
                    }
                    for (_, token) in bad {
                        let bytes = Array((token.stringValue ?? "").utf8)
                        await #expect { _ = try await verifier.verify(bytes) } throws: { error in
                            if case TokenError.refused = error { true } else { false }
                        }
                    }
                }
                group.cancelAll()
            }
            let endpoint = try Self.issuer(server, path: "/count").keys
            #expect(String(buffer: try await fetcher.fetch(FetchRequest("GET", endpoint)).body) == "1")
        }
    }

    @Test func `keys that cannot be had safely are not had, rows 26, 29 and 42`() async throws {
        try await Self.with { server, fetcher in
            let cases: [(JWTIssuer, String)] = [
                (try Self.issuer(server, path: "/moved"), "redirect"),
                (try Self.issuer(server, path: "/large"), "bodyTooLarge"),
                (try Self.issuer(server, path: "/failing"), "status 500"),
                (try Self.issuer(server, path: "/none"), "status 404"),
                (try Self.issuer(server, allowPrivate: false), "forbiddenAddress"),
                (try Self.issuer(server, caFile: nil), "tlsFailed"),
            ]
            let token = Array((server.said["good"]?["ec"]?.stringValue ?? "").utf8)
            for (issuer, reason) in cases {
                let verifier = try JWTVerifier(issuers: [issuer], fetcher: fetcher, now: { KeyBench.now })
                let status = await verifier.fetchOnce()[0]
                #expect(status.keyCount == 0 && status.failure?.contains(reason) == true, "\(status)")
                await #expect(throws: TokenError.keysUnavailable(issuer: "python")) { try await verifier.verify(token) }
            }
        }
    }
}
