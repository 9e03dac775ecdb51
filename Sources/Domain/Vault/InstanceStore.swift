package import Core
package import Database

/// Who is running on this store, and which keys each can open blobs with (row 64).
package struct InstanceStore: Sendable {
    /// One running gateway.
    package struct Instance: Sendable, Equatable {
        /// Chosen anew at each start; says host and process, so that an operator finds it.
        package let id: String
        package let version: String
        package let keyIDs: [KeyID]
        package let seenAt: UnixTime

        package init(id: String, version: String, keyIDs: [KeyID], seenAt: UnixTime) {
            self.id = id
            self.version = version
            self.keyIDs = keyIDs
            self.seenAt = seenAt
        }
    }

    /// How often an instance says that it lives, in milliseconds.
    package static let beatMilliseconds: Int64 = 5_000
    /// Whoever was silent for longer than this is gone, in milliseconds.
    package static let silenceMilliseconds: Int64 = 30_000

    package init() {}

    /// Says that `instance` lives and what it can read; also clears away who has been silent for a day.
    package func beat(_ instance: Instance, in session: any SQLSession) throws(DatabaseError) {
        let keys = instance.keyIDs.map(\.text).joined(separator: " ")
        try session.execute(
            """
            INSERT INTO instances (id, seen_at, version, key_ids)
            VALUES (\(instance.id), \(instance.seenAt), \(instance.version), \(keys))
            ON CONFLICT (id) DO UPDATE
            SET seen_at = excluded.seen_at, version = excluded.version, key_ids = excluded.key_ids
            """
        )
        let dayBefore = UnixTime(milliseconds: instance.seenAt.milliseconds - 86_400_000)
        try session.execute("DELETE FROM instances WHERE seen_at < \(dayBefore)")
    }

    /// Says that an instance has stopped, so that nobody waits for it.
    package func leave(_ id: String, in session: any SQLSession) throws(DatabaseError) {
        try session.execute("DELETE FROM instances WHERE id = \(id)")
    }

    /// The instances that have been heard of lately.
    package func living(now: UnixTime, in session: any SQLSession) throws(DatabaseError) -> [Instance] {
        let since = UnixTime(milliseconds: now.milliseconds - Self.silenceMilliseconds)
        return try session.map(
            "SELECT id, seen_at, version, key_ids FROM instances WHERE seen_at >= \(since) ORDER BY id"
        ) { row throws(DatabaseError) in
            Instance(
                id: try row.text("id"),
                version: try row.text("version"),
                keyIDs: try row.text("key_ids").split(separator: " ").compactMap { KeyID(String($0)) },
                seenAt: try row.time("seen_at")
            )
        }
    }
}
