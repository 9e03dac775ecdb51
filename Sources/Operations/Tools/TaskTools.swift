package import Core
package import Database
internal import NIOCore
internal import Tasks
package import Tools

/// A person's tasks as tools: what `turnpike mcp tasks` serves, and what the gateway's own agents reach as `tasks`.
///
/// Whose tasks says the caller, never an argument.
package enum TaskTools {
    /// The name in grants.
    package static let name = "tasks"

    /// The server.
    ///
    /// - Parameter now: The wall clock.
    package static func server(
        on database: any Database,
        version: String,
        now: @escaping @Sendable () -> UnixTime
    ) -> LocalToolServer {
        LocalToolServer(
            name: Self.name,
            title: "Tasks",
            version: version,
            instructions: "The tasks of one person: add, list, update, complete and delete them. "
                + "A task is named by its number.",
            tools: Self.definitions
        ) { (tool, arguments, caller) async throws(ToolError) in
            guard let owner = TaskOwner(caller) else {
                return ToolOutcome(text: "Nobody is known whose tasks these could be.", isError: true)
            }
            do {
                return try await Self.call(tool, Arguments(arguments), owner, database, now())
            } catch let error as TaskError {
                return ToolOutcome(text: error.description, isError: true)
            } catch DatabaseError.busy {
                throw .busy(server: Self.name)
            } catch is CancellationError {
                throw .cancelled
            } catch {
                throw .unreachable(server: Self.name, "the store did not answer")
            }
        }
    }

    private static func call(
        _ tool: String,
        _ arguments: Arguments,
        _ owner: TaskOwner,
        _ database: any Database,
        _ now: UnixTime
    ) async throws -> ToolOutcome {
        let store = TaskStore()
        switch tool {
        case "add_task":
            let title = try arguments.requiredText("title")
            let (notes, due) = (try arguments.text("notes") ?? "", try arguments.text("due"))
            let task = try await database.write {
                try store.add(title, notes: notes, due: due, for: owner, now: now, in: $0)
            }
            return Self.told("Added \(Self.line(task))", task)
        case "list_tasks":
            return try await Self.list(arguments, owner, database)
        case "update_task":
            let number = try arguments.number()
            let change = TaskChange(
                title: try arguments.text("title"),
                notes: try arguments.text("notes"),
                due: try arguments.text("due")
            )
            guard !change.isEmpty else {
                throw TaskError.invalid(field: "title", expected: "there, or notes, or due")
            }
            let task = try await database.write { try store.update(number, change, of: owner, now: now, in: $0) }
            return Self.told("Updated \(Self.line(task))", task)
        case "complete_task":
            let (number, isDone) = (try arguments.number(), try arguments.flag("done") ?? true)
            let task = try await database.write {
                try store.update(number, TaskChange(isDone: isDone), of: owner, now: now, in: $0)
            }
            return Self.told(isDone ? "Done: \(Self.line(task))" : "Open again: \(Self.line(task))", task)
        case "delete_task":
            let number = try arguments.number()
            let task = try await database.write { try store.delete(number, of: owner, in: $0) }
            return Self.told("Deleted \(Self.line(task))", task)
        default:
            return ToolOutcome(text: "There is no such tool.", isError: true)
        }
    }

    private static func list(
        _ arguments: Arguments,
        _ owner: TaskOwner,
        _ database: any Database
    ) async throws -> ToolOutcome {
        guard let filter = TaskStore.Filter(rawValue: try arguments.text("status") ?? "open") else {
            throw TaskError.invalid(field: "status", expected: "open, done or all")
        }
        let (limit, after) = (try arguments.integer("limit") ?? 50, try arguments.integer("after") ?? 0)
        guard (1...Int64(TaskStore.listMax)).contains(limit) else {
            throw TaskError.invalid(field: "limit", expected: "1 to \(TaskStore.listMax)")
        }
        let tasks = try await database.read {
            try TaskStore().list(filter, after: after, limit: Int(limit), of: owner, in: $0)
        }
        let text = tasks.isEmpty ? "There are no tasks." : tasks.map { Self.line($0) }.joined(separator: "\n")
        return ToolOutcome(text: text, structured: ["tasks": .array(tasks.map { Self.json($0) })])
    }

    private static func told(_ text: String, _ task: PersonTask) -> ToolOutcome {
        ToolOutcome(text: text, structured: ["task": Self.json(task)])
    }

    /// A task for people: `3. Buy milk (due 2027-01-31)`.
    private static func line(_ task: PersonTask) -> String {
        var line = "\(task.number). \(task.title)"
        if let due = task.due { line += " (due \(due))" }
        if task.isDone { line += " [done]" }
        if !task.notes.isEmpty { line += "\n   \(task.notes)" }
        return line
    }

    private static func json(_ task: PersonTask) -> JSONValue {
        [
            "id": .integer(task.number), "title": .string(task.title), "notes": .string(task.notes),
            "due": task.due.map { .string($0) } ?? .null, "status": task.isDone ? "done" : "open",
            "createdAt": .string(task.createdAt.rfc3339), "updatedAt": .string(task.updatedAt.rfc3339),
            "completedAt": task.completedAt.map { .string($0.rfc3339) } ?? .null,
        ]
    }
}

extension TaskOwner {
    /// The person who calls, else the key; nil where there is neither.
    fileprivate init?(_ caller: ToolCaller) {
        if let user = caller.user {
            self.init(group: caller.group, user: user)
        } else if let key = caller.key {
            self.init(group: caller.group, key: key)
        } else {
            return nil
        }
    }
}

/// What a tool was called with, read strictly enough to say what is wrong.
private struct Arguments {
    private let json: JSONValue

    init(_ json: JSONValue) { self.json = json }

    private func value(_ name: String) -> JSONValue? { self.json[name].flatMap { $0.isNull ? nil : $0 } }

    func text(_ name: String) throws(TaskError) -> String? {
        guard let value = self.value(name) else { return nil }
        guard let text = value.stringValue else { throw .invalid(field: name, expected: "a text") }
        return text
    }

    func requiredText(_ name: String) throws(TaskError) -> String {
        guard let text = try self.text(name) else { throw .invalid(field: name, expected: "there") }
        return text
    }

    func flag(_ name: String) throws(TaskError) -> Bool? {
        guard let value = self.value(name) else { return nil }
        guard let flag = value.boolValue else { throw .invalid(field: name, expected: "true or false") }
        return flag
    }

    /// A whole number; models write them as texts too.
    func integer(_ name: String) throws(TaskError) -> Int64? {
        guard let value = self.value(name) else { return nil }
        if let number = value.intValue { return Int64(number) }
        if let number = value.stringValue.flatMap({ Int64($0) }) { return number }
        throw .invalid(field: name, expected: "a whole number")
    }

    func number() throws(TaskError) -> Int64 {
        guard let number = try self.integer("id") else { throw .invalid(field: "id", expected: "a task's number") }
        return number
    }
}
