extension Migration {
    /// Which tools of which tool servers were approved, by the hash of all that models are told of them.
    static let toolPins = Migration(
        version: 11,
        name: "approved tools",
        statements: [
            """
            CREATE TABLE tool_pins (
                server TEXT NOT NULL,
                tool TEXT NOT NULL,
                digest TEXT NOT NULL,
                approved_by TEXT NOT NULL,
                approved_at \(.integer) NOT NULL,
                PRIMARY KEY (server, tool)
            ) \(.strict)
            """
        ]
    )
}
