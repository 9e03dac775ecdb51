package import Core
package import Database

extension CredentialStore {
    /// The most that one page lists.
    package static let pageMax = 200

    /// One credential.
    ///
    /// - Throws: `.notFound`, also for one of another group.
    package func find(
        _ id: String,
        group: GroupID?,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        let row = try Self.wrap { () throws(DatabaseError) in
            try session.first(Self.selection + "WHERE id = \(id)").map(Self.record)
        }
        guard let row, group == nil || row.group == group else { throw .notFound }
        return row
    }

    /// Credentials in the order they were added, a page at a time.
    ///
    /// What is added or deleted between two pages neither hides nor repeats another one.
    /// - Parameters:
    ///   - cursor: `next` of the page before.
    ///   - limit: From 1 to `pageMax`; others become the nearest.
    package func list(
        _ filter: CredentialFilter,
        after cursor: String? = nil,
        limit: Int = 50,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialPage {
        let limit = min(max(limit, 1), Self.pageMax)
        var query = Self.selection + "WHERE 1 = 1"
        if let group = filter.group { query += " AND group_id = \(group)" }
        if let provider = filter.provider { query += " AND provider = \(provider)" }
        if let isActive = filter.isActive { query += " AND is_active = \(isActive)" }
        if let isRejected = filter.isRejected {
            query += isRejected ? " AND rejected_at IS NOT NULL" : " AND rejected_at IS NULL"
        }
        if let cursor {
            guard
                let dot = cursor.firstIndex(of: "."), let time = Int64(cursor[..<dot]),
                cursor.utf8.count <= 200
            else { throw .badCursor }
            let id = String(cursor[cursor.index(after: dot)...])
            query += " AND (created_at > \(time) OR (created_at = \(time) AND id > \(id)))"
        }
        query += " ORDER BY created_at, id LIMIT \(limit + 1)"
        let all = query
        let records = try Self.wrap { () throws(DatabaseError) in try session.map(all, Self.record) }
        guard records.count > limit, let last = records.prefix(limit).last else {
            return CredentialPage(records: records, next: nil)
        }
        return CredentialPage(records: Array(records.prefix(limit)), next: "\(last.createdAt.milliseconds).\(last.id)")
    }

    /// All active credentials, sealed, for the book in memory.
    ///
    /// A row that is damaged does not keep the others out.
    package func active(in session: any SQLSession) throws(CredentialStoreError) -> [ActiveCredential] {
        try Self.wrap { () throws(DatabaseError) in
            try session.map(
                "SELECT id, group_id, provider, enc_key, rejected_at FROM credentials WHERE is_active = 1 ORDER BY id"
            ) { row throws(DatabaseError) in
                let (id, provider) = (try row.text("id"), try row.text("provider"))
                let group = GroupID(try row.text("group_id"))
                let context = SealContext(
                    group: group,
                    provider: provider,
                    credential: id,
                    field: Self.sealedKey.name
                )
                return ActiveCredential(
                    id: id,
                    group: group,
                    provider: provider,
                    sealed: try? SealedCredential(blob: try row.blob("enc_key"), context: context),
                    rejectedAt: try row.optionalTime("rejected_at")
                )
            }
        }
    }

    /// Opens a credential, active or not, to try it against its provider.
    ///
    /// - Throws: `.notFound`; `.vault` if it cannot be opened.
    package func open(
        _ id: String,
        group: GroupID?,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> GuardedBytes {
        _ = try self.find(id, group: group, in: session)
        let row = try Self.wrap { () throws(DatabaseError) in try Self.sealedKey.row(id, in: session) }
        guard let row else { throw .notFound }
        do throws(VaultError) {
            return try self.vault.open(SealedCredential(blob: row.blob, context: row.context))
        } catch {
            throw .vault(error)
        }
    }

    private static let selection: SQL = """
        SELECT id, group_id, provider, key_id, is_active, key_hint, rejected_at, created_by, created_at, updated_at,
            last_used_at
        FROM credentials\u{20}
        """

    private static func record(_ row: SQLRow) throws(DatabaseError) -> CredentialRecord {
        CredentialRecord(
            id: try row.text("id"),
            group: GroupID(try row.text("group_id")),
            provider: try row.text("provider"),
            isActive: try row.bool("is_active"),
            keyHint: try row.text("key_hint"),
            keyID: KeyID(try row.text("key_id")),
            rejectedAt: try row.optionalTime("rejected_at"),
            createdBy: try row.text("created_by"),
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"),
            lastUsedAt: try row.optionalTime("last_used_at")
        )
    }
}

// MARK: - What calls bring back

extension CredentialStore {
    /// Notes that the provider refused the key.
    ///
    /// Repeating it changes nothing: the first refusal counts. A credential that is gone meanwhile is no error.
    /// - Returns: Whether this was the first.
    @discardableResult
    package func markRejected(
        _ id: String,
        at time: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> Bool {
        try Self.wrap { () throws(DatabaseError) in
            let changed = try session.execute(
                "UPDATE credentials SET rejected_at = \(time) WHERE id = \(id) AND rejected_at IS NULL"
            )
            if changed > 0 { try session.bumpRevision() }
            return changed > 0
        }
    }

    /// Notes that the provider takes the key again.
    @discardableResult
    package func markAccepted(_ id: String, in session: any SQLSession) throws(CredentialStoreError) -> Bool {
        try Self.wrap { () throws(DatabaseError) in
            let changed = try session.execute(
                "UPDATE credentials SET rejected_at = NULL WHERE id = \(id) AND rejected_at IS NOT NULL"
            )
            if changed > 0 { try session.bumpRevision() }
            return changed > 0
        }
    }

    /// Moves the times of last use forward, many at once; never back, whatever order they come in.
    ///
    /// Does not count up the revision: no gateway decides by these times.
    package func noteUses(
        _ uses: [String: UnixTime],
        in session: any SQLSession
    ) throws(CredentialStoreError) {
        try Self.wrap { () throws(DatabaseError) in
            for (id, time) in uses {
                try session.execute(
                    """
                    UPDATE credentials SET last_used_at = \(time)
                    WHERE id = \(id) AND (last_used_at IS NULL OR last_used_at < \(time))
                    """
                )
            }
        }
    }
}
