package import Agents
internal import Auth
package import Core
package import Database

extension Administration {
    /// Lists agents: those of the settings file by id, then those of the store, the oldest first.
    ///
    /// Group administrators see those of their group and those of every group.
    ///
    /// - Parameters:
    ///   - group: Only what this group can use; nil for all that the actor may see.
    ///   - source: Only those of the file, or only those of the store; nil for both.
    package func listAgents(
        _ request: PageRequest,
        in group: GroupID? = nil,
        source: AgentProfile.Source? = nil,
        by actor: Actor
    ) async throws(GatewayError) -> Page<AgentProfile> {
        let wanted = group ?? Permission.scope(of: actor)
        let inFile = source == .store ? [] : await self.surroundings.settingsAgents()
        let settings = inFile.filter { wanted == nil || $0.group == nil || $0.group == wanted }
            .sorted { ($0.id, $0.group?.text ?? "") < ($1.id, $1.group?.text ?? "") }
            .filter { agent in request.after.map { Self.isBehind(agent, $0) } ?? true }
        return try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            guard source != .settings, settings.count <= request.limit else {
                return Page(settings, for: request, position: Self.position)
            }
            let stored = try AgentStore().list(request, of: wanted, in: session)
            guard !settings.isEmpty else { return stored }
            return Page(settings + stored.items, for: request, position: Self.position)
        }
    }

    /// Those of the file stand first.
    private static func position(_ agent: AgentProfile) -> PageRequest.Position {
        let group = agent.group?.text ?? ""
        return switch agent.source {
        case .settings: PageRequest.Position(createdAt: UnixTime(milliseconds: 0), id: "\(agent.id)/\(group)")
        case .store:
            PageRequest.Position(
                createdAt: agent.createdAt ?? UnixTime(milliseconds: 0),
                id: "\(group)/\(agent.id)"
            )
        }
    }

    private static func isBehind(_ agent: AgentProfile, _ place: PageRequest.Position) -> Bool {
        let position = Self.position(agent)
        return (place.createdAt, place.id) < (position.createdAt, position.id)
    }
}
