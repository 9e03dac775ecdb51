extension Migration {
    /// What clients were answered, beside what another target answered to a copy of the same request.
    ///
    /// `client` and `shadow` are figures, in JSON. `client_answer` and `shadow_answer` are customers' text; they go
    /// with their row, when newer ones take its place or with the group.
    static let shadowAnswers = Migration(
        version: 9,
        name: "shadow answers",
        statements: [
            """
            CREATE TABLE shadow_answers (
                id TEXT NOT NULL PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                alias TEXT NOT NULL,
                request_id TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                operation TEXT NOT NULL,
                is_stream \(.integer) NOT NULL CHECK (is_stream IN (0, 1)),
                likeness \(.integer) CHECK (likeness BETWEEN 0 AND 1000),
                client TEXT NOT NULL,
                shadow TEXT NOT NULL,
                client_answer \(.blob) NOT NULL,
                shadow_answer \(.blob) NOT NULL
            ) \(.strict)
            """,
            "CREATE INDEX shadow_answers_by_alias ON shadow_answers (alias, created_at, id)",
            "CREATE INDEX shadow_answers_by_group ON shadow_answers (group_id, created_at, id)",
        ]
    )
}
