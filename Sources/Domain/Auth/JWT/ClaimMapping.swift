package import Core

/// Which claims of a token say who somebody is.
///
/// A claim is named by its whole name, even if that has dots (`https://example.com/group`); if there is none of that
/// name, dots step into objects (`realm_access.roles`).
package struct ClaimMapping: Sendable, Equatable {
    /// The person; must be there.
    ///
    /// The default is `sub`.
    package var user: String
    /// The group; nil if tokens do not say.
    package var group: String?
    /// The group of everybody from this issuer, where no claim says it.
    package var fixedGroup: GroupID?
    /// A text or a list of texts, for `roles`; nil if tokens do not say.
    package var role: String?
    /// From the value of the role claim to a role here, the first that is found in the token.
    package var roles: [Rule]
    /// The role of whoever has none of `roles`.
    package var defaultRole: Role
    /// For display only: whoever is asked for an address can write another one's.
    package var email: String?
    /// For display only.
    package var displayName: String?

    /// OpenID Connect's names (OpenID Connect Core 1.0 section 5.1), and nobody is more than a member.
    package init(
        user: String = "sub",
        group: String? = nil,
        fixedGroup: GroupID? = nil,
        role: String? = nil,
        roles: [Rule] = [],
        defaultRole: Role = .member,
        email: String? = "email",
        displayName: String? = "name"
    ) {
        self.user = user
        self.group = group
        self.fixedGroup = fixedGroup
        self.role = role
        self.roles = roles
        self.defaultRole = defaultRole
        self.email = email
        self.displayName = displayName
    }

    /// A value of the role claim and the role it gives here.
    package struct Rule: Sendable, Equatable {
        package var claim: String
        package var role: Role

        package init(claim: String, role: Role) {
            self.claim = claim
            self.role = role
        }
    }

    /// What Stack Auth's tokens say.
    package static let stackAuth = ClaimMapping(group: "selected_team_id")

    /// The claim of this name.
    static func claim(_ name: String, in claims: JSONValue) -> JSONValue? {
        if let whole = claims[name] { return whole }
        var value = claims
        for part in name.split(separator: ".", omittingEmptySubsequences: false) {
            guard let inner = value[String(part)] else { return nil }
            value = inner
        }
        return value
    }

    /// The role that `claims` gives, by the first rule that fits.
    func role(in claims: JSONValue) -> Role {
        guard let name = self.role, let claim = Self.claim(name, in: claims) else { return self.defaultRole }
        let values = claim.arrayValue?.compactMap(\.stringValue) ?? [claim.stringValue].compactMap(\.self)
        let rule = self.roles.first { rule in values.contains { $0.utf8.elementsEqual(rule.claim.utf8) } }
        return rule?.role ?? self.defaultRole
    }
}

/// Who a verified token stands for; one object per token, shared by all calls that bring it.
package final class VerifiedIdentity: Sendable {
    /// Position of the issuer in the verifier's list.
    package let issuerIndex: Int
    /// The operator's name for the issuer; safe to log.
    package let issuerName: String
    /// The claim `iss`.
    package let issuer: String
    /// The claim `sub`, which with `issuer` names a person for ever (OpenID Connect Core 1.0 section 5.7).
    package let subject: String
    /// What the mapping calls the person; mostly the same as `subject`.
    package let user: String
    /// Under what the store knows the person: the issuer, and what the mapping calls them.
    package var storedIdentity: User.Identity { User.Identity(issuer: self.issuer, subject: self.user) }
    /// Nil if neither the token nor the mapping names one.
    package let group: GroupID?
    /// One of the mapping's roles, or its default.
    package let role: Role
    /// For display; not proven to be theirs.
    package let email: String?
    /// For display.
    package let displayName: String?
    /// From this moment on the token is no longer good, leeway included.
    package let expires: UnixTime

    init(
        issuerIndex: Int,
        issuer: JWTIssuer,
        subject: String,
        user: String,
        group: GroupID?,
        role: Role,
        email: String?,
        displayName: String?,
        expires: UnixTime
    ) {
        self.issuerIndex = issuerIndex
        self.issuerName = issuer.name
        self.issuer = issuer.issuer
        self.subject = subject
        self.user = user
        self.group = group
        self.role = role
        self.email = email
        self.displayName = displayName
        self.expires = expires
    }
}
