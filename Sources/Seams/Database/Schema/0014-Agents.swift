extension Migration {
    /// Agents that administrators make, beside those of the settings file.
    ///
    /// `id` is group and agent with a slash between them, which ids of groups do not have; `profile` is JSON, what
    /// people decided about it.
    static let agents = Migration(
        version: 14,
        name: "agents",
        statements: [
            """
            CREATE TABLE agents (
                id TEXT NOT NULL PRIMARY KEY,
                agent_id TEXT NOT NULL,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                profile TEXT NOT NULL,
                version \(.integer) NOT NULL CHECK (version >= 1),
                created_by TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                UNIQUE (group_id, agent_id)
            ) \(.strict)
            """,
            "CREATE INDEX agents_by_age ON agents (created_at, id)",
        ]
    )
}
