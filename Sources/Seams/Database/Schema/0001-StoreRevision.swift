extension Migration {
    /// One number that counts changes, for gateways that watch the store.
    static let storeRevision = Migration(
        version: 1,
        name: "store revision",
        statements: [
            """
            CREATE TABLE store_revision (
                id \(.integer) NOT NULL PRIMARY KEY CHECK (id = 1),
                revision \(.integer) NOT NULL
            ) \(.strict)
            """,
            "INSERT INTO store_revision (id, revision) VALUES (1, 0)",
        ]
    )
}
