extension Migration {
    /// Groups, the people in them, and the keys that clients send.
    ///
    /// A key's user is of the key's group: the pair is what the foreign key points at. The primary key of users stands
    /// last, because SQLite names the last of several keys that a row violates.
    static let tenants = Migration(
        version: 2,
        name: "groups, users and gateway keys",
        statements: [
            """
            CREATE TABLE groups (
                id TEXT NOT NULL PRIMARY KEY,
                name TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL
            ) \(.strict)
            """,
            "CREATE INDEX groups_by_age ON groups (created_at, id)",
            """
            CREATE TABLE users (
                id TEXT NOT NULL,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                email TEXT,
                role TEXT NOT NULL CHECK (role IN ('system_admin', 'group_admin', 'member')),
                issuer TEXT,
                subject TEXT,
                disabled_at \(.integer),
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                UNIQUE (issuer, subject),
                UNIQUE (id, group_id),
                PRIMARY KEY (id),
                CHECK ((issuer IS NULL) = (subject IS NULL))
            ) \(.strict)
            """,
            "CREATE INDEX users_by_age ON users (group_id, created_at, id)",
            """
            CREATE TABLE gateway_keys (
                id TEXT NOT NULL PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                digest \(.blob) NOT NULL UNIQUE,
                user_id TEXT,
                agent_id TEXT,
                scopes TEXT NOT NULL,
                allowed_models TEXT,
                allowed_routes TEXT,
                expires_at \(.integer),
                revoked_at \(.integer),
                replaced_by TEXT,
                created_by TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                last_used_at \(.integer),
                FOREIGN KEY (user_id, group_id) REFERENCES users (id, group_id) ON DELETE CASCADE,
                CHECK (user_id IS NULL OR agent_id IS NULL)
            ) \(.strict)
            """,
            "CREATE INDEX gateway_keys_by_age ON gateway_keys (group_id, created_at, id)",
            "CREATE INDEX gateway_keys_by_user ON gateway_keys (user_id, group_id)",
        ]
    )
}
