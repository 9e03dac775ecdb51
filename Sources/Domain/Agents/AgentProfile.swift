package import Core

/// A named way to talk to a model: which one, with what prompt, which tools and which limits.
///
/// Clients ask for it as `agent/<id>`. Immutable; a change makes a new version of it.
package struct AgentProfile: Sendable, Equatable {
    /// Who answers: intents alone, the model alone, or intents first and the model for the rest.
    package enum Mode: String, Sendable, CaseIterable {
        /// Requests are matched against the intents; no model is ever asked.
        case tools
        /// The model answers.
        case ai
        /// What matches an intent runs its tool; the model, with the same tools, answers the rest.
        case both
    }

    /// Where a profile is written down, which is where it is changed.
    package enum Source: String, Sendable, CaseIterable {
        /// The settings file, under `agents`.
        case settings
        /// The store, by way of the API.
        case store = "api"
    }

    /// 1 to 64 letters, digits, `.`, `_` and `-`.
    package var id: String
    /// The group it belongs to; nil: every group's, which only the settings can say.
    package var group: GroupID?
    /// For people; the id if nobody gave one.
    package var name: String
    package var description = ""
    /// The provider that the model is asked for at; nil: as the model's name says.
    package var provider: String?
    /// An alias, `provider/model`, or a name at the default provider; empty: the default model.
    package var model = ""
    /// What the model is told before anything else.
    package var prompt = ""
    /// How it is to speak; stands behind the prompt.
    package var character = ""
    package var parameters = AgentParameters()
    package var mode = Mode.ai
    /// The tools it may use, each once.
    package var tools: [ToolGrant] = []
    /// How plain requests become calls of tools, the first one first.
    package var intents: [IntentRule] = []
    /// What is answered in the mode `tools` to what matches nothing; empty: a list of what can be said.
    package var help = ""
    package var limits = AgentLimits()
    /// How much of a conversation the model is told again; nil: as the session says.
    package var history: HistoryWish?
    /// What `/api/chat` says when nobody answers, by language tag (RFC 5646) in lower case.
    package var fallbackText: [String: String] = [:]
    /// Kept for those who act on it; an object, or nil.
    package var moderation: JSONValue?
    /// Kept for those who act on it; an object, or nil.
    package var postProcessing: JSONValue?
    package var source = Source.store
    /// Counts the changes, from 1.
    package var version = 1
    /// Nil for what is in the settings.
    package var createdBy: String?
    package var createdAt: UnixTime?
    package var updatedAt: UnixTime?

    package init(id: String, group: GroupID?, name: String? = nil) {
        self.id = id
        self.group = group
        self.name = name ?? id
    }

    /// How clients name it as a model.
    package var modelName: String { Self.modelPrefix + self.id }

    /// What the names of agents begin with, as models.
    package static let modelPrefix = "agent/"

    /// The model that answers for it, by the name that is resolved; nil: the default model.
    package var answeringModel: String? {
        guard !self.model.isEmpty else { return nil }
        return self.provider.map { "\($0)/\(self.model)" } ?? self.model
    }

    /// What stands in front of the conversation; empty if there is nothing.
    package var instructions: String {
        [self.prompt, self.character].filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}

/// How the model is to answer, where the client does not say it.
package struct AgentParameters: Sendable, Equatable {
    /// 0 to 2.
    package var temperature: Double?
    /// 0 to 1.
    package var topP: Double?
    package var topK: Int?
    /// -2 to 2.
    package var frequencyPenalty: Double?
    /// -2 to 2.
    package var presencePenalty: Double?
    package var seed: Int?
    /// The most tokens of an answer; also caps what the client asks for.
    package var maxOutputTokens: Int?
    /// Texts that end an answer; at most four.
    package var stop: [String] = []
    /// One of `AgentParameters.efforts`.
    package var reasoningEffort: String?
    /// Whether several tools may be called in one turn.
    package var parallelToolCalls: Bool?

    /// OpenAI's words for how long a model thinks.
    package static let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

    package init() {}
}

/// How far one answer of an agent with tools may go.
package struct AgentLimits: Sendable, Equatable {
    /// How often the model may be asked again with results, at most.
    package var roundsMax = 8
    /// Milliseconds for the whole answer.
    package var timeMaxMilliseconds = 60_000
    /// What all rounds together may cost; nil: no limit of its own.
    package var costMax: MicroDollars?
    /// Tools that run side by side, at most.
    package var parallelMax = 4

    /// What may be said of each.
    package static let rounds = 1...64
    package static let milliseconds = 100...3_600_000
    package static let parallel = 1...32

    package init() {}
}

/// What agents may come to, so that none of them is a burden for the others.
package enum AgentBounds {
    /// The most agents of one group in the store.
    package static let countMax = 200
    package static let idBytesMax = 64
    package static let nameBytesMax = 200
    package static let descriptionBytesMax = 4_000
    package static let modelBytesMax = 256
    package static let promptBytesMax = 256 << 10
    package static let characterBytesMax = 64 << 10
    package static let helpBytesMax = 8_000
    package static let fallbackBytesMax = 4_000
    package static let languagesMax = 64
    package static let stopBytesMax = 256
    package static let grantsMax = 128
    package static let intentsMax = 128
    package static let patternsMax = 64
    package static let patternBytesMax = 500
    package static let replyBytesMax = 4_000
    /// Of fixed arguments, moderation and post-processing, each as JSON.
    package static let valueBytesMax = 16 << 10

    /// Whether a text can name an agent.
    package static func isID(_ text: String) -> Bool {
        (1...Self.idBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default:
                    false
                }
            }
    }

    /// What `isID` wants, behind "must be".
    package static let idExpectation = "1 to 64 letters, digits, '-', '_' and '.'"
}
