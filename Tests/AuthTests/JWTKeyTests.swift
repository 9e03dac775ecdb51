import Auth
import Core
import Crypto
import NIOConcurrencyHelpers
import NIOCore
import Testing
import Transport

/// Where an issuer's keys come from, row 42.
@Suite struct JWTKeyTests {
    /// Runs the verifier's service while `body` runs.
    private static func running(_ bench: JWTBench, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await bench.verifier.run() } catch is CancellationError {}
                return false
            }
            group.addTask {
                // The service fetches by itself as soon as it runs.
                while bench.verifier.statuses.contains(where: { $0.fetchedAt == nil && $0.failure == nil }) {
                    await Task.yield()
                }
                try await body()
                return true
            }
            while try await group.next() == false {}
            group.cancelAll()
        }
    }

    @Test func `ten thousand tokens with keys out of the air cost one fetch in 30 s, row 42`() async throws {
        let bench = try await JWTBench()
        try await Self.running(bench) {
            let before = bench.fetchCount
            bench.advance(seconds: 31)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<20 {
                    group.addTask {
                        for number in 0..<500 {
                            let header = #"{"alg":"ES256","kid":"random-\#(worker)-\#(number)"}"#
                            let verdict = await bench.verdict(try bench.token(header: header, .bytes([1])))
                            #expect(verdict.failure == .refused(.unknownKey))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(bench.fetchCount == before + 1)
            // Good tokens were never in the way.
            #expect(await bench.verdict(try bench.token()).failure == nil)
        }
    }

    @Test func `a key that the issuer has just made is found by the first token that names it`() async throws {
        let bench = try await JWTBench()
        try await Self.running(bench) {
            let token = try bench.token(header: #"{"alg":"ES256","kid":"fresh"}"#, .other)
            let keys = try bench.publicKeys + [JWTBench.jwk(bench.other.publicKey, id: "fresh")]
            bench.document.withLockedValue { $0 = "{\"keys\":[\(keys.joined(separator: ","))]}" }
            #expect(await bench.verdict(token).failure == .refused(.unknownKey))
            bench.advance(seconds: 30)
            #expect(await bench.verdict(token).failure == nil)
        }
    }

    @Test func `an outage with keys known keeps old tokens good for 24 hours and new keys undecided`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        let long = JWTBench.claims([("exp", .integer(JWTBench.start.seconds + 10 * 86_400))])
        let token = try bench.token(claims: long)
        bench.document.withLockedValue { $0 = nil }
        for _ in 0..<23 {
            bench.advance(seconds: 3600)
            _ = await bench.verifier.fetchOnce()
            #expect(await bench.verdict(token).failure == nil)
        }
        #expect(bench.verifier.statuses[0].failure != nil)
        let unknown = try bench.token(header: #"{"alg":"ES256","kid":"fresh"}"#, claims: long, .other)
        #expect(await bench.verdict(unknown).failure == .keysUnavailable(issuer: "example"))
        bench.advance(seconds: 3600)
        #expect(await bench.verdict(token).failure == .keysUnavailable(issuer: "example"))
        bench.document.withLockedValue { $0 = try? "{\"keys\":[\(bench.publicKeys.joined(separator: ","))]}" }
        bench.advance(seconds: 4)
        _ = await bench.verifier.fetchOnce()
        #expect(await bench.verdict(token).failure == nil)
    }

    @Test func `an issuer that was never reached is 503 and not 401, and comes back within 5 s`() async throws {
        let bench = try await JWTBench()
        let keys = bench.document.withLockedValue { document in
            defer { document = nil }
            return document
        }
        try await Self.running(bench) {
            let token = try bench.token()
            #expect(await bench.verdict(token).failure == .keysUnavailable(issuer: "example"))
            // Garbage is garbage whether or not the issuer can be asked.
            #expect(await bench.verdict("a.b.c").failure == .refused(.malformed))
            bench.document.withLockedValue { $0 = keys }
            bench.advance(seconds: 4)
            #expect(await bench.verdict(token).failure == nil)
        }
    }

    @Test func `nobody waits for keys that nobody fetches`() async throws {
        let bench = try await JWTBench()
        #expect(await bench.verdict(try bench.token()).failure == .keysUnavailable(issuer: "example"))
    }

    @Test func `a caller that leaves stops waiting, and the fetch goes on for the others`() async throws {
        let bench = try await JWTBench()
        let gate = NIOLockedValueBox<[CheckedContinuation<Void, Never>]>([])
        let keys = "{\"keys\":[\(try bench.publicKeys.joined(separator: ","))]}"
        let issuer = try JWTIssuer(
            name: "slow",
            issuer: JWTBench.issuer,
            audiences: [JWTBench.audience],
            keysURL: "https://x.example/k"
        )
        let verifier = try JWTVerifier(
            issuers: [issuer],
            fetcher: Fetcher { _ in
                await withCheckedContinuation { continuation in gate.withLockedValue { $0.append(continuation) } }
                return FetchAnswer(status: 200, body: ByteBuffer(string: keys))
            },
            now: { bench.now }
        )
        let token = Array(try bench.token().utf8)
        try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask {
                do { try await verifier.run() } catch is CancellationError {}
                return "service"
            }
            while gate.withLockedValue({ $0.isEmpty }) { await Task.yield() }
            group.addTask { try await verifier.verify(token).subject }
            try await withThrowingTaskGroup(of: String.self) { leaving in
                leaving.addTask {
                    do { return try await verifier.verify(token).subject } catch is CancellationError { return "left" }
                }
                leaving.cancelAll()
                let end = try await leaving.next()
                #expect(end == "left")
            }
            for continuation in gate.withLockedValue({ $0 }) { continuation.resume() }
            let subject = try await group.next()
            #expect(subject == "user-1")
            #expect(gate.withLockedValue { $0.count } == 1)
            group.cancelAll()
        }
    }

    @Test func `verdicts made with keys that the issuer took back are forgotten`() async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        let token = try bench.token()
        #expect(await bench.verdict(token).failure == nil)
        #expect(bench.cached(token) != nil)
        bench.advance(seconds: 60)
        _ = await bench.verifier.fetchOnce()
        #expect(bench.cached(token) != nil)  // The same document changes nothing.
        bench.document.withLockedValue { $0 = "{\"keys\":[\(JWTBench.jwk(bench.other.publicKey, id: "new"))]}" }
        bench.advance(seconds: 60)
        _ = await bench.verifier.fetchOnce()
        #expect(bench.cached(token) == nil)
        #expect(await bench.verdict(token).failure == .refused(.unknownKey))
    }

    struct Poison: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let reason: String
        let make: @Sendable (JWTBench) throws -> String

        init(_ name: String, _ reason: String, _ make: @escaping @Sendable (JWTBench) throws -> String) {
            self.testDescription = name
            self.reason = reason
            self.make = make
        }
    }

    static let poisons: [Poison] = [
        Poison("nothing", "malformed") { _ in "" },
        Poison("a page", "malformed") { _ in "<html>" },
        Poison("no keys", "no_usable_key") { _ in #"{"keys":[]}"# },
        Poison("keys that are no list", "malformed") { _ in #"{"keys":{}}"# },
        Poison("a text among the keys", "malformed") { "{\"keys\":[\(try $0.publicKeys[0]),\"x\"]}" },
        Poison("two lists of keys", "malformed") { "{\"keys\":[\(try $0.publicKeys[0])],\"keys\":[]}" },
        Poison("two keys of one id", "duplicate_key_id") {
            "{\"keys\":[\(try $0.publicKeys[0]),\(JWTBench.jwk($0.other.publicKey, id: "ec"))]}"
        },
        Poison("an HMAC key", "holds_a_secret") {
            #"{"keys":[\#(try $0.publicKeys[0]),{"kty":"oct","kid":"h","alg":"HS256","k":"c2VjcmV0"}]}"#
        },
        Poison("an HMAC key without its value", "holds_a_secret") {
            #"{"keys":[\#(try $0.publicKeys[0]),{"kty":"oct","kid":"h","alg":"HS256"}]}"#
        },
        Poison("a private key", "holds_a_secret") {
            let key = JWTBench.jwk($0.elliptic.publicKey, id: "ec", more: #","d":"AAAA""#)
            return "{\"keys\":[\(key)]}"
        },
        Poison("51 keys", "too_many_keys") { bench in
            let keys = (0..<51).map { JWTBench.jwk(bench.other.publicKey, id: "k\($0)") }
            return "{\"keys\":[\(keys.joined(separator: ","))]}"
        },
        Poison("more than 1 MiB", "too_large") {
            "{\"keys\":[\(try $0.publicKeys[0])],\"x\":\"\(String(repeating: "x", count: 1 << 20))\"}"
        },
        Poison("a key for encryption only", "no_usable_key") {
            "{\"keys\":[\(JWTBench.jwk($0.other.publicKey, id: "e", more: #","use":"enc""#))]}"
        },
        Poison("a key of another algorithm", "no_usable_key") {
            "{\"keys\":[\(JWTBench.jwk($0.other.publicKey, id: "e", more: #","alg":"HS256""#))]}"
        },
        Poison("a point that is not on the curve", "no_usable_key") { _ in
            let x = JWTBench.base64([UInt8](repeating: 1, count: 32))
            return #"{"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"\#(x)","y":"\#(x)"}]}"#
        },
        Poison("an RSA key of 512 bits", "no_usable_key") { _ in
            let n = JWTBench.base64([UInt8](repeating: 0xC5, count: 64))
            return #"{"keys":[{"kty":"RSA","kid":"r","n":"\#(n)","e":"AQAB"}]}"#
        },
    ]

    @Test(arguments: poisons)
    func `a poisoned document is refused whole and the old keys stay, row 42`(_ poison: Poison) async throws {
        let bench = try await JWTBench()
        _ = await bench.verifier.fetchOnce()
        let text = try poison.make(bench)
        bench.document.withLockedValue { $0 = text }
        bench.advance(seconds: 60)
        let status = await bench.verifier.fetchOnce()[0]
        #expect(status.failure == "the document is refused: \(poison.reason)")
        #expect(status.keyCount == 3)
        #expect(await bench.verdict(try bench.token()).failure == nil)
        // Nobody who has no keys yet takes it either.
        let fresh = try await JWTBench(document: text)
        #expect(await fresh.verifier.fetchOnce()[0].keyCount == 0)
    }
}
