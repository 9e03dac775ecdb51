/// A chat request that passed validation.
struct ChatRequest {
    var prompt: Prompt
    var isStream = false
    var includesUsage = false

    /// A message of the chat API as a message of a prompt.
    static func message(_ message: JSONValue) -> Prompt.Message {
        let role: Prompt.Role
        switch message["role"]?.string {
        case "user": role = .user
        case "assistant": role = .assistant
        case "tool", "function": role = .tool
        default: role = .system
        }
        let others = (message["content"]?.array ?? []).count { $0["text"] == nil && $0["refusal"] == nil }
        return Prompt.Message(
            role: role,
            text: Self.text(of: message),
            name: message["name"]?.string,
            calls: message.present("tool_calls")?.text,
            attachments: others
        )
    }

    /// The text of a message: its content, or the text parts of it.
    static func text(of message: JSONValue) -> String {
        switch message["content"] {
        case .string(let text): return text
        case .array(let parts):
            return parts.compactMap { ($0["text"] ?? $0["refusal"])?.string }.joined(separator: "\n")
        default: return ""
        }
    }
}
