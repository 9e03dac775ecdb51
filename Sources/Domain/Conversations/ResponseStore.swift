package import Core
package import Database
internal import NIOCore

/// Responses that are kept, in a transaction of the caller.
///
/// A group sees its own alone: another's is as if it did not exist.
package struct ResponseStore: Sendable {
    /// Rows that one statement deletes, so that a writer never waits for long.
    package static let batch = 200

    package init() {}

    /// Adds a response; nothing happens if its group is gone, or has one of that id.
    ///
    /// Safe to repeat.
    package func insert(
        _ response: StoredResponse,
        expiry: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) {
        try session.execute(
            """
            INSERT INTO responses (group_id, id, created_at, expires_at, bytes, items, response)
            SELECT id, \(response.id), \(response.createdAt), \(expiry), \(response.bytes),
                \(Array(response.items.readableBytesView)), \(Array(response.response.readableBytesView))
            FROM groups WHERE id = \(response.group)
            ON CONFLICT DO NOTHING
            """
        )
    }

    /// Gives a group's response; nil if there is none, or its time is over.
    package func get(
        _ id: String,
        of group: GroupID,
        now: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> StoredResponse? {
        let row = try session.first(
            """
            SELECT created_at, items, response FROM responses
            WHERE group_id = \(group) AND id = \(id) AND expires_at > \(now)
            """
        )
        return try row.map { row throws(DatabaseError) in
            StoredResponse(
                id: id,
                group: group,
                createdAt: try row.time("created_at"),
                items: ByteBuffer(bytes: try row.blob("items")),
                response: ByteBuffer(bytes: try row.blob("response"))
            )
        }
    }

    /// Deletes a group's response.
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    package func delete(_ id: String, of group: GroupID, in session: any SQLSession) throws(DatabaseError) -> Bool {
        try session.execute("DELETE FROM responses WHERE group_id = \(group) AND id = \(id)") > 0
    }

    /// How much is kept, in bytes.
    package func size(in session: any SQLSession) throws(DatabaseError) -> Int {
        let row = try session.first("SELECT COALESCE(SUM(bytes), 0) AS total FROM responses")
        return Int(clamping: try row?.integer("total") ?? 0)
    }

    /// Forgets responses whose time is over.
    ///
    /// - Returns: How many; `batch` if there may be more.
    package func expire(now: UnixTime, in session: any SQLSession) throws(DatabaseError) -> Int {
        try session.execute(
            """
            DELETE FROM responses WHERE (group_id, id) IN (
                SELECT group_id, id FROM responses WHERE expires_at <= \(now) ORDER BY expires_at LIMIT \(Self.batch)
            )
            """
        )
    }

    /// Forgets responses before their time, the ones that would end first, until no more than `bytesMax` are left.
    ///
    /// - Returns: Whether there may be more to forget.
    package func trim(bytesMax: Int, in session: any SQLSession) throws(DatabaseError) -> Bool {
        var size = try self.size(in: session)
        guard size > bytesMax else { return false }
        let rows = try session.rows(
            "SELECT group_id, id, bytes FROM responses ORDER BY expires_at LIMIT \(Self.batch)"
        )
        for row in rows {
            guard size > bytesMax else { return false }
            try self.delete(try row.text("id"), of: GroupID(try row.text("group_id")), in: session)
            size -= Int(clamping: try row.integer("bytes"))
        }
        return rows.count == Self.batch
    }
}
