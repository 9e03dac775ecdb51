package import Core

/// A person in a group.
package struct User: Sendable, Equatable {
    /// Who this is to an identity provider: the `iss` and `sub` of their tokens.
    package struct Identity: Sendable, Hashable {
        package let issuer: String
        package let subject: String

        package init(issuer: String, subject: String) {
            self.issuer = issuer
            self.subject = subject
        }
    }

    package let id: UserID
    /// Never changes: a person who moves is a new user there.
    package let group: GroupID
    package var name: String
    package var email: String?
    package var role: Role
    package let identity: Identity?
    /// Since when neither their keys nor their tokens work; nil if they do.
    package var disabledAt: UnixTime?
    package let createdAt: UnixTime
    package var updatedAt: UnixTime

    /// Takes what a caller wants to make.
    ///
    /// - Throws: `TenantError.invalid` for what breaks `TenantRule`.
    package init(
        id: UserID,
        group: GroupID,
        name: String,
        email: String? = nil,
        role: Role = .member,
        identity: Identity? = nil,
        now: UnixTime
    ) throws(TenantError) {
        try TenantRule.checkID(id.text, field: "id")
        if let identity { try TenantRule.check(identity) }
        self.id = id
        self.group = group
        self.name = try TenantRule.name(name)
        self.email = try TenantRule.email(email)
        self.role = role
        self.identity = identity
        self.disabledAt = nil
        self.createdAt = now
        self.updatedAt = now
    }

    /// Takes what was stored.
    init(
        stored id: UserID,
        group: GroupID,
        name: String,
        email: String?,
        role: Role,
        identity: Identity?,
        disabledAt: UnixTime?,
        createdAt: UnixTime,
        updatedAt: UnixTime
    ) {
        self.id = id
        self.group = group
        self.name = name
        self.email = email
        self.role = role
        self.identity = identity
        self.disabledAt = disabledAt
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// Whether keys and tokens of this person work.
    package var isEnabled: Bool { self.disabledAt == nil }
}

extension UserID {
    /// Letters and digits of an id made here.
    package static let length = 16

    /// Makes an id from 80 random bits: `u_` and 16 characters of Crockford's base 32.
    package init(using random: inout some RandomNumberGenerator) {
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        let text = (0..<Self.length).map { _ in alphabet[Int(random.next(upperBound: UInt8(32)))] }
        self.init("u_" + String(decoding: text, as: UTF8.self))
    }
}
