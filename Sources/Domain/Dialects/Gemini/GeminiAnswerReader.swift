package import Chat
internal import Core
package import NIOCore

/// Reads a whole answer of Gemini's `generateContent`.
package enum GeminiAnswerReader {
    /// Takes an answer apart.
    ///
    /// A prompt that was blocked is an answer without parts whose finish is `contentFilter`. Log probabilities come out
    /// in OpenAI's form, which is the one that clients know.
    ///
    /// - Throws: `AnswerUnreadable.failure` if the body is an error, `garbled` if it is nothing of Gemini's.
    package static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) in
            let whole = try GeminiBody(reader)
            if whole.isError { throw .failure(body: body) }
            var ids = GeminiCallIDs(of: whole.id)
            var choices: [AnswerChoice] = []
            if let candidates = whole.candidates {
                try reader.elements(of: candidates) { (candidate) throws(AnswerUnreadable) in
                    choices.append(try Self.choice(candidate, reader, &ids))
                }
            }
            if choices.isEmpty {
                guard whole.isBlocked else { throw .garbled }
                choices = [AnswerChoice(parts: [], finish: .contentFilter)]
            }
            var answer = ChatAnswer(choices: choices, usage: whole.usage ?? TokenUsage())
            answer.id = whole.id
            answer.model = whole.model
            answer.rest = try Self.rest(reader)
            return answer
        }
    }

    private static func rest(_ reader: BodyReader) throws(AnswerUnreadable) -> [RestMember] {
        var rest: [RestMember] = []
        try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
            let isKnown =
                key.equals("candidates") || key.equals("usageMetadata") || key.equals("responseId")
                || key.equals("modelVersion")
            if !isKnown, !reader.isNull(value) { rest.append(reader.rest(key, value)) }
        }
        return rest
    }

    private static func choice(
        _ slice: JSONSlice,
        _ reader: BodyReader,
        _ ids: inout GeminiCallIDs
    ) throws(AnswerUnreadable) -> AnswerChoice {
        var choice = AnswerChoice(parts: [], finish: .stop)
        try reader.members(of: slice) { (key, value) throws(AnswerUnreadable) in
            if reader.isNull(value) || key.equals("index") { return }
            if key.equals("content") {
                choice.parts = try Self.parts(value, reader, &ids)
            } else if key.equals("finishReason") {
                choice.finish = .gemini(value, reader) ?? .stop
            } else if key.equals("logprobsResult") {
                choice.logprobs = try GeminiLogprobs.translated(value, reader)
            } else {
                choice.rest.append(reader.rest(key, value))
            }
        }
        let hasCalls = choice.parts.contains { if case .toolCall = $0.content { true } else { false } }
        if hasCalls, choice.finish == .stop { choice.finish = .toolCalls }
        return choice
    }

    private static func parts(
        _ content: JSONSlice,
        _ reader: BodyReader,
        _ ids: inout GeminiCallIDs
    ) throws(AnswerUnreadable) -> [ContentPart] {
        var list: JSONSlice?
        try reader.members(of: content, named: Self.contentNames) { _, value in list = value }
        guard let list, !reader.isNull(list) else { return [] }
        var parts: [ContentPart] = []
        try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
            let part = try GeminiPart(element, reader)
            if let call = part.call {
                parts.append(ContentPart(.toolCall(ids.call(call, signature: part.signature))))
            } else if let media = part.media {
                parts.append(ContentPart(media.isSound ? .audio(media) : .image(media)))
            } else if part.isThought {
                Self.append(part, to: &parts)
            } else if let text = part.text {
                var content = ContentPart(.text(text))
                if let signature = part.signature { content.rest = [Self.signature(signature)] }
                if !text.isEmpty || part.signature == nil { parts.append(content) }
            } else if part.isOther {
                parts.append(ContentPart(.other(reader.fragment(element))))
            }
        }
        return parts
    }

    /// Thoughts that come in several parts are one.
    private static func append(_ part: GeminiPart, to parts: inout [ContentPart]) {
        let text = part.text ?? .empty
        if case .thinking(var thinking) = parts.last?.content, thinking.signature == nil {
            thinking.text = thinking.text.appending(text)
            thinking.signature = part.signature
            parts[parts.count - 1].content = .thinking(thinking)
        } else if !text.isEmpty || part.signature != nil {
            parts.append(ContentPart(.thinking(Thinking(text: text, signature: part.signature, format: .gemini))))
        }
    }

    private static func signature(_ signature: JSONString) -> RestMember {
        RestMember(name: JSONString("thoughtSignature"), value: JSONFragment(checked: signature.bytes))
    }

    private static let contentNames = JSONNames("parts")
}

