package import Agents
internal import Auth
package import Core
internal import Database

extension Administration {
    /// Gives the agent that a group means by an id: its own, or one that the settings give to every group.
    ///
    /// - Parameter group: Nil: the actor's own.
    package func agent(_ id: String, in group: GroupID?, by actor: Actor) async throws(GatewayError) -> AgentProfile {
        let group = try Self.agentGroup(group, of: actor)
        let inFile = await self.surroundings.settingsAgents()
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            if let agent = inFile.first(where: { $0.id == id && $0.group == group }) { return agent }
            do throws(AgentError) {
                return try AgentStore().get(id, of: group, in: session)
            } catch {
                guard error == .notFound, let agent = inFile.first(where: { $0.id == id && $0.group == nil }) else {
                    throw error
                }
                return agent
            }
        }
    }
}
