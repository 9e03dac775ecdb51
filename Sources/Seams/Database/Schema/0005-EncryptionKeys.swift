extension Migration {
    /// Which encryption keys there are, where a rotation stands, and who is running.
    ///
    /// No key is kept here, only key ids.
    static let encryptionKeys = Migration(
        version: 5,
        name: "key ring, rotation and instances",
        statements: [
            """
            CREATE TABLE key_ring (
                key_id TEXT NOT NULL PRIMARY KEY,
                state TEXT NOT NULL CHECK (state IN ('active', 'decrypt_only', 'retired', 'destroyed')),
                created_at \(.integer) NOT NULL,
                changed_at \(.integer) NOT NULL
            ) \(.strict)
            """,
            "CREATE UNIQUE INDEX key_ring_one_active ON key_ring (state) WHERE state = 'active'",
            """
            CREATE TABLE rotation (
                id \(.integer) NOT NULL PRIMARY KEY CHECK (id = 1),
                stage TEXT NOT NULL,
                old_key_id TEXT NOT NULL,
                new_key_id TEXT NOT NULL,
                cursor TEXT,
                counted \(.integer) NOT NULL,
                resealed \(.integer) NOT NULL,
                backup_path TEXT,
                backup_digest TEXT,
                started_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                lease_holder TEXT,
                lease_until \(.integer)
            ) \(.strict)
            """,
            """
            CREATE TABLE instances (
                id TEXT NOT NULL PRIMARY KEY,
                seen_at \(.integer) NOT NULL,
                version TEXT NOT NULL,
                key_ids TEXT NOT NULL
            ) \(.strict)
            """,
        ]
    )
}
