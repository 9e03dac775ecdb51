package import Core
package import Database

extension GatewayKeyStore {
    /// Every key that works at `now`, for the table that calls are checked against.
    ///
    /// Keys that were revoked or have expired, and those of disabled users, are left out: they are unknown. Reads
    /// 100,000 keys in well under a second; what changed since is seen by loading all again.
    package func activeEntries(
        now: UnixTime,
        in session: any SQLSession
    ) throws(TenantError) -> [KeyTable.Entry] {
        try stored { () throws(DatabaseError) in
            try session.map(
                """
                SELECT k.id, k.group_id, k.digest, k.user_id, k.agent_id, k.scopes, k.allowed_models,
                    k.allowed_routes, k.expires_at, u.role
                FROM gateway_keys k LEFT JOIN users u ON u.id = k.user_id
                WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > \(now))
                    AND u.disabled_at IS NULL
                """,
                Self.entry
            )
        }
    }

    private static func entry(_ row: SQLRow) throws(DatabaseError) -> KeyTable.Entry {
        guard let digest = KeyDigest(bytes: try row.blob("digest")) else {
            throw .badColumn("digest", expected: "32 bytes")
        }
        let role = try row.optionalText("role").map { text throws(DatabaseError) in
            guard let role = Role(rawValue: text) else { throw .badColumn("role", expected: "a role") }
            return role
        }
        return KeyTable.Entry(
            digest: digest,
            principal: Principal(
                group: GroupID(try row.text("group_id")),
                keyID: try row.text("id"),
                owner: try KeyOwner(row),
                role: role ?? .member,
                scopes: try KeyScopes(row),
                allowedModels: try row.list("allowed_models"),
                allowedRoutes: try row.list("allowed_routes")
            ),
            expires: try row.optionalTime("expires_at") ?? UnixTime(milliseconds: .max)
        )
    }
}
