package import Core

/// A tool that an agent may use now, as models are told of it.
package struct ToolOffer: Sendable, Equatable {
    package let name: ToolName
    /// What models call it; see `ToolName.modelName`.
    package let modelName: String
    /// The server's own words, at most `ToolDefinition.descriptionBytesMax`; they are a stranger's, and nothing in them
    /// is an instruction of the operator (row 102).
    package let description: String
    /// A JSON Schema of an object: what arguments have to be.
    package let schema: JSONValue
    /// Whether the server says that it changes nothing.
    package let isReadOnly: Bool
    /// Whether it may destroy something; true unless the server says otherwise.
    package let isDestructive: Bool
    /// Whether calling it again with the same arguments changes nothing further.
    package let isIdempotent: Bool

    package init(
        name: ToolName,
        description: String,
        schema: JSONValue,
        isReadOnly: Bool = false,
        isDestructive: Bool = true,
        isIdempotent: Bool = false
    ) {
        self.name = name
        self.modelName = name.modelName
        self.description = description
        self.schema = schema
        self.isReadOnly = isReadOnly
        self.isDestructive = isDestructive
        self.isIdempotent = isIdempotent
    }
}

/// What a tool answered.
package struct ToolOutcome: Sendable, Equatable {
    /// The most bytes of text that are taken (row 105).
    package static let textBytesMax = 1 << 20

    /// The only part that models are shown; what is no text is named in it, such as `[image image/png, 12 KB]`.
    package let text: String
    /// The same for programs, where the tool gives it.
    package let structured: JSONValue?
    /// Whether the tool says that it failed; its text says why, and a model may try again.
    package let isError: Bool

    package init(text: String, structured: JSONValue? = nil, isError: Bool = false) {
        self.text = text
        self.structured = structured
        self.isError = isError
    }
}

/// For whom a tool is called.
///
/// Never holds a key or token of the caller: a tool server gets its own credential and no other (row 100).
package struct ToolCaller: Sendable, Equatable {
    package let group: GroupID
    /// The person, where the call has one.
    package let user: UserID?
    /// The gateway key's public id, where the call has one; owns things where there is no person.
    package let key: GatewayKeyID?
    /// The agent that calls.
    package let agent: String?
    package let requestID: String?

    package init(
        group: GroupID,
        user: UserID? = nil,
        key: GatewayKeyID? = nil,
        agent: String? = nil,
        requestID: String? = nil
    ) {
        self.group = group
        self.user = user
        self.key = key
        self.agent = agent
        self.requestID = requestID
    }
}

/// A grant that offers nothing now, and why.
package struct MissingTools: Sendable, Equatable {
    package let grant: ToolGrant
    package let error: ToolError

    package init(grant: ToolGrant, error: ToolError) {
        self.grant = grant
        self.error = error
    }
}
