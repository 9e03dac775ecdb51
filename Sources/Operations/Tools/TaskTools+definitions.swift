internal import Core
internal import Tools

extension TaskTools {
    static let definitions: [ToolDefinition] = [
        Self.tool(
            "add_task",
            "Add a task",
            "Adds a task to the person's list.",
            [
                ("title", Self.text("What is to be done, on one line.")),
                ("notes", Self.text("More about it.")),
                ("due", Self.text("When it is due: a day like 2027-01-31, or a time like 2027-01-31T12:00:00Z.")),
            ],
            required: ["title"],
            ["readOnlyHint": false, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false]
        ),
        Self.tool(
            "list_tasks",
            "List tasks",
            "Lists the person's tasks: the open ones, unless another status is asked for.",
            [
                ("status", ["type": "string", "enum": ["open", "done", "all"], "description": "Which tasks."]),
                (
                    "limit",
                    ["type": "integer", "minimum": 1, "maximum": 200, "description": "How many; 50 if not given."]
                ),
                ("after", Self.number("Only tasks with higher numbers, for the next page.")),
            ],
            ["readOnlyHint": true, "openWorldHint": false]
        ),
        Self.tool(
            "update_task",
            "Change a task",
            "Changes the title, the notes or the due time of a task.",
            [
                ("id", Self.number("The task's number.")),
                ("title", Self.text("What is to be done, on one line.")),
                ("notes", Self.text("More about it; an empty text takes it away.")),
                ("due", Self.text("When it is due; an empty text takes it away.")),
            ],
            required: ["id"],
            ["readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false]
        ),
        Self.tool(
            "complete_task",
            "Complete a task",
            "Marks a task as done, or as open again.",
            [
                ("id", Self.number("The task's number.")),
                ("done", ["type": "boolean", "description": "False opens it again; true if not given."]),
            ],
            required: ["id"],
            ["readOnlyHint": false, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false]
        ),
        Self.tool(
            "delete_task",
            "Delete a task",
            "Deletes a task for good.",
            [("id", Self.number("The task's number."))],
            required: ["id"],
            ["readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false]
        ),
    ]

    private static func tool(
        _ name: String,
        _ title: String,
        _ description: String,
        _ properties: [(String, JSONValue)],
        required: [JSONValue] = [],
        _ annotations: JSONValue
    ) -> ToolDefinition {
        var schema: [(String, JSONValue)] = [("type", "object"), ("properties", .object(properties))]
        if !required.isEmpty { schema.append(("required", .array(required))) }
        schema.append(("additionalProperties", false))
        return ToolDefinition(
            name: name,
            title: title,
            description: description,
            inputSchema: .object(schema),
            annotations: annotations
        )
    }

    private static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }

    private static func number(_ description: String) -> JSONValue {
        ["type": "integer", "description": .string(description)]
    }
}
