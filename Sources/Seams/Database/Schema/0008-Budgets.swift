extension Migration {
    /// Budgets that administrators make, beside those of the settings file.
    ///
    /// A budget of a group names it twice: as its owner, which it goes with, and in its scope. In a scope NULL is what
    /// does not matter and `*` is each by itself. `amount` is in millionths of a dollar for money. One index names the
    /// budgets of a group and one those of nobody, since two NULLs never are the same.
    static let budgets = Migration(
        version: 8,
        name: "budgets",
        statements: [
            """
            CREATE TABLE budgets (
                id TEXT NOT NULL PRIMARY KEY,
                name TEXT NOT NULL,
                group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
                scope_group TEXT,
                scope_user TEXT,
                scope_key TEXT,
                scope_agent TEXT,
                scope_model TEXT,
                unit TEXT NOT NULL CHECK (unit IN ('money', 'requests', 'tokens')),
                amount \(.integer) NOT NULL CHECK (amount >= 0),
                renews TEXT NOT NULL CHECK (renews IN ('day', 'week', 'month', 'total')),
                mode TEXT NOT NULL CHECK (mode IN ('hard', 'soft')),
                alerts TEXT NOT NULL,
                managed_by TEXT NOT NULL CHECK (managed_by IN ('system', 'group')),
                created_by TEXT NOT NULL,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                CHECK (group_id IS NULL OR (scope_group IS NOT NULL AND scope_group = group_id)),
                CHECK (group_id IS NOT NULL OR managed_by = 'system')
            ) \(.strict)
            """,
            "CREATE INDEX budgets_by_age ON budgets (created_at, id)",
            "CREATE UNIQUE INDEX budgets_of_groups ON budgets (group_id, name) WHERE group_id IS NOT NULL",
            "CREATE UNIQUE INDEX budgets_of_nobody ON budgets (name) WHERE group_id IS NULL",
        ]
    )
}
