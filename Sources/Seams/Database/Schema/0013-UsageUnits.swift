extension Migration {
    /// What calls use besides tokens, and of the tokens those that are cached for an hour.
    ///
    /// Rows from before say nothing of it; no hash of theirs changes, since what is NULL in these columns is not in it.
    static let usageUnits = Migration(
        version: 13,
        name: "units of usage",
        statements: Self.columns.flatMap { column -> [SQL] in
            [
                "ALTER TABLE ledger ADD COLUMN \(column) \(.integer)",
                "ALTER TABLE usage_hours ADD COLUMN \(column) \(.integer) NOT NULL DEFAULT 0",
            ]
        }
    )

    private static let columns: [SQL] = ["cache_write_long_tokens", "characters", "sound_ms", "searches"]
}
