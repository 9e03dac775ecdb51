internal import Core
internal import Database
internal import NIOCore

/// How a key stands in its row.
extension GatewayKeyRecord {
    static let select: SQL = """
        SELECT id, group_id, name, user_id, agent_id, scopes, allowed_models, allowed_routes, expires_at, revoked_at,
            replaced_by, created_by, created_at, last_used_at
        FROM gateway_keys
        """

    init(_ row: SQLRow) throws(DatabaseError) {
        let draft = Draft(
            name: try row.text("name"),
            owner: try KeyOwner(row),
            scopes: try KeyScopes(row),
            allowedModels: try row.list("allowed_models"),
            allowedRoutes: try row.list("allowed_routes"),
            expiresAt: try row.optionalTime("expires_at")
        )
        self.init(
            stored: draft,
            id: GatewayKeyID(try row.text("id")),
            group: GroupID(try row.text("group_id")),
            createdBy: try row.text("created_by"),
            createdAt: try row.time("created_at")
        )
        self.revokedAt = try row.optionalTime("revoked_at")
        self.replacedBy = try row.optionalText("replaced_by").map { GatewayKeyID($0) }
        self.lastUsedAt = try row.optionalTime("last_used_at")
    }

    var userID: UserID? {
        if case .user(let id) = self.owner { id } else { nil }
    }

    var agentID: String? {
        if case .agent(let id) = self.owner { id } else { nil }
    }

    var scopesText: String { self.scopes.names.joined(separator: " ") }
    var allowedModelsText: String? { self.allowedModels.map(Self.json) }
    var allowedRoutesText: String? { self.allowedRoutes.map(Self.json) }

    private static func json(_ texts: [String]) -> String {
        var buffer = ByteBuffer()
        JSONValue.array(texts.map { .string($0) }).write(into: &buffer)
        return String(buffer: buffer)
    }
}

extension KeyOwner {
    init(_ row: SQLRow) throws(DatabaseError) {
        if let user = try row.optionalText("user_id") {
            self = .user(UserID(user))
        } else if let agent = try row.optionalText("agent_id") {
            self = .agent(agent)
        } else {
            self = .group
        }
    }
}

extension KeyScopes {
    init(_ row: SQLRow) throws(DatabaseError) {
        switch try row.text("scopes") {
        case "inference": self = .inference
        case let text:
            do throws(TenantError) {
                self = try KeyScopes(names: text.split(separator: " ").map(String.init))
            } catch {
                throw .badColumn("scopes", expected: "names of scopes")
            }
        }
    }
}

extension SQLRow {
    /// A JSON list of texts, or nil for NULL.
    func list(_ column: String) throws(DatabaseError) -> [String]? {
        guard let text = try self.optionalText(column) else { return nil }
        guard case .array(let elements)? = try? JSONValue.parse(text) else {
            throw .badColumn(column, expected: "a JSON list")
        }
        return try elements.map { element throws(DatabaseError) in
            guard let text = element.stringValue else { throw .badColumn(column, expected: "a JSON list of texts") }
            return text
        }
    }
}