/// Makes ids for calls that have none.
///
/// The same answer always gives the same ids, and two answers give different ones: they come from the answer's own id,
/// or, where it has none, from the calls themselves.
struct GeminiCallIDs {
    private var seed: UInt64
    private var count: UInt64 = 0
    private let hasSeed: Bool

    init(of answer: JSONString?) {
        self.hasSeed = answer != nil
        self.seed = Self.hash(answer?.bytes ?? ByteBuffer(), from: 0xCBF2_9CE4_8422_2325)
    }

    mutating func call(_ call: GeminiPart.Call, signature: JSONString?) -> ToolCall {
        let arguments = call.arguments ?? JSONFragment(literal: "{}")
        if !self.hasSeed {
            self.seed = Self.hash(arguments.bytes, from: Self.hash(call.name.bytes, from: self.seed))
        }
        self.count &+= 1
        var mixed = (self.seed ^ (self.count &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
        mixed ^= mixed >> 32
        let digits = String(mixed, radix: 16)
        let made = JSONString("call_" + String(repeating: "0", count: 16 - digits.count) + digits)
        return ToolCall(id: call.id ?? made, name: call.name, arguments: .object(arguments), signature: signature)
    }

    /// FNV-1a.
    private static func hash(_ bytes: ByteBuffer, from start: UInt64) -> UInt64 {
        bytes.readableBytesView.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

/// Gemini's log probabilities in OpenAI's form.
private enum GeminiLogprobs {
    private static let names = JSONNames("chosenCandidates", "topCandidates")
    private static let tokenNames = JSONNames("token", "logProbability")
    private static let topNames = JSONNames("candidates")

    static func translated(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> JSONFragment? {
        var lists: (chosen: JSONSlice?, top: JSONSlice?)
        try reader.members(of: slice, named: Self.names) { position, value in
            if position == 0 { lists.chosen = value } else { lists.top = value }
        }
        guard let chosen = lists.chosen, reader.kind(chosen) == .array else { return nil }
        var top: [JSONSlice] = []
        if let list = lists.top, reader.kind(list) == .array {
            try reader.elements(of: list) { (element) throws(AnswerUnreadable) in top.append(element) }
        }
        var text = ByteBuffer()
        text.beginObject()
        text.writeKey("content")
        text.beginArray()
        var index = 0
        try reader.elements(of: chosen) { (token) throws(AnswerUnreadable) in
            text.separate()
            try Self.begin(token, reader, &text)
            text.writeKey("top_logprobs")
            text.beginArray()
            if index < top.count { try Self.writeAlternatives(top[index], reader, &text) }
            text.endArray()
            text.endObject()
            index += 1
        }
        text.endArray()
        text.writeNull("refusal")
        text.endObject()
        return JSONFragment(checked: text)
    }

    private static func writeAlternatives(
        _ slice: JSONSlice,
        _ reader: BodyReader,
        _ text: inout ByteBuffer
    ) throws(AnswerUnreadable) {
        var list: JSONSlice?
        guard reader.kind(slice) == .object else { return }
        try reader.members(of: slice, named: Self.topNames) { _, value in list = value }
        guard let list, reader.kind(list) == .array else { return }
        try reader.elements(of: list) { (token) throws(AnswerUnreadable) in
            text.separate()
            try Self.begin(token, reader, &text)
            text.endObject()
        }
    }

    private static func begin(
        _ slice: JSONSlice,
        _ reader: BodyReader,
        _ text: inout ByteBuffer
    ) throws(AnswerUnreadable) {
        var token: JSONFragment?
        var logprob: JSONFragment?
        try reader.members(of: slice, named: Self.tokenNames) { position, value in
            if position == 0 { token = reader.fragment(value) } else { logprob = reader.fragment(value) }
        }
        text.beginObject()
        text.writeMember("token", token ?? JSONFragment(checked: JSONString.empty.bytes))
        // A certain token: proto leaves zeros out.
        text.writeMember("logprob", logprob ?? JSONFragment(0))
        text.writeNull("bytes")
    }
}

extension Media {
    var isSound: Bool { self.mediaType?.text?.hasPrefix("audio/") == true }
}

extension JSONString {
    /// Both as one string.
    func appending(_ other: JSONString) -> JSONString {
        if other.isEmpty { return self }
        if self.isEmpty { return other }
        var bytes = ByteBuffer()
        bytes.writeStaticString("\"")
        self.writeContent(into: &bytes)
        other.writeContent(into: &bytes)
        bytes.writeStaticString("\"")
        return JSONString(checked: bytes)
    }
}
