package import Core
package import Database

/// What was approved: a tool, by the hash of all that is told of it (row 101).
package struct ToolPin: Sendable, Equatable {
    package let name: ToolName
    /// `ToolDefinition.digest`.
    package let digest: String
    /// `first_use`, or who approved it.
    package let approvedBy: String
    package let approvedAt: UnixTime

    package init(name: ToolName, digest: String, approvedBy: String, approvedAt: UnixTime) {
        self.name = name
        self.digest = digest
        self.approvedBy = approvedBy
        self.approvedAt = approvedAt
    }

    /// Who approves what is seen for the first time, where the settings leave that to chance.
    package static let firstUse = "first_use"
}

/// Approved tools, in a transaction of the caller.
package struct PinStore: Sendable {
    package init() {}

    /// The pins of a server, by its tools' names.
    package func pins(of server: String, in session: any SQLSession) throws(DatabaseError) -> [String: ToolPin] {
        let rows = try session.rows(
            "SELECT tool, digest, approved_by, approved_at FROM tool_pins WHERE server = \(server)"
        )
        var pins: [String: ToolPin] = [:]
        for row in rows {
            let tool = try row.text("tool")
            pins[tool] = ToolPin(
                name: ToolName(server: server, tool: tool),
                digest: try row.text("digest"),
                approvedBy: try row.text("approved_by"),
                approvedAt: try row.time("approved_at")
            )
        }
        return pins
    }

    /// Pins tools that have no pin yet; others stay as they are.
    ///
    /// - Returns: Those that were pinned.
    package func pinNew(_ pins: [ToolPin], in session: any SQLSession) throws(DatabaseError) -> [ToolPin] {
        var made: [ToolPin] = []
        for pin in pins where try self.insert(pin, else: "DO NOTHING", in: session) > 0 { made.append(pin) }
        return made
    }

    /// Pins tools, in place of what was pinned before.
    package func approve(_ pins: [ToolPin], in session: any SQLSession) throws(DatabaseError) {
        for pin in pins {
            let change: SQL = """
                (server, tool) DO UPDATE SET digest = excluded.digest, approved_by = excluded.approved_by,
                    approved_at = excluded.approved_at
                """
            try self.insert(pin, else: change, in: session)
        }
        try session.bumpRevision()
    }

    @discardableResult
    private func insert(_ pin: ToolPin, else change: SQL, in session: any SQLSession) throws(DatabaseError) -> Int {
        try session.execute(
            """
            INSERT INTO tool_pins (server, tool, digest, approved_by, approved_at)
            VALUES (\(pin.name.server), \(pin.name.tool), \(pin.digest), \(pin.approvedBy), \(pin.approvedAt))
            ON CONFLICT \(change)
            """
        )
    }
}
