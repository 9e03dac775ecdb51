extension Migration {
    /// What `/v1/responses` answered, so that clients can ask for it again and go on from it.
    ///
    /// `items` is all that the model was told, earlier answers included, as a JSON list; `response` is what the client
    /// was answered. Both are customers' text; they go with their row, when its time is over, when newer ones take its
    /// place, or with the group.
    static let responses = Migration(
        version: 10,
        name: "stored responses",
        statements: [
            """
            CREATE TABLE responses (
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                id TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                expires_at \(.integer) NOT NULL,
                bytes \(.integer) NOT NULL,
                items \(.blob) NOT NULL,
                response \(.blob) NOT NULL,
                PRIMARY KEY (group_id, id)
            ) \(.strict)
            """,
            "CREATE INDEX responses_by_expiry ON responses (expires_at)",
        ]
    )
}
