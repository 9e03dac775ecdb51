import Core
import NIOCore
import Wire

/// An answer while it streams in.
struct ChatAnswer: Sendable {
    private(set) var text = ""
    /// The model that answered, as it names itself.
    private(set) var model: String?
    private(set) var inputTokens: Int?
    private(set) var outputTokens: Int?
    private(set) var finishReason: String?
    /// The message of an error inside the stream.
    private(set) var error: String?
    /// Whether the end of the stream was seen.
    private(set) var isComplete = false
    /// From the question to the first text, and to the end.
    var firstText: Duration?
    var total: Duration?

    /// What to show for one event.
    enum Piece: Equatable, Sendable {
        case text(String)
        /// What the model thinks before it answers.
        case thought(String)
        case nothing
    }

    /// Takes one event of the stream.
    mutating func take(_ event: ServerSentEvent) -> Piece {
        let data = String(buffer: event.data)
        if data == "[DONE]" {
            self.isComplete = true
            return .nothing
        }
        guard let chunk = try? JSONValue.parse(event.data) else { return .nothing }
        if let error = chunk["error"] {
            self.error = error["message"]?.stringValue ?? error.stringValue ?? "the provider failed"
            return .nothing
        }
        if let model = chunk["model"]?.stringValue, !model.isEmpty { self.model = model }
        if let usage = chunk["usage"] {
            self.inputTokens = usage["prompt_tokens"]?.intValue ?? self.inputTokens
            self.outputTokens = usage["completion_tokens"]?.intValue ?? self.outputTokens
        }
        guard let choice = chunk["choices"]?[0] else { return .nothing }
        if let reason = choice["finish_reason"]?.stringValue { self.finishReason = reason }
        let delta = choice["delta"]
        if let text = delta?["content"]?.stringValue ?? delta?["refusal"]?.stringValue, !text.isEmpty {
            self.text += text
            return .text(text)
        }
        let thought = delta?["reasoning"]?.stringValue ?? delta?["reasoning_content"]?.stringValue
        return thought.map { $0.isEmpty ? .nothing : .thought($0) } ?? .nothing
    }

    /// One line about what it took: tokens, time to the first text, time in all.
    var summary: String {
        var parts: [String] = []
        if let input = self.inputTokens { parts.append("\(input) tokens in") }
        if let output = self.outputTokens { parts.append("\(output) out") }
        if let first = self.firstText { parts.append("first after \(Self.text(first))") }
        if let total = self.total { parts.append("\(Self.text(total)) in all") }
        if let model = self.model { parts.append(model) }
        if let reason = self.finishReason, reason != "stop" { parts.append("ended by \(reason)") }
        return parts.joined(separator: " · ")
    }

    /// `340 ms` or `1.2 s`.
    static func text(_ duration: Duration) -> String {
        let milliseconds = Self.milliseconds(duration)
        if milliseconds < 1_000 { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }

    static func milliseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
    }

    /// The answer for programs.
    var json: JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        func time(_ value: Duration?) -> JSONValue { value.map { .integer(Self.milliseconds($0)) } ?? .null }
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return .object([
            ("content", .string(self.text)), ("model", text(self.model)), ("finishReason", text(self.finishReason)),
            ("usage", .object([("input", number(self.inputTokens)), ("output", number(self.outputTokens))])),
            ("firstTextMs", time(self.firstText)), ("totalMs", time(self.total)), ("error", text(self.error)),
        ])
    }
}
