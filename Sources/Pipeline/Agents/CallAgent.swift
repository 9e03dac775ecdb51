package import Agents
internal import Auth
internal import Chat
internal import Core
package import Tools

/// The agent that a call is made to.
///
/// Confined to the call's loop.
package final class CallAgent {
    /// What the gateway answers by itself, without a model.
    enum Answer {
        case intent(IntentMatch)
        /// What it can do, to a request that is none of it.
        case help
    }

    package let ready: ReadyAgent
    /// The model as the client named it: `agent/<id>`.
    package let asked: String
    /// What is answered without a model; nil: the model answers.
    var answer: Answer?
    /// The request as the client said it, as long as somebody needs it.
    var request: ChatRequest?
    /// The agent's tools that the model was told of.
    package var tools: [ToolOffer] = []

    package var profile: AgentProfile { self.ready.profile }

    init(_ ready: ReadyAgent, asked: String) {
        self.ready = ready
        self.asked = asked
    }
}

@available(*, unavailable, message: "confined to its loop")
extension CallAgent: Sendable {}

extension Call {
    /// The agent that the call is counted for, if there is one: the one that was asked, else the one whose key it is.
    package var agentID: String? { self.agent?.profile.id ?? self.principal?.agent }
}
