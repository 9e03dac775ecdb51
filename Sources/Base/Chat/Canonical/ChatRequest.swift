package import Core

/// What a client asks of a model, whatever dialect it said it in.
///
/// Texts, schemas and data are slices of the client's bytes, in their JSON form. Every value remembers where the client
/// wrote it, so that one that a target cannot be told has a name (`Losses`). What only one dialect has, or nobody here
/// knows, is kept in the `rest` of the object it stood in.
package struct ChatRequest: Sendable {
    /// The dialect it was said in.
    package let format: WireFormat
    /// The conversation in the client's order; instructions that stand apart from it (`system`, `instructions`) come
    /// first.
    package var messages: [ChatMessage] = []
    package var tools: [ToolDefinition] = []
    package var toolChoice: Given<ToolChoice>?
    /// Whether several tools may be called in one turn; nil: the provider's own way, which is yes.
    package var parallelToolCalls: Given<Bool>?

    /// The most tokens that the answer may have.
    package var maxOutputTokens: Given<Int>?
    /// A number, of OpenAI's range 0 to 2 or Anthropic's 0 to 1, as the client wrote it.
    package var temperature: Given<JSONFragment>?
    package var topP: Given<JSONFragment>?
    package var topK: Given<JSONFragment>?
    package var frequencyPenalty: Given<JSONFragment>?
    package var presencePenalty: Given<JSONFragment>?
    package var seed: Given<JSONFragment>?
    /// Texts that end the answer; they are not part of it.
    package var stop: [Given<JSONString>] = []
    /// How many answers are asked for; nil: one.
    package var choices: Given<Int>?
    /// Whether log probabilities are asked for, and of how many alternatives.
    package var logprobs: Given<Bool>?
    package var topLogprobs: Given<Int>?
    /// Token ids and what is added to their odds, an object.
    package var logitBias: Given<JSONFragment>?

    package var responseFormat: Given<ResponseFormat>?
    package var reasoning = ReasoningWish()
    /// The end user's name at the client (`user`, `metadata.user_id`, `safety_identifier`).
    package var user: Given<JSONString>?
    package var serviceTier: Given<JSONString>?
    /// Whether the answer comes in events.
    package var isStream = false
    /// Whether the client of a chat stream asked for a chunk with usage.
    package var wantsUsage = false
    /// Members at the top level that have no place above.
    package var rest: [RestMember] = []
    /// What only writing the same dialect again needs, such as the ids of items: no other target misses it.
    package var own: [RestMember] = []

    package init(format: WireFormat) { self.format = format }
}

/// One message of a conversation.
package struct ChatMessage: Sendable {
    package enum Role: UInt8, Sendable, CaseIterable {
        /// Instructions of the application.
        case system
        /// The same at OpenAI's reasoning models; others know it as `system`.
        case developer
        case user
        case assistant
    }

    package var role: Role
    /// Results of tools are parts of the user's messages, also where a dialect has a role of its own for them.
    package var parts: [ContentPart]
    /// Who speaks, among several of one role.
    package var name: Given<JSONString>?
    /// Where the message begins in the client's body; -1 for what the gateway put in.
    package var place: Int
    package var rest: [RestMember] = []
    /// What only writing the same dialect again needs, such as the ids of items: no other target misses it.
    package var own: [RestMember] = []

    package init(_ role: Role, _ parts: [ContentPart], place: Int = -1) {
        self.role = role
        self.parts = parts
        self.place = place
    }
}

/// A tool that the model may call.
package struct ToolDefinition: Sendable {
    package enum Kind: Sendable, Equatable {
        /// One that the client runs: name, and JSON schema of its arguments.
        case function
        /// One that takes free text (OpenAI's `custom`); the whole definition is in `definition`.
        case custom
        /// One that the provider runs itself, such as a web search; the whole definition is in `definition`, and only
        /// the dialect it was said in knows it.
        case hosted
    }

    package var kind: Kind
    /// Empty for hosted tools that have none.
    package var name: JSONString
    package var description: Given<JSONString>?
    /// The JSON schema of the arguments, an object; nil where the client gave none.
    package var parameters: Given<JSONFragment>?
    /// Whether the arguments must follow the schema exactly.
    package var isStrict: Given<Bool>?
    package var cacheMark: Given<JSONFragment>?
    /// The whole definition as the client wrote it, for kinds other than `function`.
    package var definition: JSONFragment?
    package var place: Int
    package var rest: [RestMember] = []

    package init(_ kind: Kind, name: JSONString, place: Int = -1) {
        self.kind = kind
        self.name = name
        self.place = place
    }
}

/// Whether and which tool must be called.
package enum ToolChoice: Sendable, Equatable {
    case auto
    /// None may be called.
    case none
    /// At least one must be called.
    case required
    /// This one must be called.
    case named(JSONString)
    /// Something that only the client's dialect has, whole.
    case other(JSONFragment)
}

/// The form an answer must have.
package enum ResponseFormat: Sendable, Equatable {
    case text
    /// Any JSON object.
    case jsonObject
    /// JSON by a schema.
    case jsonSchema(JSONSchemaFormat)
}

/// A schema that the answer has to follow.
package struct JSONSchemaFormat: Sendable, Equatable {
    /// What OpenAI wants it to be called; nil where the client's dialect has no name for it.
    package var name: JSONString?
    package var description: JSONString?
    /// The JSON schema; nil where the client left it out.
    package var schema: JSONFragment?
    package var isStrict: Bool?

    package init(
        name: JSONString? = nil,
        description: JSONString? = nil,
        schema: JSONFragment?,
        isStrict: Bool? = nil
    ) {
        self.name = name
        self.description = description
        self.schema = schema
        self.isStrict = isStrict
    }
}
