package import Core
package import Database

/// People's tasks, in a transaction of the caller.
///
/// An owner sees their own alone: another's is as if it did not exist (row 44).
package struct TaskStore: Sendable {
    /// Which tasks a list shows.
    package enum Filter: String, Sendable, CaseIterable { case open, done, all }

    /// Rows that a list may have.
    package static let listMax = 200

    package init() {}

    /// Adds a task.
    ///
    /// - Throws: `TaskError`, `DatabaseError`.
    package func add(
        _ title: String,
        notes: String = "",
        due: String? = nil,
        for owner: TaskOwner,
        now: UnixTime,
        in session: any SQLSession
    ) throws -> PersonTask {
        let (title, notes) = (try TaskRule.title(title), try TaskRule.notes(notes))
        let due = try TaskRule.due(due ?? "")
        guard try session.first("SELECT id FROM groups WHERE id = \(owner.group)") != nil else {
            throw TaskError.groupNotFound
        }
        let count = try session.first("SELECT COUNT(*) AS n FROM tasks WHERE \(Self.isOwned(by: owner))")
        guard try count?.integer("n") ?? 0 < TaskRule.countMax else {
            throw TaskError.tooMany(limit: TaskRule.countMax)
        }
        let number = try Self.takeNumber(owner, in: session)
        try session.execute(
            """
            INSERT INTO tasks (
                group_id, owner_kind, owner_id, number, title, notes, due, created_at, updated_at, completed_at
            ) VALUES (
                \(owner.group), \(owner.kind.rawValue), \(owner.id), \(number), \(title), \(notes), \(due), \(now),
                \(now), NULL
            )
            """
        )
        return PersonTask(number: number, title: title, notes: notes, due: due, createdAt: now, updatedAt: now)
    }

    /// Numbers are counted, so that none is given a second time after its task was deleted.
    private static func takeNumber(_ owner: TaskOwner, in session: any SQLSession) throws(DatabaseError) -> Int64 {
        let row = try session.first(
            """
            INSERT INTO task_numbers (group_id, owner_kind, owner_id, last)
            VALUES (\(owner.group), \(owner.kind.rawValue), \(owner.id), 1)
            ON CONFLICT (group_id, owner_kind, owner_id) DO UPDATE SET last = task_numbers.last + 1
            RETURNING last
            """
        )
        guard let row else { throw .failed(code: 0, message: "task_numbers gave no number") }
        return try row.integer("last")
    }

    /// Lists tasks by their numbers.
    ///
    /// - Parameters:
    ///   - number: Begins behind this one.
    ///   - limit: How many, at most `listMax`.
    package func list(
        _ filter: Filter = .open,
        after number: Int64 = 0,
        limit: Int = 100,
        of owner: TaskOwner,
        in session: any SQLSession
    ) throws(DatabaseError) -> [PersonTask] {
        let condition: SQL =
            switch filter {
            case .open: " AND completed_at IS NULL"
            case .done: " AND completed_at IS NOT NULL"
            case .all: ""
            }
        let limit = min(max(1, limit), Self.listMax)
        return try session.map(
            Self.select + "\(Self.isOwned(by: owner)) AND number > \(number)" + condition
                + " ORDER BY number LIMIT \(limit)"
        ) { row throws(DatabaseError) in try Self.task(row) }
    }

    /// Gives a task.
    ///
    /// - Throws: `TaskError.notFound`, `DatabaseError`.
    package func get(_ number: Int64, of owner: TaskOwner, in session: any SQLSession) throws -> PersonTask {
        let row = try session.first(Self.select + "\(Self.isOwned(by: owner)) AND number = \(number)")
        guard let row else { throw TaskError.notFound(number: number) }
        return try Self.task(row)
    }

    /// Changes a task; one that is done already stays done since then.
    ///
    /// - Throws: `TaskError`, `DatabaseError`.
    package func update(
        _ number: Int64,
        _ change: TaskChange,
        of owner: TaskOwner,
        now: UnixTime,
        in session: any SQLSession
    ) throws -> PersonTask {
        var task = try self.get(number, of: owner, in: session)
        if let title = change.title { task.title = try TaskRule.title(title) }
        if let notes = change.notes { task.notes = try TaskRule.notes(notes) }
        if let due = change.due { task.due = try TaskRule.due(due) }
        if let isDone = change.isDone { task.completedAt = isDone ? task.completedAt ?? now : nil }
        task.updatedAt = now
        try session.execute(
            """
            UPDATE tasks SET title = \(task.title), notes = \(task.notes), due = \(task.due),
                updated_at = \(task.updatedAt), completed_at = \(task.completedAt)
            WHERE \(Self.isOwned(by: owner)) AND number = \(number)
            """
        )
        return task
    }

    /// Deletes a task.
    ///
    /// - Returns: What it was.
    /// - Throws: `TaskError.notFound`, `DatabaseError`.
    @discardableResult
    package func delete(_ number: Int64, of owner: TaskOwner, in session: any SQLSession) throws -> PersonTask {
        let task = try self.get(number, of: owner, in: session)
        try session.execute("DELETE FROM tasks WHERE \(Self.isOwned(by: owner)) AND number = \(number)")
        return task
    }

    /// Deletes all that an owner has; for owners that are no more.
    package func deleteAll(of owner: TaskOwner, in session: any SQLSession) throws(DatabaseError) {
        try session.execute("DELETE FROM tasks WHERE \(Self.isOwned(by: owner))")
        try session.execute("DELETE FROM task_numbers WHERE \(Self.isOwned(by: owner))")
    }

    private static let select: SQL =
        "SELECT number, title, notes, due, created_at, updated_at, completed_at FROM tasks WHERE "

    private static func isOwned(by owner: TaskOwner) -> SQL {
        "group_id = \(owner.group) AND owner_kind = \(owner.kind.rawValue) AND owner_id = \(owner.id)"
    }

    private static func task(_ row: SQLRow) throws(DatabaseError) -> PersonTask {
        PersonTask(
            number: try row.integer("number"),
            title: try row.text("title"),
            notes: try row.text("notes"),
            due: try row.optionalText("due"),
            createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"),
            completedAt: try row.optionalTime("completed_at")
        )
    }
}
