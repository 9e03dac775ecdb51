package import Auth
package import Core
package import NIOCore
internal import Telemetry
package import Transport
package import Wire

/// Finds out who a request acts for.
package enum CallerIdentity {
    /// What can be said without waiting.
    package enum Finding {
        case known(Principal)
        /// It is a token that was not seen before, or whose bearer must be entered first: `verify` it.
        case unverified(token: [UInt8])
    }

    /// The principal of the one credential that the request carries.
    ///
    /// - Throws: `GatewayError` with `UNAUTHENTICATED`, the same for a key that is missing, unknown, disabled or
    ///   expired; with `INVALID_REQUEST` if two fields carry different credentials (row 39); with `FORBIDDEN` for a
    ///   good token of somebody who is nobody here.
    package static func find(
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        in snapshot: Snapshot,
        now: UnixTime
    ) throws(GatewayError) -> Finding {
        return try headBytes.withBytes { (bytes) throws(GatewayError) -> Finding in
            var carrier = CredentialCarrier()
            if head.contains(.authorization) || head.contains(.xAPIKey) || head.contains(.apiKey) {
                for field in head.fields {
                    switch field.name {
                    case .authorization:
                        carrier.offer(.authorization, UnsafeRawBufferPointer(rebasing: bytes[field.value]))
                    case .xAPIKey, .apiKey:
                        carrier.offer(.bare, UnsafeRawBufferPointer(rebasing: bytes[field.value]))
                    default:
                        continue
                    }
                }
            }
            let credential: UnsafeRawBufferPointer
            switch carrier.finding {
            case .ambiguous:
                throw GatewayError(.invalidRequest, "Ambiguous credentials: two header fields carry different keys.")
            case .one(let found):
                if let identities = snapshot.identities, JWTVerifier.mayBeToken(found) {
                    return try Self.find(token: found, identities, now: now)
                }
                credential = found
            case .nothing:
                credential = UnsafeRawBufferPointer(start: nil, count: 0)
            }
            guard let principal = snapshot.keys.principal(for: credential, now: now) else { throw Self.refusal }
            return .known(principal)
        }
    }

    private static func find(
        token: UnsafeRawBufferPointer,
        _ identities: IdentityBook,
        now: UnixTime
    ) throws(GatewayError) -> Finding {
        guard let identity = identities.verifier.cached(token, now: now) else {
            return .unverified(token: Array(token))
        }
        switch identities.find(identity) {
        case .known(let principal): return .known(principal)
        case .toBeEntered: return .unverified(token: Array(token))
        case .nobody: throw Self.nobody
        }
    }

    /// The principal of a token that `find` could not decide on.
    ///
    /// Waits for the issuer's keys, and for the store where the bearer is new.
    ///
    /// - Throws: `GatewayError` as `find`; with `IDENTITY_UNAVAILABLE` if the issuer's keys cannot be had: an outage
    ///   there is no fault of the caller. `CancellationError` if the client went away.
    package static func verify(_ token: [UInt8], in snapshot: Snapshot) async throws -> Principal {
        guard let identities = snapshot.identities else { throw Self.refusal }
        let identity: VerifiedIdentity
        do {
            identity = try await identities.verifier.verify(token)
        } catch TokenError.keysUnavailable(let issuer) {
            throw GatewayError(
                .identityUnavailable,
                "The keys of the identity provider '\(issuer)' cannot be had now. Try again shortly.",
                retryAfter: .seconds(5)
            )
        } catch let error as TokenError {
            var refusal = Self.refusal
            refusal.cause = error
            throw refusal
        }
        switch identities.find(identity) {
        case .known(let principal): return principal
        case .toBeEntered:
            guard let principal = try await identities.enter(identity) else { throw Self.nobody }
            return principal
        case .nobody: throw Self.nobody
        }
    }

    /// `find`, and `verify` where that is needed.
    package static func identify(
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        in snapshot: Snapshot,
        now: UnixTime
    ) async throws -> Principal {
        switch try Self.find(head, headBytes, in: snapshot, now: now) {
        case .known(let principal): principal
        case .unverified(let token): try await Self.verify(token, in: snapshot)
        }
    }

    /// The one answer to every key that does not work.
    package static let refusal = GatewayError(
        .unauthenticated,
        "No valid gateway key. Send it as 'Authorization: Bearer <key>'."
    )

    private static let nobody = GatewayError(.forbidden, "This identity belongs to no group here.")
}

// MARK: - Patience with failures (row 49)

extension CallerIdentity {
    /// Throws `RATE_LIMITED` for an address that only guesses, before its key is looked at.
    package static func checkBlock(
        _ exchange: any ServerExchange,
        _ instruments: Instruments,
        _ limits: RoadLimits
    ) throws(GatewayError) {
        guard let failures = instruments.failures else { return }
        let wait = failures.block(of: Self.address(exchange, limits), now: instruments.monotonicClock())
        if let wait { throw Self.tooMany(wait) }
    }

    /// What a caller is told whose credential does not work: the one refusal, or to wait after too many of them.
    package static func refused(
        _ error: GatewayError,
        _ exchange: any ServerExchange,
        _ instruments: Instruments,
        _ limits: RoadLimits
    ) -> GatewayError {
        guard error.code == .unauthenticated else { return error }
        instruments.metrics.authenticationFailed(loop: exchange.transport.loopIndex)
        guard let failures = instruments.failures, let prefix = Self.attempt(exchange) else { return error }
        let address = Self.address(exchange, limits)
        // Behind a proxy that does not say whose calls it brings, only the keys are counted.
        guard address != nil || prefix != nil else { return error }
        let wait = failures.fail(address: address, prefix: prefix, now: instruments.monotonicClock())
        return wait.map(Self.tooMany) ?? error
    }

    private static func tooMany(_ wait: TimeAmount) -> GatewayError {
        GatewayError(
            .rateLimited,
            "Too many attempts with keys that do not work. Try again later.",
            retryAfter: .nanoseconds(wait.nanoseconds)
        )
    }

    /// Nil where a proxy stands in front that nobody has named: one client's failures must not shut out all others.
    private static func address(_ exchange: any ServerExchange, _ limits: RoadLimits) -> String? {
        let head = exchange.head
        let isForwarded = head.contains(.xForwardedFor) || head.contains(.forwarded) || head.contains(.xRealIP)
        let isUnnamedProxy = !limits.trustsLoopback || (exchange.peer.isLoopback && isForwarded)
        if limits.trustedProxies.isEmpty, isUnnamedProxy { return nil }
        return ClientAddress.of(exchange.peer, head, exchange.headBytes, trusted: limits.trustedProxies)
    }

    /// The public part of the credential that was tried, or nil in the inner optional if it has none; nil if there was
    /// no credential at all, which is no attempt.
    private static func attempt(_ exchange: any ServerExchange) -> String?? {
        var found: String?? = .none
        exchange.headBytes.withUnsafeReadableBytes { bytes in
            var carrier = CredentialCarrier()
            for field in exchange.head.fields {
                let value = UnsafeRawBufferPointer(rebasing: bytes[field.value])
                switch field.name {
                case .authorization: carrier.offer(.authorization, value)
                case .xAPIKey, .apiKey, .xGoogAPIKey: carrier.offer(.bare, value)
                default: continue
                }
            }
            if case .one(let credential) = carrier.finding { found = .some(GatewayKey.publicPart(of: credential)) }
        }
        return found
    }
}
