/// What a request asks to be told, in words of no dialect: all that decides the answer.
struct Prompt: Sendable {
    /// The name before any `?`.
    var model: String
    var messages: [Message] = []
    var tools: [Tool] = []
    var toolChoice = ToolChoice.auto
    /// Nil if the client left it open.
    var wantsParallelTools: Bool?
    /// How many answers are wanted.
    var choices = 1
    var stops: [String] = []
    /// The most tokens of an answer, thinking included.
    var tokenLimit: Int?
    var format = Format.text
    var thinking = Thinking.asTheModelDoes
    /// What the tools cost, as compact JSON.
    var toolTokens = 0
    /// What is to be said, where there is nothing to make up.
    var answer: String?
    /// What the prompt costs, where that is not a matter of its words.
    var fixedTokens: Int?
    /// Tokens that the client need not send again because the provider still has them.
    ///
    /// Part of the prompt's tokens, like `cacheWriteTokens`.
    var cacheReadTokens = 0
    /// Tokens that the provider keeps for the next call.
    var cacheWriteTokens = 0

    /// Who said something.
    enum Role: Sendable { case system, user, assistant, tool }

    struct Message: Sendable {
        var role: Role
        /// All its texts, one a line.
        var text: String
        var name: String?
        /// The tool calls in it, as compact JSON.
        var calls: String?
        /// Images, sounds, documents: whatever is no text.
        var attachments = 0

        /// What it costs: 4, its texts, and 85 for each attachment.
        var tokens: Int {
            4 + Tokenizer.count(self.text) + 85 * self.attachments + (self.name.map { Tokenizer.count($0) } ?? 0)
                + (self.calls.map { Tokenizer.count($0) } ?? 0)
        }
    }

    struct Tool: Sendable {
        var name: String
        /// The JSON schema of the arguments.
        ///
        /// Nil for a custom tool, whose input is free text.
        var parameters: JSONValue?
    }

    enum ToolChoice: Sendable, Equatable {
        case none, auto, required
        case named(String)
    }

    enum Format: Sendable {
        case text, jsonObject
        case schema(JSONValue)
    }

    /// Whether the model is to think before it speaks.
    enum Thinking: Sendable, Equatable {
        /// Only `sim-reasoner` thinks.
        case asTheModelDoes
        case on, off
    }

    /// The text of the last message with the given role.
    ///
    /// Empty if there is none.
    func lastText(_ role: Role) -> String { self.messages.last { $0.role == role }?.text ?? "" }

    /// The role that spoke last.
    var lastRole: Role? { self.messages.last?.role }

    /// Tokens of the prompt: 3, those of every message, and those of the tools.
    var tokens: Int { self.fixedTokens ?? self.messages.reduce(3 + self.toolTokens) { $0 + $1.tokens } }
}
