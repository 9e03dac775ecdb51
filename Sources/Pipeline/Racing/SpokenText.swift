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
    mutating func add(whole body: ByteBuffer) {
        guard let answer = try? JSONValue.parse(body) else { return }
        if let choice = answer["choices"]?[0] { return self.add(choice, "message") }
        self.noteFinish(answer["stop_reason"] ?? answer["status"])
        // Anthropic's blocks; the items of OpenAI's `/responses`.
        for block in answer["content"]?.arrayValue ?? answer["output"]?.arrayValue ?? [] { self.add(block: block) }
    }

    /// Reads an event of a stream.
    mutating func add(event data: ByteBuffer) {
        guard let event = try? JSONValue.parse(data) else { return }
        if let choice = event["choices"]?[0] { return self.add(choice, "delta") }
        // Anthropic says in the delta why it stopped, OpenAI's `/responses` in the last event's response.
        self.noteFinish(event["delta"]?["stop_reason"] ?? event["response"]?["status"])
        for started in [event["content_block"], event["item"]]
        where event["type"]?.stringValue?.hasSuffix("done") != true {
            if let name = started?["name"]?.stringValue { self.append("\n\(name) ") }
        }
        guard let delta = event["delta"] else { return }
        if delta.stringValue != nil { return self.append(delta) }
        self.append(delta["text"])
        self.append(delta["partial_json"])
    }

    private mutating func noteFinish(_ reason: JSONValue?) {
        if let reason = reason?.stringValue { self.finish = String(reason.prefix(64)) }
    }

    private mutating func add(block: JSONValue) {
        self.append(block["text"])
        self.append(block["content"])
        guard let name = block["name"]?.stringValue else { return }
        self.append("\n\(name) ")
        self.append(block["arguments"])
        if let input = block["input"] { self.append(input.text) }
    }

    private mutating func add(_ choice: JSONValue, _ member: String) {
        // The first answer alone: requests for several are seldom, and their pieces come in any order.
        self.noteFinish(choice["finish_reason"])
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
