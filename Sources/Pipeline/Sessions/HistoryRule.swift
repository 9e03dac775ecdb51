internal import Agents
internal import Conversations
internal import Core
internal import Metering
internal import NIOCore
internal import Providers

/// How much of a conversation goes along: what the session wants, else its agent, as far as the model can read.
struct HistoryRule: Sendable {
    private let snapshot: Snapshot
    private let group: GroupID
    private let asked: String?
    private let messageTokens: Int

    /// - Parameter message: What is said; it goes along in any case, and may ask for a model of its own.
    init(_ snapshot: Snapshot, group: GroupID, _ message: PostedMessage) {
        self.snapshot = snapshot
        self.group = group
        self.asked = message.model
        self.messageTokens = Self.tokens(ofBytes: message.content.readableBytes)
    }

    /// What the session wants, else the agent that answers in it.
    func wish(of session: Session) -> HistoryWish {
        session.history ?? self.agent(in: session)?.history ?? .standard
    }

    func terms(_ session: Session) -> HistoryTerms {
        HistoryTerms(self.wish(of: session), window: self.window(session))
    }

    /// The model that answers, by the name that is resolved, an agent's own; nil: the default one.
    func model(_ session: Session) -> String? {
        if let agent = self.agent(in: session) { return agent.answeringModel }
        return self.asked ?? session.answeringModel
    }

    /// The agent that answers; nil where a model does.
    private func agent(in session: Session) -> AgentProfile? {
        guard let name = self.asked ?? session.answeringModel, name.hasPrefix(AgentProfile.modelPrefix) else {
            return nil
        }
        return self.snapshot.agents.agent(String(name.dropFirst(AgentProfile.modelPrefix.count)), for: self.group)
    }

    private func window(_ session: Session) -> HistoryWindow? {
        guard let name = self.model(session) ?? self.snapshot.catalog.defaultModel,
            let facts = self.facts(of: name), let context = facts.contextMax
        else { return nil }
        let agent = self.agent(in: session)
        let output = agent?.parameters.maxOutputTokens ?? facts.outputMax ?? Self.outputAssumed
        let prompts = [session.system ?? "", session.summary?.text ?? "", agent?.instructions ?? ""]
        let prompt = prompts.reduce(0) { $0 + Self.tokens(ofBytes: $1.utf8.count) }
        return HistoryWindow(context: context, output: min(output, context / 4), prompt: prompt + self.messageTokens)
    }

    /// What is known of the model that a name leads to; nil where nobody knows.
    private func facts(of name: String) -> ModelFacts? {
        let credentials = self.snapshot.credentials.row(of: self.group)
        switch try? self.snapshot.catalog.resolve(name, credentials: credentials) {
        case .route(let route)?:
            return route.targets.first.map { self.snapshot.facts(of: $0.model, at: $0.provider) }
        case .direct(let provider, let model, _)?:
            return self.snapshot.facts(of: model, at: provider)
        case nil:
            return nil
        }
    }

    /// Tokens of an answer where nobody knows its bound.
    private static let outputAssumed = 4_096

    /// A guess that is rather too high: four bytes of English are a token, of other scripts three.
    static func tokens(ofBytes bytes: Int) -> Int { bytes / 3 + 4 }
}

extension Session {
    /// Who answers in it, by the name that clients use; nil: the default model.
    var answeringModel: String? { self.agentID.map { AgentProfile.modelPrefix + $0 } ?? self.model }
}
