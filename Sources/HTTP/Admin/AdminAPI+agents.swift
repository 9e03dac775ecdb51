internal import Agents
internal import Core
internal import Operations

extension AdminAPI {
    func agents(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, id, body) = (context.actor, context.agent, context.body)
        // A new agent's group is in its body.
        let group = action == .createAgent ? nil : context.query.text("group").map { GroupID($0) }
        switch action {
        case .listAgents:
            let page = try await self.administration.listAgents(
                context.page(),
                in: group,
                source: context.query.text("source").flatMap(AgentProfile.Source.init(rawValue:)),
                by: actor
            )
            return .list(AdminJSON.page(page, \.json))
        case .createAgent:
            let made = try await self.administration.createAgent(
                body.requiredText("id"),
                in: body.text("group").map { GroupID($0) },
                body.object(of: AgentProfile.authored),
                by: actor
            )
            return .object(made.json, at: "/api/v1/agents/\(made.id)?group=\(made.group?.text ?? "")")
        case .updateAgent:
            let changed = try await self.administration.updateAgent(
                id,
                in: group,
                body.object(of: AgentProfile.authored),
                expecting: body.whole("version"),
                by: actor
            )
            return .object(changed.json)
        case .deleteAgent:
            try await self.administration.deleteAgent(id, in: group, by: actor)
            return .nothing
        default:
            return .object(try await self.administration.agent(id, in: group, by: actor).json)
        }
    }
}
