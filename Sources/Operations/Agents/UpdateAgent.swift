package import Agents
internal import Auth
package import Core
internal import Database

extension Administration {
    /// Changes an agent by a merge patch; the next call uses it as it is then.
    ///
    /// - Parameters:
    ///   - changes: Members of `AgentProfile.authored`; null takes one away.
    ///   - version: What the caller believes it to be at; nil if they do not care.
    /// - Throws: `GatewayError`; `CONFLICT` for one of the settings file, and where somebody else was faster.
    package func updateAgent(
        _ id: String,
        in group: GroupID?,
        _ changes: JSONValue,
        expecting version: Int?,
        by actor: Actor
    ) async throws(GatewayError) -> AgentProfile {
        let group = try Self.agentGroup(group, of: actor)
        let inFile = await self.surroundings.settingsAgents()
        let deed = Deed("agent.update", id, in: group)
        return try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) {
            session,
            now,
            deed in
            try Self.refuseSettings(id, of: group, inFile, in: session)
            let changed = try AgentStore().update(
                id,
                of: group,
                changes,
                expecting: version,
                now: now,
                in: session
            )
            try self.checkProvider(of: changed)
            deed.details = Self.details(of: changed)
            deed.details.append(("version", .integer(Int64(changed.version))))
            let names = (changes.objectValue ?? []).map { JSONValue.string($0.0) }
            deed.details.append(("changed", .array(names)))
            return changed
        }
    }

    /// Deletes an agent; keys that belong to it stay, and what it used stays in the ledger.
    ///
    /// - Throws: `GatewayError`, as `updateAgent`.
    package func deleteAgent(_ id: String, in group: GroupID?, by actor: Actor) async throws(GatewayError) {
        let group = try Self.agentGroup(group, of: actor)
        let inFile = await self.surroundings.settingsAgents()
        let deed = Deed("agent.delete", id, in: group)
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) { session, _, _ in
            try Self.refuseSettings(id, of: group, inFile, in: session)
            try AgentStore().delete(id, of: group, in: session)
        }
    }

    /// Refuses what is in the settings file, and says where to change it.
    ///
    /// A group's own agent in the store can be changed also where the settings give one of that id to every group.
    private static func refuseSettings(
        _ id: String,
        of group: GroupID,
        _ inFile: [AgentProfile],
        in session: any SQLSession
    ) throws {
        if inFile.contains(where: { $0.id == id && $0.group == group }) {
            // One in the store that the file hides can still be deleted or changed there once the file lets go of it.
            throw Self.inSettings(id)
        }
        do throws(AgentError) {
            _ = try AgentStore().get(id, of: group, in: session)
        } catch {
            if error == .notFound, inFile.contains(where: { $0.id == id && $0.group == nil }) {
                throw Self.inSettings(id)
            }
            if error == .notFound { throw error }
        }
    }
}
