internal import Chat
package import Conversations
internal import Core
internal import NIOCore

/// The request that asks a model for an answer in a session: system prompt, summary, history, the new message.
struct SessionBody {
    private var body = ByteBufferAllocator().buffer(capacity: 4096)
    private var hasMessage = false

    /// - Parameters:
    ///   - turn: What the model is to be told.
    ///   - content: The new message, JSON as it came.
    ///   - model: Who is asked; nil: the default model.
    static func make(_ turn: SessionTurn, content: ByteBuffer, model: String?) -> ByteBuffer {
        var writer = SessionBody()
        writer.body.writeStaticString("{")
        if let model {
            writer.body.writeStaticString("\"model\":")
            JSONValue.string(model).write(into: &writer.body)
            writer.body.writeStaticString(",")
        }
        writer.body.writeStaticString("\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[")
        if let system = turn.session.system { writer.say("system", system) }
        if let summary = turn.summary {
            writer.say("system", "What was said before, in short:\n\(summary.text)")
        }
        for message in turn.history { writer.add(message.role, message.content) }
        writer.say("user", json: content)
        writer.body.writeStaticString("]}")
        return writer.body
    }

    /// The request for a summary.
    static func summary(of messages: [SessionMessage], after summary: SessionSummary?, model: String?) -> ByteBuffer {
        var writer = SessionBody()
        writer.body.writeStaticString("{")
        if let model {
            writer.body.writeStaticString("\"model\":")
            JSONValue.string(model).write(into: &writer.body)
            writer.body.writeStaticString(",")
        }
        writer.body.writeStaticString("\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[")
        if let summary { writer.say("system", "What was said before, in short:\n\(summary.text)") }
        for message in messages { writer.add(message.role, message.content) }
        writer.say("user", Self.wish)
        writer.body.writeStaticString("]}")
        return writer.body
    }

    private static let wish = """
        Sum up this conversation for somebody who will go on with it and cannot read it: who wants what, what was \
        found out, decided and promised, names, numbers and dates as they were given, and what is still open. Leave \
        out courtesies. Answer with the summary alone, in the language of the conversation, in at most 300 words.
        """

    private mutating func begin(_ role: StaticString) {
        self.body.writeStaticString(self.hasMessage ? ",{\"role\":\"" : "{\"role\":\"")
        self.hasMessage = true
        self.body.writeStaticString(role)
        self.body.writeStaticString("\",\"content\":")
    }

    private mutating func say(_ role: StaticString, _ text: String) {
        self.begin(role)
        JSONValue.string(text).write(into: &self.body)
        self.body.writeStaticString("}")
    }

    private mutating func say(_ role: StaticString, json: ByteBuffer) {
        self.begin(role)
        self.body.writeImmutableBuffer(json)
        self.body.writeStaticString("}")
    }

    /// A message of before; an answer as its text, since thoughts and tools were for its own turn.
    private mutating func add(_ role: SessionMessage.Role, _ content: ByteBuffer) {
        switch role {
        case .user: self.say("user", json: content)
        case .system: self.say("system", json: content)
        case .assistant:
            if let text = AnswerParts.onlyText(of: content) { return self.say("assistant", json: text) }
            let text = SessionMessage.text(of: content)
            if !text.isEmpty { self.say("assistant", text) }
        }
    }
}

extension SessionMessage {
    /// What was said in it, without thoughts and tools.
    package var text: String { Self.text(of: self.content) }

    /// The same of a message's content.
    static func text(of content: ByteBuffer) -> String {
        guard let json = try? JSONValue.parse(mending: content) else { return "" }
        if let text = json.stringValue { return text }
        let parts = json.arrayValue ?? []
        return parts.compactMap { part in
            switch part["type"]?.stringValue {
            case "text", "refusal": part["text"]?.stringValue
            default: nil
            }
        }.joined(separator: "\n")
    }
}
