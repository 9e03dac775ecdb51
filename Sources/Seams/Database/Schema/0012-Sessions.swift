extension Migration {
    /// Conversations, and what was said in them.
    ///
    /// A session belongs to a person or to a gateway key, never to both. `user_id` points at nobody: people who are
    /// known by a token alone have sessions too. `tokens` are estimates: of one message, and of all of a session.
    /// `content` is customers' text as JSON; so are `system` and `summary`. A message goes with its session, and a
    /// session that is being deleted (`deleted_at`) is not seen any more while its messages go. `epoch` is the life of
    /// the process that answers, as long as it does.
    static let sessions = Migration(
        version: 12,
        name: "sessions",
        statements: [
            """
            CREATE TABLE sessions (
                id TEXT NOT NULL PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                user_id TEXT,
                key_id TEXT,
                agent_id TEXT,
                model TEXT,
                system TEXT,
                title TEXT NOT NULL,
                history TEXT,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                last_used_at \(.integer),
                deleted_at \(.integer),
                next_seq \(.integer) NOT NULL CHECK (next_seq >= 1),
                tokens \(.integer) NOT NULL CHECK (tokens >= 0),
                summary TEXT,
                summary_through \(.integer),
                forked_from TEXT,
                forked_seq \(.integer),
                CHECK ((user_id IS NULL) <> (key_id IS NULL)),
                CHECK ((summary IS NULL) = (summary_through IS NULL)),
                CHECK ((forked_from IS NULL) = (forked_seq IS NULL))
            ) \(.strict)
            """,
            "CREATE INDEX sessions_by_age ON sessions (group_id, created_at, id)",
            "CREATE INDEX sessions_of_users ON sessions (group_id, user_id, created_at, id) WHERE user_id IS NOT NULL",
            "CREATE INDEX sessions_of_keys ON sessions (group_id, key_id, created_at, id) WHERE key_id IS NOT NULL",
            "CREATE INDEX sessions_going ON sessions (deleted_at) WHERE deleted_at IS NOT NULL",
            """
            CREATE TABLE session_messages (
                session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                seq \(.integer) NOT NULL CHECK (seq >= 1),
                role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
                status TEXT NOT NULL CHECK (status IN ('running', 'complete', 'cut', 'failed')),
                epoch \(.integer),
                created_at \(.integer) NOT NULL,
                ended_at \(.integer),
                request_id TEXT NOT NULL,
                model TEXT,
                provider TEXT,
                finish TEXT,
                usage TEXT,
                cost \(.integer),
                error TEXT,
                left_out TEXT,
                tokens \(.integer) NOT NULL CHECK (tokens >= 0),
                bytes \(.integer) NOT NULL,
                content \(.blob) NOT NULL,
                PRIMARY KEY (session_id, seq),
                CHECK ((status = 'running') = (epoch IS NOT NULL)),
                CHECK (status <> 'running' OR role = 'assistant')
            ) \(.strict)
            """,
            "CREATE INDEX session_messages_running ON session_messages (epoch) WHERE status = 'running'",
            "CREATE INDEX session_messages_under_way ON session_messages (session_id) WHERE status = 'running'",
        ]
    )
}
