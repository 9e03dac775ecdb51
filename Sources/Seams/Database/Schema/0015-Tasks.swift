extension Migration {
    /// What people have to do, and the last number that each of them was given.
    ///
    /// An owner is a user or a gateway key. Users need not be in the store, where tokens say who somebody is, so there
    /// is no foreign key; who deletes a user deletes their tasks.
    static let tasks = Migration(
        version: 15,
        name: "tasks",
        statements: [
            """
            CREATE TABLE tasks (
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                owner_kind TEXT NOT NULL CHECK (owner_kind IN ('user', 'key')),
                owner_id TEXT NOT NULL,
                number \(.integer) NOT NULL,
                title TEXT NOT NULL,
                notes TEXT NOT NULL,
                due TEXT,
                created_at \(.integer) NOT NULL,
                updated_at \(.integer) NOT NULL,
                completed_at \(.integer),
                PRIMARY KEY (group_id, owner_kind, owner_id, number)
            ) \(.strict)
            """,
            """
            CREATE TABLE task_numbers (
                group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
                owner_kind TEXT NOT NULL,
                owner_id TEXT NOT NULL,
                last \(.integer) NOT NULL,
                PRIMARY KEY (group_id, owner_kind, owner_id)
            ) \(.strict)
            """,
        ]
    )
}
