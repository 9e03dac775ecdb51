extension SQLSession {
    /// Counts a change to groups, users, gateway keys or credentials, so that every gateway on this database notices.
    ///
    /// Called in the transaction of the change, by the stores.
    package func bumpRevision() throws(DatabaseError) {
        try self.execute("UPDATE store_revision SET revision = revision + 1 WHERE id = 1")
    }

    /// The number of changes so far; a gateway that polls compares it with the one it loaded.
    package func revision() throws(DatabaseError) -> Int64 {
        guard let row = try self.first("SELECT revision FROM store_revision WHERE id = 1") else {
            throw .failed(code: 0, message: "store_revision is empty")
        }
        return try row.integer("revision")
    }
}
