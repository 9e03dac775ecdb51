extension Migration {
    /// What clients named with `Idempotency-Key`, and the first answer to each.
    ///
    /// `digest` is the fingerprint of the request. `answer` holds customers' text; it goes with its row, after a day or
    /// with the group.
    static let idempotency = Migration(
        version: 7,
        name: "idempotency keys",
        statements: [
            """
            CREATE TABLE idempotency (
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                holder TEXT NOT NULL,
                key TEXT NOT NULL,
                claim TEXT NOT NULL,
                digest \(.blob) NOT NULL,
                request_id TEXT NOT NULL,
                epoch \(.integer) NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('running', 'answered', 'unkept', 'interrupted')),
                created_at \(.integer) NOT NULL,
                expires_at \(.integer) NOT NULL,
                bytes \(.integer) NOT NULL,
                answer \(.blob),
                PRIMARY KEY (group_id, holder, key),
                CHECK ((state = 'answered') = (answer IS NOT NULL))
            ) \(.strict)
            """,
            "CREATE INDEX idempotency_by_expiry ON idempotency (expires_at)",
            "CREATE INDEX idempotency_running ON idempotency (epoch) WHERE state = 'running'",
        ]
    )
}
