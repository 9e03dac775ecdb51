package import Core
package import Database

/// The agents that administrators made, in a transaction of the caller.
///
/// Every change counts up the store's revision, so that every gateway on the store applies it. An agent goes with its
/// group.
package struct AgentStore: Sendable {
    package init() {}

    private static let select: SQL = """
        SELECT id, agent_id, group_id, profile, version, created_by, created_at, updated_at FROM agents
        """

    /// What is in a row, before anybody looked whether this build can read it.
    private struct Row {
        let id: String
        let agentID: String
        let group: GroupID
        let profile: String
        let version: Int64
        let createdBy: String
        let createdAt: UnixTime
        let updatedAt: UnixTime

        init(_ row: SQLRow) throws(DatabaseError) {
            self.id = try row.text("id")
            self.agentID = try row.text("agent_id")
            self.group = GroupID(try row.text("group_id"))
            self.profile = try row.text("profile")
            self.version = try row.integer("version")
            self.createdBy = try row.text("created_by")
            self.createdAt = try row.time("created_at")
            self.updatedAt = try row.time("updated_at")
        }

        /// What stands for one that this build cannot read.
        var unreadable: AgentProfile {
            var agent = AgentProfile(id: self.agentID, group: self.group, name: "(cannot be read by this version)")
            agent.version = Int(clamping: self.version)
            agent.createdBy = self.createdBy
            agent.createdAt = self.createdAt
            agent.updatedAt = self.updatedAt
            return agent
        }

        /// Nil for what this build cannot read, such as a profile that a later one wrote.
        var agent: AgentProfile? {
            guard let json = try? JSONValue.parse(self.profile),
                var agent = try? AgentProfile(authored: json, id: self.agentID, group: self.group)
            else { return nil }
            agent.version = Int(clamping: self.version)
            agent.createdBy = self.createdBy
            agent.createdAt = self.createdAt
            agent.updatedAt = self.updatedAt
            return agent
        }
    }

    /// What names the row: ids of groups have no slash in them.
    private static func rowID(_ id: String, of group: GroupID) -> String { "\(group.text)/\(id)" }

    // MARK: - Reading

    /// Gives an agent of a group.
    ///
    /// - Throws: `AgentError.notFound`.
    package func get(_ id: String, of group: GroupID, in session: any SQLSession) throws(AgentError) -> AgentProfile {
        let rowID = Self.rowID(id, of: group)
        let found = try Self.stored { () throws(DatabaseError) -> Row? in
            guard let row = try session.first(Self.select + " WHERE id = \(rowID)") else { return nil }
            return try Row(row)
        }
        guard let found else { throw .notFound }
        guard let agent = found.agent else { throw .store(.badColumn("profile", expected: "a profile of an agent")) }
        return agent
    }

    /// Lists agents, the oldest first.
    ///
    /// - Parameter group: Only of this group; nil for all.
    package func list(
        _ page: PageRequest = .first,
        of group: GroupID?,
        in session: any SQLSession
    ) throws(AgentError) -> Page<AgentProfile> {
        let condition: SQL = if let group { "group_id = \(group)" } else { "1 = 1" }
        let rows = try Self.stored { () throws(DatabaseError) in
            try session.map(Self.select + page.clause(where: condition)) { row throws(DatabaseError) in try Row(row) }
        }
        let found = Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id) }
        return found.map { row in
            // Shown so that it can be deleted, whatever is in it.
            row.agent ?? row.unreadable
        }
    }

    /// All agents that this build can read, for the book: the oldest first.
    package func all(in session: any SQLSession) throws(AgentError) -> [AgentProfile] {
        try Self.stored { () throws(DatabaseError) in
            try session.map(Self.select + " ORDER BY created_at, id") { row throws(DatabaseError) in
                try Row(row).agent
            }
        }.compactMap(\.self)
    }

    // MARK: - Changing

    /// Adds an agent of a group.
    ///
    /// - Returns: The agent with its version and times.
    /// - Throws: `AgentError.duplicateID`, `.groupNotFound`, `.tooMany`.
    package func insert(
        _ agent: AgentProfile,
        of group: GroupID,
        by creator: String,
        now: UnixTime,
        in session: any SQLSession
    ) throws(AgentError) -> AgentProfile {
        let others = try Self.stored { () throws(DatabaseError) in
            try session.first("SELECT COUNT(*) AS count FROM agents WHERE group_id = \(group)")?.integer("count") ?? 0
        }
        guard others < AgentBounds.countMax else { throw .tooMany(limit: AgentBounds.countMax) }
        let (rowID, profile) = (Self.rowID(agent.id, of: group), agent.authoredJSON.text)
        try Self.stored(naming: agent.id) { () throws(DatabaseError) in
            try session.execute(
                """
                INSERT INTO agents (id, agent_id, group_id, profile, version, created_by, created_at, updated_at)
                VALUES (\(rowID), \(agent.id), \(group), \(profile), 1, \(creator), \(now), \(now))
                """
            )
            try session.bumpRevision()
        }
        return try self.get(agent.id, of: group, in: session)
    }

    /// Changes an agent by a merge patch (`AgentProfile.merge`).
    ///
    /// - Parameter version: What the caller believes the agent to be at; nil if they do not care.
    /// - Throws: `AgentError.notFound`, `.invalid`, `.changed`.
    package func update(
        _ id: String,
        of group: GroupID,
        _ changes: JSONValue,
        expecting version: Int?,
        now: UnixTime,
        in session: any SQLSession
    ) throws(AgentError) -> AgentProfile {
        let old = try self.get(id, of: group, in: session)
        if let version, version != old.version { throw .changed(version: old.version) }
        let new: AgentProfile
        do throws(ValueFault) {
            let merged = AgentProfile.merge(changes, into: old.authoredJSON)
            new = try AgentProfile(authored: merged, id: id, group: group)
        } catch {
            throw .invalid(error)
        }
        let (rowID, profile, next) = (Self.rowID(id, of: group), new.authoredJSON.text, Int64(old.version) + 1)
        try Self.stored { () throws(DatabaseError) in
            try session.execute(
                """
                UPDATE agents SET profile = \(profile), version = \(next), updated_at = \(now) WHERE id = \(rowID)
                """
            )
            try session.bumpRevision()
        }
        return try self.get(id, of: group, in: session)
    }

    /// Deletes an agent; keys that belong to it stay, and find no agent any more.
    ///
    /// - Throws: `AgentError.notFound`.
    package func delete(_ id: String, of group: GroupID, in session: any SQLSession) throws(AgentError) {
        let rowID = Self.rowID(id, of: group)
        let count = try Self.stored { () throws(DatabaseError) in
            let count = try session.execute("DELETE FROM agents WHERE id = \(rowID)")
            if count > 0 { try session.bumpRevision() }
            return count
        }
        guard count > 0 else { throw .notFound }
    }

    private static func stored<Result>(
        naming id: String = "",
        _ body: () throws(DatabaseError) -> Result
    ) throws(AgentError) -> Result {
        do { return try body() } catch { throw AgentError(error, naming: id) }
    }
}
