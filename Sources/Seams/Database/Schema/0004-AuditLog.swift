extension Migration {
    /// What administrators did, each record chained to the one before it (row 55).
    static let auditLog = Migration(
        version: 4,
        name: "audit log",
        statements: [
            """
            CREATE TABLE audit_log (
                seq \(.integer) NOT NULL PRIMARY KEY,
                at \(.integer) NOT NULL,
                actor TEXT NOT NULL,
                actor_group TEXT,
                action TEXT NOT NULL,
                object_kind TEXT NOT NULL,
                object_id TEXT NOT NULL,
                group_id TEXT,
                outcome TEXT NOT NULL,
                request_id TEXT,
                details TEXT NOT NULL,
                prev_hash \(.blob) NOT NULL,
                hash \(.blob) NOT NULL
            ) \(.strict)
            """,
            """
            CREATE TABLE audit_head (
                id \(.integer) NOT NULL PRIMARY KEY CHECK (id = 1),
                seq \(.integer) NOT NULL,
                hash \(.blob) NOT NULL,
                key_id TEXT NOT NULL,
                mac \(.blob) NOT NULL
            ) \(.strict)
            """,
            "CREATE INDEX audit_log_by_group ON audit_log (group_id, seq)",
        ]
    )
}
