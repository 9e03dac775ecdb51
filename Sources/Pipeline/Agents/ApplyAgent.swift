internal import Agents
internal import Auth
internal import Chat
internal import Core
internal import Dialects
internal import Providers
internal import Telemetry
internal import Tools
internal import Wire

/// Makes a request to an agent into one to the agent's model: with its prompt, its parameters and its tools.
///
/// The client's body is read, changed and written again in the client's own dialect, so that all below deals with it as
/// with any other. Requests that the agent's intents answer keep their body: no model will see it. Waits only for the
/// list of an agent's tools.
struct ApplyAgent: WaitingGate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        guard call.model.utf8.starts(with: AgentProfile.modelPrefix.utf8) else { return true }
        return try self.enter(call)
    }

    func wait(_ call: Call, _ reply: any ReplySink) async throws {
        guard let agent = call.agent, let servers = self.instruments.tools, let group = call.principal?.group else {
            return
        }
        let (offers, missing) = await servers.offers(agent.profile.tools, for: group)
        try Task.checkCancellation()
        if !missing.isEmpty {
            call.note(.remark("not all tools of the agent can be had now"))
            let names = missing.prefix(16).map(\.grant.text).joined(separator: ",")
            try? call.extraFields.writeField("x-turnpike-tools-missing", names.utf8)
        }
        try AgentRequest.apply(agent, tools: offers, to: call)
    }

    /// - Returns: False if the agent's tools have to be waited for.
    @inline(never)
    private func enter(_ call: Call) throws -> Bool {
        // An alias of that name goes before the agent.
        guard call.snapshot.catalog.route(named: call.model) == nil, let group = call.principal?.group else {
            return true
        }
        let book = call.snapshot.agents
        guard let ready = book.ready(String(call.model.dropFirst(AgentProfile.modelPrefix.count)), for: group) else {
            throw Self.unknown(call.model, book.profiles(for: group).map(\.modelName))
        }
        guard call.operation == .chat || call.operation == .countTokens else {
            throw GatewayError(.invalidRequest, "An agent answers conversations, and nothing else.", param: "model")
        }
        let agent = CallAgent(ready, asked: call.model)
        call.agent = agent
        call.note(.agent(ready.profile.id))
        agent.request = try AgentRequest.read(call)
        agent.answer = self.ownAnswer(call, agent)
        guard agent.answer == nil else { return true }
        if !ready.profile.tools.isEmpty, self.instruments.tools != nil { return false }
        try AgentRequest.apply(agent, tools: [], to: call)
        return true
    }

    private static func unknown(_ model: String, _ known: [String]) -> GatewayError {
        let hint = NearestName.find(model, in: known).map { " Did you mean '\($0)'?" } ?? ""
        return GatewayError(.modelNotFound, "There is no such agent here.\(hint)", param: "model")
    }

    /// What is answered without a model; nil where the model has to.
    private func ownAnswer(_ call: Call, _ agent: CallAgent) -> CallAgent.Answer? {
        guard call.operation == .chat, agent.profile.mode != .ai else { return nil }
        let said = agent.request?.lastWords
        if let said, let match = agent.ready.intents?.match(said, now: call.time) { return .intent(match) }
        return agent.profile.mode == .tools ? .help : nil
    }
}

extension ChatRequest {
    /// The text of the last message if it is the user's, and nothing but text.
    var lastWords: String? {
        guard let last = self.messages.last, last.role == .user, !last.parts.isEmpty else { return nil }
        var words = ""
        for part in last.parts {
            guard case .text(let piece) = part.content, let text = piece.text else { return nil }
            words += words.isEmpty ? text : "\n" + text
        }
        return words
    }
}
