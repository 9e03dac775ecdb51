package import Agents
internal import Auth
package import Core
internal import Database

extension Administration {
    /// Makes an agent of a group.
    ///
    /// - Parameters:
    ///   - id: What clients will name it by, as `agent/<id>`.
    ///   - group: Nil: the actor's own.
    ///   - authored: What `AgentProfile(authored:)` reads.
    /// - Throws: `GatewayError`; `CONFLICT` if the group has one of this id, in the store or in the settings file.
    package func createAgent(
        _ id: String,
        in group: GroupID?,
        _ authored: JSONValue,
        by actor: Actor
    ) async throws(GatewayError) -> AgentProfile {
        let group = try Self.agentGroup(group, of: actor)
        let agent: AgentProfile
        do throws(ValueFault) {
            agent = try AgentProfile(authored: authored, id: id, group: group)
        } catch {
            throw GatewayError(error)
        }
        try self.checkProvider(of: agent)
        let inFile = await self.surroundings.settingsAgents()
        let deed = Deed("agent.create", id, in: group)
        return try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) {
            session,
            now,
            deed in
            if inFile.contains(where: { $0.id == id && $0.group == group }) { throw Self.inSettings(id) }
            deed.details = Self.details(of: agent)
            return try AgentStore().insert(agent, of: group, by: actor.name, now: now, in: session)
        }
    }

    /// The group whose agents are meant.
    static func agentGroup(_ group: GroupID?, of actor: Actor) throws(GatewayError) -> GroupID {
        guard let group = group ?? actor.group else {
            throw .invalid("group", expected: "the id of a group, since you belong to none")
        }
        return group
    }

    /// Refuses a provider that nobody configured; it could never answer.
    func checkProvider(of agent: AgentProfile) throws(GatewayError) {
        let known = self.surroundings.providers()
        guard let provider = agent.provider, !known.contains(provider) else { return }
        let hint = NearestName.find(provider, in: known).map { " (did you mean \($0)?)" } ?? ""
        throw .invalid("provider", expected: "the name of a configured provider\(hint)")
    }

    /// What is told where the settings file has the last word.
    static func inSettings(_ id: String) -> GatewayError {
        GatewayError(
            .conflict,
            "This agent is in the settings file: change it there, under agents.\(id); a saved file is applied at once."
        )
    }

    /// For the audit log: what it is, and never what it says to models.
    static func details(of agent: AgentProfile) -> [(String, JSONValue)] {
        [
            ("name", .string(agent.name)),
            ("model", agent.answeringModel.map { .string($0) } ?? .null),
            ("mode", .string(agent.mode.rawValue)),
            ("tools", .array(agent.tools.map { .string($0.text) })),
        ]
    }
}

extension GatewayError {
    /// What a client learns of a value that cannot be taken.
    package init(_ fault: ValueFault) { self = .invalid(fault.field, expected: fault.expected) }
}
