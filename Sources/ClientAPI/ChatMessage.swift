/// One message of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// Who speaks.
    public enum Role: String, Sendable, Hashable {
        /// What the model is told about its task.
        case system
        /// The person.
        case user
        /// The model.
        case assistant
        /// The result of a tool call.
        case tool
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var content: String
    /// What the model wanted to have called; of assistants only.
    public var toolCalls: [ChatToolCall]
    /// The call that this is the result of; of tools only.
    public var toolCallId: String?

    /// A message of any kind.
    public init(role: Role, content: String, toolCalls: [ChatToolCall] = [], toolCallId: String? = nil) {
        self.role = role
        self.content = content
        self.toolCalls = toolCalls
        self.toolCallId = toolCallId
    }

    /// What the model is told about its task.
    public static func system(_ content: String) -> ChatMessage { ChatMessage(role: .system, content: content) }

    /// What the person says.
    public static func user(_ content: String) -> ChatMessage { ChatMessage(role: .user, content: content) }

    /// What the model said before.
    public static func assistant(_ content: String, toolCalls: [ChatToolCall] = []) -> ChatMessage {
        ChatMessage(role: .assistant, content: content, toolCalls: toolCalls)
    }

    /// What a tool gave back.
    public static func tool(_ content: String, for call: ChatToolCall) -> ChatMessage {
        ChatMessage(role: .tool, content: content, toolCallId: call.id)
    }
}

/// A call of a tool that the model wants.
public struct ChatToolCall: Sendable, Hashable {
    /// Names the call; its result has to name it too.
    public var id: String
    /// The tool.
    public var name: String
    /// The arguments, a JSON object as the model wrote it: it may not be what the schema asks for.
    public var arguments: String

    /// A call of a tool.
    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// A tool that the model may want to have called.
public struct ChatTool: Sendable, Hashable {
    /// What the model calls it.
    public var name: String
    /// What it is good for.
    public var description: String
    /// The JSON schema of its arguments.
    public var parameters: String

    /// A tool with the JSON schema of its arguments.
    public init(name: String, description: String, parameters: String = #"{"type":"object","properties":{}}"#) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}
