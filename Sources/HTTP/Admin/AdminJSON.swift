internal import Audit
internal import Auth
internal import Core
internal import Database
internal import NIOCore
internal import Operations
internal import Vault

/// The objects of the administrative API as JSON: camelCase, times as RFC 3339 in UTC, `null` for what is not there.
enum AdminJSON {
    static func group(_ group: Group) -> JSONValue {
        [
            "id": .string(group.id.text),
            "name": .string(group.name),
            "createdAt": Self.time(group.createdAt),
            "updatedAt": Self.time(group.updatedAt),
        ]
    }

    static func user(_ user: User) -> JSONValue {
        [
            "id": .string(user.id.text),
            "groupId": .string(user.group.text),
            "name": .string(user.name),
            "email": Self.text(user.email),
            "role": .string(user.role.rawValue),
            "issuer": Self.text(user.identity?.issuer),
            "subject": Self.text(user.identity?.subject),
            "disabled": .bool(!user.isEnabled),
            "disabledAt": Self.time(user.disabledAt),
            "createdAt": Self.time(user.createdAt),
            "updatedAt": Self.time(user.updatedAt),
        ]
    }

    static func key(_ key: GatewayKeyRecord, now: UnixTime) -> JSONValue { .object(Self.members(key, now: now)) }

    /// The only answer that ever has a gateway key's secret.
    static func issued(_ key: IssuedKey, replacing old: GatewayKeyRecord? = nil, now: UnixTime) -> JSONValue {
        var members = Self.members(key.record, now: now)
        members.append(("secret", key.secret.reveal { .string($0) }))
        if let old { members.append(("replaces", Self.key(old, now: now))) }
        return .object(members)
    }

    private static func members(_ key: GatewayKeyRecord, now: UnixTime) -> [(String, JSONValue)] {
        var user: String?
        var agent: String?
        switch key.owner {
        case .group: break
        case .user(let id): user = id.text
        case .agent(let id): agent = id
        }
        return [
            ("id", .string(key.id.text)),
            ("groupId", .string(key.group.text)),
            ("name", .string(key.name)),
            ("userId", Self.text(user)),
            ("agentId", Self.text(agent)),
            ("scopes", Self.list(key.scopes.names)),
            ("allowedModels", key.allowedModels.map(Self.list) ?? .null),
            ("allowedRoutes", key.allowedRoutes.map(Self.list) ?? .null),
            ("active", .bool(key.isActive(at: now))),
            ("expiresAt", Self.time(key.expiresAt)),
            ("revokedAt", Self.time(key.revokedAt)),
            ("replacedBy", Self.text(key.replacedBy?.text)),
            ("createdBy", .string(key.createdBy)),
            ("createdAt", Self.time(key.createdAt)),
            ("lastUsedAt", Self.time(key.lastUsedAt)),
        ]
    }

    static func credential(_ stored: StoredCredential) -> JSONValue {
        let record = stored.record
        var members: [(String, JSONValue)] = [
            ("id", .string(record.id)),
            ("groupId", .string(record.group.text)),
            ("provider", .string(record.provider)),
            ("keyHint", .string(record.keyHint)),
            ("active", .bool(record.isActive)),
            // False: sealed with a key that this gateway does not have.
            ("readable", .bool(stored.isReadable)),
            ("rejectedAt", Self.time(record.rejectedAt)),
            ("createdBy", .string(record.createdBy)),
            ("createdAt", Self.time(record.createdAt)),
            ("updatedAt", Self.time(record.updatedAt)),
            ("lastUsedAt", Self.time(record.lastUsedAt)),
        ]
        if let test = stored.test { members.append(("test", Self.test(test))) }
        return .object(members)
    }

    private static func test(_ test: CredentialTest) -> JSONValue {
        var members: [(String, JSONValue)] = [("outcome", .string(test.name))]
        switch test {
        case .accepted(let duration): members.append(("latencyMs", .integer(Int64(duration / .milliseconds(1)))))
        case .refused(let status): members.append(("providerStatus", .integer(Int64(status))))
        case .unknown(let reason): members.append(("reason", .string(reason)))
        case .skipped: break
        }
        return .object(members)
    }

    static func whoami(_ who: Whoami) -> JSONValue {
        [
            "actor": .string(who.actor.name),
            "role": .string(who.actor.role.rawValue),
            "keyId": Self.text(who.actor.keyID),
            "group": who.group.map(Self.group) ?? .null,
            "user": who.user.map(Self.user) ?? .null,
        ]
    }

    static func record(_ record: AuditRecord) -> JSONValue {
        var text = ByteBuffer()
        record.writeJSON(into: &text)
        return (try? JSONValue.parse(text)) ?? .null
    }

    static func verdict(_ verdict: AuditVerdict) -> JSONValue {
        [
            "intact": .bool(verdict.isIntact),
            "records": .integer(verdict.count),
            "head": Self.text(verdict.head?.text),
            "fault": verdict.fault.map { ["seq": .integer($0.seq), "reason": .string($0.reason)] } ?? .null,
        ]
    }

    static func page<Item>(_ page: Page<Item>, _ json: (Item) -> JSONValue) -> JSONValue {
        Self.list(page.items.map(json), next: page.nextCursor)
    }

    static func list(_ items: [JSONValue], next: String?) -> JSONValue {
        ["data": .array(items), "nextCursor": Self.text(next)]
    }

    // MARK: -

    private static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    private static func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    static func time(_ time: UnixTime?) -> JSONValue {
        time.map { .string($0.rfc3339) } ?? .null
    }
}
