package import Audit
import Auth
package import Core
import Database
package import Vault

/// Puts into the store what the settings bring and the store does not have yet.
///
/// Nothing is ever overwritten: what somebody changed, switched off or revoked stays as it is. All of it happens in one
/// transaction with its audit records, and repeating it changes nothing.
package struct Bootstrap: Sendable {
    /// Who it is in the audit log.
    package static let actor = "bootstrap"
    /// The person that the first key belongs to.
    static let adminID = UserID("admin")

    package let settings: Settings
    package let credentials: CredentialStore
    package let audit: AuditLog
    package let now: UnixTime

    package init(_ settings: Settings, store: Store, now: UnixTime) {
        self.settings = settings
        self.credentials = store.credentials
        self.audit = store.audit
        self.now = now
    }

    /// What the settings bring, for a store that is open.
    ///
    /// - Parameter firstKey: The key of the system administrator that a first start makes; nil for none.
    /// - Throws: `CommandFailure` with one line that says what cannot be taken over; then nothing was.
    package static func run(
        _ settings: Settings,
        firstKey: Secret<String>? = nil,
        store: Store,
        now: UnixTime = SystemClock.now
    ) async throws {
        let bootstrap = Bootstrap(settings, store: store, now: now)
        // Most starts change nothing, and a look holds up nobody who writes.
        if try await store.database.read({ try bootstrap.isDone(firstKey: firstKey, in: $0) }) { return }
        do {
            try await store.database.write { try bootstrap.apply(firstKey: firstKey, in: $0) }
        } catch let error as TenantError {
            throw CommandFailure("bootstrap: \(error)")
        } catch let error as CredentialStoreError {
            throw CommandFailure("bootstrap: \(error)")
        } catch let error as AuditError {
            throw CommandFailure("bootstrap: \(error)")
        }
    }

    /// Whether nobody has any key yet.
    static func hasNoKeys(_ store: Store) async throws -> Bool {
        let page = try PageRequest(limit: 1)
        return try await store.database.read { session in
            try GatewayKeyStore().list(page, of: nil, now: SystemClock.now, in: session).items.isEmpty
        }
    }

    // MARK: - One transaction

    private func isDone(firstKey: Secret<String>?, in session: any SQLSession) throws -> Bool {
        if try self.isFirst(in: session) { return false }
        if let firstKey, try self.key(firstKey, in: session) == nil { return false }
        for group in self.settings.groups where Self.isOfFile(group) {
            if try GroupStore().find(group.id, in: session) == nil { return false }
            for user in group.users where try !self.isKnown(user, of: group.id, in: session) { return false }
            for credential in group.credentials where credential.variable == nil {
                if try !self.hasCredential(credential.provider, group.id, in: session) { return false }
            }
            for key in group.keys where try self.key(key.secret, in: session)?.group != group.id { return false }
        }
        return true
    }

    private func apply(firstKey: Secret<String>?, in session: any SQLSession) throws {
        if try self.isFirst(in: session) { try self.ensure(.defaultGroup, name: nil, in: session) }
        for group in self.settings.groups where Self.isOfFile(group) {
            try self.ensure(group.id, name: group.name, in: session)
            for user in group.users { try self.ensure(user, of: group.id, in: session) }
            for credential in group.credentials where credential.variable == nil {
                try self.ensure(credential, of: group.id, in: session)
            }
            for key in group.keys { try self.ensure(key, of: group.id, in: session) }
        }
        if let firstKey { try self.ensureFirst(firstKey, in: session) }
    }

    /// Whether the store has no group at all.
    private func isFirst(in session: any SQLSession) throws -> Bool {
        try GroupStore().list(try PageRequest(limit: 1), in: session).items.isEmpty
    }

    /// Whether the file says anything of the group; the environment alone makes none.
    private static func isOfFile(_ group: Settings.Group) -> Bool {
        group.name != nil || !group.keys.isEmpty || !group.users.isEmpty || group.credentials.isEmpty
            || group.credentials.contains { $0.variable == nil }
    }

    private func ensure(_ id: GroupID, name: String?, in session: any SQLSession) throws {
        guard try GroupStore().find(id, in: session) == nil else { return }
        try GroupStore().insert(try Group(id: id, name: name, now: self.now), in: session)
        try self.record("group.create", "group", id.text, of: id, in: session)
    }

    private func isKnown(_ user: Settings.User, of group: GroupID, in session: any SQLSession) throws -> Bool {
        do throws(TenantError) {
            let known = try UserStore().get(UserID(user.id), in: session)
            guard known.group == group else { throw .duplicateID(user.id) }
            return true
        } catch .userNotFound {
            return false
        }
    }

    private func ensure(_ user: Settings.User, of group: GroupID, in session: any SQLSession) throws {
        if try self.isKnown(user, of: group, in: session) { return }
        let person = try User(
            id: UserID(user.id),
            group: group,
            name: user.name ?? user.id,
            email: user.email,
            role: user.role,
            now: self.now
        )
        try UserStore().insert(person, in: session)
        let details = JSONValue.object([("role", .string(user.role.rawValue))])
        try self.record("user.create", "user", user.id, of: group, details: details, in: session)
    }

    private func hasCredential(_ provider: String, _ group: GroupID, in session: any SQLSession) throws -> Bool {
        let filter = CredentialFilter(group: group, provider: provider)
        return try !self.credentials.list(filter, limit: 1, in: session).records.isEmpty
    }

    private func ensure(_ credential: Settings.Credential, of group: GroupID, in session: any SQLSession) throws {
        if try self.hasCredential(credential.provider, group, in: session) { return }
        let new = NewCredential(
            group: group,
            provider: credential.provider,
            key: credential.key,
            createdBy: Self.actor
        )
        let record = try self.credentials.create(new, now: self.now, in: session)
        let details = JSONValue.object([("provider", .string(record.provider)), ("keyHint", .string(record.keyHint))])
        try self.record("credential.create", "credential", record.id, of: group, details: details, in: session)
    }

    // MARK: - Gateway keys

    private func key(_ secret: Secret<String>, in session: any SQLSession) throws -> GatewayKeyRecord? {
        try GatewayKeyStore().find(secret.reveal { KeyDigest(of: $0) }, in: session)
    }

    private func ensure(_ key: Settings.Key, of group: GroupID, in session: any SQLSession) throws {
        if let known = try self.key(key.secret, in: session) {
            guard known.group == group else {
                throw CommandFailure(
                    "bootstrap: the key \(key.name) of group \(group) is a key of group \(known.group) already"
                )
            }
            return
        }
        let owner = key.user.map { KeyOwner.user(UserID($0)) } ?? .group
        let draft = GatewayKeyRecord.Draft(name: key.name, owner: owner, scopes: key.scopes)
        try self.insert(key.secret, draft, of: group, in: session)
    }

    /// Gives the group `default` a system administrator, and this person the key.
    private func ensureFirst(_ secret: Secret<String>, in session: any SQLSession) throws {
        if try self.key(secret, in: session) != nil { return }
        try self.ensure(.defaultGroup, name: nil, in: session)
        let admin = Settings.User(id: Self.adminID.text, name: "Administrator", email: nil, role: .systemAdmin)
        try self.ensure(admin, of: .defaultGroup, in: session)
        let draft = GatewayKeyRecord.Draft(
            name: FirstKey.keyName,
            owner: .user(Self.adminID),
            scopes: [.inference, .admin]
        )
        try self.insert(secret, draft, of: .defaultGroup, in: session)
    }

    private func insert(
        _ secret: Secret<String>,
        _ draft: GatewayKeyRecord.Draft,
        of group: GroupID,
        in session: any SQLSession
    ) throws {
        let key = try secret.reveal { try GatewayKey(bootstrap: $0, name: draft.name) }
        let record = try GatewayKeyRecord(
            draft,
            id: try self.freeID(key.id, of: group, in: session),
            group: group,
            createdBy: Self.actor,
            now: self.now
        )
        try GatewayKeyStore().insert(record, digest: key.digest, in: session)
        let details = JSONValue.object([
            ("name", .string(record.name)), ("scopes", .array(record.scopes.names.map { .string($0) })),
        ])
        try self.record("key.create", "key", record.id.text, of: group, details: details, in: session)
    }

    /// The id that the key or its name gives, or one with the group before it, or one by chance.
    ///
    /// Ids are the same in all groups, and several groups may well have a key named `dev`.
    private func freeID(_ wanted: String, of group: GroupID, in session: any SQLSession) throws -> GatewayKeyID {
        for text in [wanted, "\(group)-\(wanted)"] where TenantRule.isID(text) {
            let id = GatewayKeyID(text)
            if try !GatewayKeyStore().exists(id, in: session) { return id }
        }
        var random = SystemRandomNumberGenerator()
        return GatewayKeyID(GatewayKey(using: &random).id)
    }

    private func record(
        _ action: String,
        _ kind: String,
        _ id: String,
        of group: GroupID,
        details: JSONValue = .object([]),
        in session: any SQLSession
    ) throws {
        let entry = AuditEntry(
            actor: Self.actor,
            action: action,
            objectKind: kind,
            objectID: id,
            group: group,
            details: details
        )
        try self.audit.append(entry, now: self.now, in: session)
    }
}

extension GatewayKeyStore {
    /// Whether any group has a key with this id.
    fileprivate func exists(_ id: GatewayKeyID, in session: any SQLSession) throws -> Bool {
        try session.first("SELECT id FROM gateway_keys WHERE id = \(id)") != nil
    }
}
