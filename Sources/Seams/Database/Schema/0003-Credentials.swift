extension Migration {
    /// Provider keys of groups.
    ///
    /// A column named `enc_…` holds sealed bytes and is known to the rotation (row 63).
    static let credentials = Migration(
        version: 3,
        name: "credentials",
        statements: [
            """
            CREATE TABLE credentials (
                id TEXT NOT NULL PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                provider TEXT NOT NULL,
                enc_key \(.blob) NOT NULL,
                key_id TEXT NOT NULL,
                is_active \(.integer) NOT NULL CHECK (is_active IN (0, 1)),
                key_hint TEXT NOT NULL,
                rejected_at \(.integer),
                created_by TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                last_used_at \(.integer)
            ) \(.strict)
            """,
            "CREATE UNIQUE INDEX credentials_one_active ON credentials (group_id, provider) WHERE is_active = 1",
            "CREATE INDEX credentials_by_age ON credentials (group_id, created_at, id)",
            "CREATE INDEX credentials_by_key ON credentials (key_id, id)",
        ]
    )
}
