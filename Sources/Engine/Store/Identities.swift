import Audit
package import Auth
package import Core
import Database
import Logging
import NIOConcurrencyHelpers
import Telemetry
import Transport

/// Whose tokens are believed: keeps one verifier for as long as the issuers are the same, and enters new people.
package final class Identities: Sendable {
    private struct Current {
        var issuers: [JWTIssuer]
        var verifier: JWTVerifier
    }

    private let fetcher: Fetcher
    private let store: Store
    private let logger: Logger
    private let current = NIOLockedValueBox<Current?>(nil)
    private let verifiers = AsyncStream.makeStream(of: JWTVerifier?.self, bufferingPolicy: .bufferingNewest(1))

    init(fetcher: Fetcher, store: Store, logger: Logger) {
        self.fetcher = fetcher
        self.store = store
        self.logger = logger
    }

    /// The book for calls; nil where no issuer is configured.
    ///
    /// Other issuers than before get a new verifier, which has to fetch their keys first.
    package func book(_ issuers: [JWTIssuer], people: [User], groups: Set<GroupID>) throws -> IdentityBook? {
        guard let verifier = try self.verifier(for: issuers) else { return nil }
        return IdentityBook(verifier: verifier, issuers: issuers, people: people, groups: groups) { identity in
            try await self.enter(identity)
        }
    }

    private func verifier(for issuers: [JWTIssuer]) throws -> JWTVerifier? {
        try self.current.withLockedValue { current in
            if current?.issuers == issuers { return current?.verifier }
            guard !issuers.isEmpty else {
                if current != nil { self.verifiers.continuation.yield(nil) }
                current = nil
                return nil
            }
            let logger = self.logger
            let verifier = try JWTVerifier(
                issuers: issuers,
                fetcher: self.fetcher,
                now: { SystemClock.now },
                onEvent: { event in
                    guard let failure = event.failure else { return }
                    logger.warning(
                        "The keys of an issuer cannot be fetched",
                        metadata: ["issuer": "\(event.issuerName)", LogKeys.errorReason: "\(failure)"]
                    )
                }
            )
            current = Current(issuers: issuers, verifier: verifier)
            self.verifiers.continuation.yield(verifier)
            return verifier
        }
    }

    /// Keeps the keys of the issuers in force fresh, until cancelled.
    package func run() async throws {
        var next: JWTVerifier?
        while true {
            let current = next
            next = try await withThrowingTaskGroup(of: JWTVerifier?.self) { group in
                if let current {
                    group.addTask {
                        try await current.run()
                        return nil
                    }
                }
                group.addTask { [stream = self.verifiers.stream] in
                    for await verifier in stream { return verifier }
                    throw CancellationError()
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    /// Enters a person at the first call with a good token; whoever is there stays as they are.
    private func enter(_ identity: VerifiedIdentity) async throws -> User {
        guard let group = identity.group else { throw TenantError.groupNotFound }
        let audit = self.store.audit
        return try await self.store.database.write { session in
            if let known = try UserStore().find(identity.storedIdentity, in: session) { return known }
            var random = SystemRandomNumberGenerator()
            let now = SystemClock.now
            let user = try User(
                id: UserID(using: &random),
                group: group,
                name: identity.displayName ?? identity.user,
                email: identity.email,
                role: identity.role,
                identity: identity.storedIdentity,
                now: now
            )
            try UserStore().insert(user, in: session)
            let entry = AuditEntry(
                actor: "issuer \(identity.issuerName)",
                action: "user.create",
                objectKind: "user",
                objectID: user.id.text,
                group: group,
                details: .object([("role", .string(user.role.rawValue))])
            )
            try audit.append(entry, now: now, in: session)
            return user
        }
    }
}
