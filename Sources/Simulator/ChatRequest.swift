/// A chat request that passed validation, reduced to what decides the answer.
struct ChatRequest {
    /// The name before any `?`.
    var model: String
    var messages: [JSONValue]
    var isStream = false
    var includesUsage = false
    var tools: [Tool] = []
    var toolChoice = ToolChoice.auto
    /// Nil if the client left it open.
    var wantsParallelTools: Bool?
    var choices = 1
    var stops: [String] = []
    var tokenLimit: Int?
    var format = Format.text
    var promptTokens = 0

    struct Tool {
        var name: String
        /// The JSON schema of the arguments.
        ///
        /// Nil for a custom tool, whose input is free text.
        var parameters: JSONValue?
    }

    enum ToolChoice: Equatable {
        case none, auto, required
        case named(String)
    }

    enum Format {
        case text, jsonObject
        case schema(JSONValue)
    }

    /// The text of the last message with the given role.
    ///
    /// Empty if there is none.
    func lastText(role: String) -> String {
        guard let message = self.messages.last(where: { $0["role"]?.string == role }) else { return "" }
        return Self.text(of: message)
    }

    /// The role that spoke last.
    var lastRole: String { self.messages.last?["role"]?.string ?? "" }

    /// The text of a message: its content, or the text parts of it.
    static func text(of message: JSONValue) -> String {
        switch message["content"] {
        case .string(let text): return text
        case .array(let parts):
            return parts.compactMap { ($0["text"] ?? $0["refusal"])?.string }.joined(separator: "\n")
        default: return ""
        }
    }

    // MARK: - Counting

    /// Tokens of a prompt: those of every text, 4 a message, 85 an image or file, those of the tools' JSON, and 3.
    static func promptTokens(messages: [JSONValue], tools: JSONValue?) -> Int {
        var count = 3
        for message in messages {
            count += 4 + Tokenizer.count(Self.text(of: message))
            for part in message["content"]?.array ?? [] where part["text"] == nil && part["refusal"] == nil {
                count += 85
            }
            if let name = message["name"]?.string { count += Tokenizer.count(name) }
            if let calls = message.present("tool_calls") { count += Tokenizer.count(calls.text) }
        }
        if let tools { count += Tokenizer.count(tools.text) }
        return count
    }
}
