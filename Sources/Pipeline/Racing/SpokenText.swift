internal import Core
internal import Metering
internal import NIOCore

/// What a model says in an answer, as text, up to a bound: its words, and the tools it calls.
///
/// Only for answers that are compared; all others are passed on unread.
struct SpokenText: Sendable, Equatable {
    private(set) var text = ""
    /// Why the model stopped, in the provider's word.
    private(set) var finish = ""
    /// Whether there was more than is kept.
    private(set) var isCut = false

    /// Reads a whole answer.
    mutating func add(whole body: ByteBuffer) { self.add(body, "message") }

    /// Reads an event of a stream.
    mutating func add(event data: ByteBuffer) { self.add(data, "delta") }

    private mutating func add(_ bytes: ByteBuffer, _ member: String) {
        // The first answer alone: requests for several are seldom, and their pieces come in any order.
        guard let choice = (try? JSONValue.parse(bytes))?["choices"]?[0] else { return }
        if let reason = choice["finish_reason"]?.stringValue { self.finish = String(reason.prefix(64)) }
        guard let said = choice[member] else { return }
        self.append(said["content"])
        self.append(said["refusal"])
        for call in said["tool_calls"]?.arrayValue ?? [] {
            if let name = call["function"]?["name"]?.stringValue { self.append("\n\(name) ") }
            self.append(call["function"]?["arguments"])
        }
    }

    /// A text, or a list of parts with texts.
    private mutating func append(_ content: JSONValue?) {
        if let text = content?.stringValue { return self.append(text) }
        for part in content?.arrayValue ?? [] {
            if let text = part["text"]?.stringValue { self.append(text) }
        }
    }

    private mutating func append(_ text: String) {
        let room = ShadowAnswer.Side.textBytesMax - self.text.utf8.count
        guard text.utf8.count > room else { return self.text += text }
        self.isCut = true
        // Whole characters only.
        self.text += String(decoding: text.utf8.prefix(max(0, room)), as: UTF8.self)
            .trimmingLast { $0 == "\u{FFFD}" }
    }
}

extension String {
    /// Without the characters at its end that are like this.
    fileprivate func trimmingLast(_ isLike: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, isLike(last) { text.removeLast() }
        return String(text)
    }
}
