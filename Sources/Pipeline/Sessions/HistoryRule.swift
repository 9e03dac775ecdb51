internal import Agents
internal import Conversations
internal import Core
internal import Metering
internal import Providers

/// How much of a conversation goes along: what the session wants, else its agent, as far as the model can read.
struct HistoryRule: Sendable {
    private let snapshot: Snapshot
    private let group: GroupID
    private let model: String?

    /// - Parameter model: Who the message asks; nil: whoever the session says.
    init(_ snapshot: Snapshot, group: GroupID, model: String?) {
        self.snapshot = snapshot
        self.group = group
        self.model = model
    }

    /// Who is asked in a session; nil: the default model.
    func model(in session: Session) -> String? {
        self.model ?? session.agentID.map { AgentProfile.modelPrefix + $0 } ?? session.model
    }

    /// The agent that is asked, if it is one.
    private func agent(in session: Session) -> AgentProfile? {
        guard let model = self.model(in: session), model.hasPrefix(AgentProfile.modelPrefix) else { return nil }
        return self.snapshot.agents.agent(String(model.dropFirst(AgentProfile.modelPrefix.count)), for: self.group)
    }

    /// What the session wants, or who answers in it.
    func wish(of session: Session) -> HistoryWish { session.history ?? self.agent(in: session)?.history ?? .standard }

    func terms(_ session: Session) -> HistoryTerms {
        HistoryTerms(self.wish(of: session), window: self.window(session))
    }

    private func window(_ session: Session) -> HistoryWindow? {
        let agent = self.agent(in: session)
        let name = agent.map(\.answeringModel) ?? self.model(in: session)
        guard let name = name ?? self.snapshot.catalog.defaultModel,
            let facts = self.facts(of: name), let context = facts.contextMax
        else { return nil }
        let output = min(facts.outputMax ?? Self.outputAssumed, context / 4)
        let instructions = agent.map { $0.prompt.utf8.count + $0.character.utf8.count } ?? 0
        let said = (session.system?.utf8.count ?? 0) + (session.summary?.text.utf8.count ?? 0) + instructions
        // The new message is not known here; what is said in one is seldom longer than this.
        return HistoryWindow(context: context, output: output, prompt: Self.tokens(ofBytes: said) + Self.messageAssumed)
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
    private static let messageAssumed = 1_024

    /// A guess that is rather too high: four bytes of English are a token, of other scripts three.
    static func tokens(ofBytes bytes: Int) -> Int { bytes / 3 + 4 }
}
