package import Core

/// Who the bearers of good tokens are here: people of the store, and the groups that exist.
///
/// Immutable: a change of the store makes a new one around the same verifier.
///
/// The store has the last word about people that it knows: their group, their role, and whether they are let in. Of
/// others the token's claims say it, as the issuer's mapping in the boot file reads them.
package struct IdentityBook: Sendable {
    /// Enters a person at their first call, and returns what the store has then.
    package typealias Provision = @Sendable (VerifiedIdentity) async throws -> User

    package let verifier: JWTVerifier
    private let people: [User.Identity: User]
    private let groups: Set<GroupID>
    /// By the position of the issuer, whether people are entered at their first call.
    private let provisions: [Bool]
    private let provision: Provision

    /// - Parameters:
    ///   - people: Everybody with an identity, those that are not let in included.
    ///   - issuers: In the verifier's order.
    package init(
        verifier: JWTVerifier,
        issuers: [JWTIssuer],
        people: [User],
        groups: Set<GroupID>,
        provision: @escaping Provision
    ) {
        self.verifier = verifier
        self.people = Dictionary(
            people.compactMap { user in user.identity.map { ($0, user) } },
            uniquingKeysWith: { first, _ in first }
        )
        self.groups = groups
        self.provisions = issuers.map(\.provisionsUsers)
        self.provision = provision
    }

    /// What is known of somebody without asking the store.
    package enum Finding: Sendable {
        case known(Principal)
        /// They have to be entered first: `enter`.
        case toBeEntered
        /// The token is good, and nobody here goes by it: no group, or an account that is disabled.
        case nobody
    }

    package func find(_ identity: VerifiedIdentity) -> Finding {
        if let user = self.people[identity.storedIdentity] {
            guard user.disabledAt == nil else { return .nobody }
            return .known(Self.principal(identity, group: user.group, user: user.id, role: user.role))
        }
        guard let group = identity.group, self.groups.contains(group) else { return .nobody }
        if self.provisions.indices.contains(identity.issuerIndex), self.provisions[identity.issuerIndex] {
            return .toBeEntered
        }
        let user = UserID("\(identity.issuerName)/\(identity.user)")
        return .known(Self.principal(identity, group: group, user: user, role: identity.role))
    }

    /// Enters somebody that `find` said has to be.
    ///
    /// Waits for the store. Safe to repeat: whoever is there already stays as they are.
    package func enter(_ identity: VerifiedIdentity) async throws -> Principal? {
        let user = try await self.provision(identity)
        guard user.disabledAt == nil else { return nil }
        return Self.principal(identity, group: user.group, user: user.id, role: user.role)
    }

    private static func principal(_ identity: VerifiedIdentity, group: GroupID, user: UserID, role: Role) -> Principal {
        Principal(
            group: group,
            keyID: "jwt:\(identity.issuerName)",
            owner: .user(user),
            role: role,
            scopes: [.inference, .admin]
        )
    }
}
