package import Core
import Crypto
package import Transport

/// Tells who the bearer of a JSON web token is, for the issuers of the boot file (RFC 7519, RFC 8725; rows 40 to 42).
///
/// On the road: `mayBeToken` and `cached` cost no wait; only a token that is seen for the first time goes through
/// `verify`. Whoever makes one also runs `run` for as long as it is used.
package final class JWTVerifier: Sendable {
    private let issuers: [JWTIssuer]
    private let sources: [KeySource]
    /// By the bytes of `iss`.
    private let positions: [[UInt8]: Int]
    private let cache: TokenCache
    private let now: @Sendable () -> UnixTime
    /// Stands for all that decides whom a token is from and for.
    private let trust: [UInt8]

    /// - Parameters:
    ///   - fetcher: The way to the issuers' keys.
    ///   - now: The wall clock.
    ///   - cacheCapacity: The most tokens whose verdict is kept; some 500 bytes each.
    ///   - onEvent: Told of every attempt to fetch keys; must be short.
    /// - Throws: `JWTIssuerError.duplicate`.
    package init(
        issuers: [JWTIssuer],
        fetcher: Fetcher,
        schedule: KeySetSchedule = KeySetSchedule(),
        cacheCapacity: Int = 16_384,
        now: @escaping @Sendable () -> UnixTime,
        onEvent: @escaping @Sendable (KeySetEvent) -> Void = { _ in }
    ) throws(JWTIssuerError) {
        var positions: [[UInt8]: Int] = [:]
        var hash = SHA256()
        for (index, issuer) in issuers.enumerated() {
            guard positions.updateValue(index, forKey: Array(issuer.issuer.utf8)) == nil else {
                throw .duplicate(issuer.issuer)
            }
            for text in [issuer.issuer] + issuer.audiences {
                // With its length before it, so that no two lists read the same.
                hash.update(data: Array("\(text.utf8.count):\(text),".utf8))
            }
            hash.update(data: [0])
        }
        let cache = TokenCache(capacity: cacheCapacity)
        self.issuers = issuers
        self.positions = positions
        self.cache = cache
        self.now = now
        self.trust = Array(hash.finalize())
        self.sources = issuers.map { issuer in
            KeySource(
                issuer,
                schedule: schedule,
                fetcher: fetcher,
                now: now,
                onEvent: onEvent,
                onChange: { cache.removeAll() }
            )
        }
    }

    /// Whether a credential has the form of a token: it begins as every JSON object does in base64, and has two dots.
    ///
    /// A gateway key never has.
    package static func mayBeToken(_ credential: UnsafeRawBufferPointer) -> Bool {
        guard credential.count > 20, credential[0] == UInt8(ascii: "e"), credential[1] == UInt8(ascii: "y") else {
            return false
        }
        return credential.count { $0 == UInt8(ascii: ".") } == 2
    }

    /// Who `token` stands for, if it was found good before; never waits.
    ///
    /// Nil says nothing about the token: ask `verify`.
    package func cached(_ token: UnsafeRawBufferPointer, now: UnixTime) -> VerifiedIdentity? {
        guard token.count <= CompactToken.bytesMax else { return nil }
        return self.cache.find(TokenCache.Key(token, trust: self.trust), now: now)
    }

    /// Checks a token.
    ///
    /// Waits for at most one fetch of keys, and only where the issuer is ours, the claims are good and the key is not
    /// known. Safe to repeat.
    ///
    /// - Throws: `TokenError`, or `CancellationError` when the caller was cancelled meanwhile.
    package func verify(_ token: [UInt8]) async throws -> VerifiedIdentity {
        let key = token.withUnsafeBytes { TokenCache.Key($0, trust: self.trust) }
        if let known = self.cache.find(key, now: self.now()) { return known }
        let generation = self.cache.generation(for: key)
        let identity = try await self.check(token)
        self.cache.insert(identity, for: key, generation: generation, now: self.now())
        return identity
    }

    private func check(_ token: [UInt8]) async throws -> VerifiedIdentity {
        let parts: CompactToken
        let position: Int
        do throws(TokenRefusal) {
            parts = try CompactToken(token)
            guard let issuer = parts.claims["iss"]?.stringValue, let known = self.positions[Array(issuer.utf8)] else {
                throw TokenRefusal.unknownIssuer
            }
            position = known
            guard self.issuers[position].algorithms.contains(parts.algorithm) else {
                throw TokenRefusal.algorithmNotAllowed
            }
            // Before the key is looked for: an old token must not make us ask its issuer for keys.
            _ = try self.identity(parts, position)
        } catch {
            throw TokenError.refused(error)
        }
        let key = try await self.sources[position].key(parts.keyID)
        guard key.algorithm == parts.algorithm else { throw TokenError.refused(.algorithmNotAllowed) }
        guard key.verifies(parts.signature, over: parts.signedBytes) else { throw TokenError.refused(.badSignature) }
        do throws(TokenRefusal) {
            // Time may have passed while keys were fetched.
            return try self.identity(parts, position)
        } catch {
            throw TokenError.refused(error)
        }
    }

    private func identity(_ parts: CompactToken, _ position: Int) throws(TokenRefusal) -> VerifiedIdentity {
        try self.issuers[position].identity(from: parts.claims, issuerIndex: position, now: self.now())
    }

    /// Keeps the issuers' keys fresh until cancelled; without it no token can be verified.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for source in self.sources { group.addTask { try await source.run() } }
            try await group.waitForAll()
        }
    }

    /// Fetches the keys of every issuer once; for `doctor`, which runs nothing.
    package func fetchOnce() async -> [KeySetStatus] {
        await withTaskGroup(of: Void.self) { group in
            for source in self.sources { group.addTask { await source.fetchIfAllowed() } }
        }
        return self.statuses
    }

    /// How it stands with each issuer's keys.
    package var statuses: [KeySetStatus] { self.sources.map(\.status) }

    /// How many verdicts are kept; for tests and figures.
    package var cachedCount: Int { self.cache.count }
}
