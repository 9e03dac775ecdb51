internal import Core
internal import NIOCore

/// Puts the events of a streamed answer together into the whole answer.
///
///     var collector = AnswerCollector(source: .anthropic)
///     for event in events { collector.take(event) }
///     let answer = collector.answer
package struct AnswerCollector: Sendable {
    /// The dialect that the answer came in, for signatures of thoughts.
    private let source: WireFormat
    /// The most bytes of text that are kept.
    private let bytesMax: Int
    private var bytes = 0
    /// The answer as far as it has come.
    ///
    /// It has one choice, which ends with `.stop` unless something else was said.
    package private(set) var answer = ChatAnswer(choices: [AnswerChoice(parts: [], finish: .stop)], usage: TokenUsage())
    /// Whether the answer came to its end.
    package private(set) var isComplete = false
    /// Whether it was longer than what is kept: then what is missing is missing at the end.
    package private(set) var isCut = false
    /// The part that is open; nil between parts.
    private var open: AnswerEvent.Opening?
    /// What was said in the open part, in JSON form without quotes.
    private var text = ByteBuffer()
    private var signature: JSONString?
    private var citations: [JSONFragment] = []

    /// - Parameters:
    ///   - source: The dialect of the provider.
    ///   - bytesMax: The most bytes of text and arguments that are kept.
    package init(source: WireFormat, bytesMax: Int = .max) {
        self.source = source
        self.bytesMax = bytesMax
    }

    /// Takes the next event.
    package mutating func take(_ event: AnswerEvent) {
        switch event {
        case .begin(let head):
            self.answer.id = head.id
            self.answer.model = head.model
        case .open(_, let opening):
            self.close()
            self.open = opening
        case .text(_, let piece), .thinking(_, let piece), .refusal(_, let piece), .arguments(_, let piece):
            self.append(piece)
        case .signature(_, let signature): self.signature = signature
        case .citation(_, let citation):
            self.bytes += citation.bytes.readableBytes
            if self.bytes <= self.bytesMax { self.citations.append(citation) } else { self.isCut = true }
        case .image(let media): self.take(media)
        case .logprobs, .unsaid:
            // Nobody asks for them who keeps an answer, or holds it against a schema.
            break
        case .close: self.close()
        case .finish(let reason, let stopSequence):
            self.answer.choices[0].finish = reason
            self.answer.choices[0].stopSequence = stopSequence
        case .usage(let usage): self.answer.usage.merge(usage)
        case .end:
            self.close()
            self.isComplete = true
        case .failure: self.answer.choices[0].finish = .error
        }
    }

    private static func call(
        _ id: JSONString,
        _ name: JSONString,
        _ arguments: JSONString,
        _ signature: JSONString?,
        isCustom: Bool
    ) -> ToolCall {
        var call = ToolCall(id: id, name: name, arguments: .encoded(arguments), signature: signature)
        call.isCustom = isCustom
        return call
    }

    private mutating func append(_ piece: JSONString) {
        let count = piece.bytes.readableBytes - 2
        guard !self.isCut, self.bytes + count <= self.bytesMax else {
            self.isCut = true
            return
        }
        self.bytes += count
        piece.writeContent(into: &self.text)
    }

    private mutating func take(_ image: Media) {
        self.close()
        if case .data(let data) = image.source { self.bytes += data.readableBytes }
        guard !self.isCut, self.bytes <= self.bytesMax else {
            self.isCut = true
            return
        }
        self.answer.choices[0].parts.append(ContentPart(.image(image)))
    }

    private mutating func close() {
        guard let opening = self.open else { return }
        var quoted = ByteBuffer()
        quoted.writeInteger(UInt8(ascii: "\""))
        quoted.writeImmutableBuffer(self.text)
        quoted.writeInteger(UInt8(ascii: "\""))
        let text = JSONString(checked: quoted)
        var part =
            switch opening {
            case .text: ContentPart(.text(text))
            case .refusal: ContentPart(.refusal(text))
            case .thinking: ContentPart(.thinking(Thinking(text: text, signature: self.signature, format: self.source)))
            case .redactedThinking(let data):
                ContentPart(.thinking(Thinking(text: .empty, redacted: data, format: self.source)))
            case .toolCall(let id, let name, let signature, let isCustom):
                ContentPart(.toolCall(Self.call(id, name, text, signature, isCustom: isCustom)))
            }
        part.citations = self.citations
        self.answer.choices[0].parts.append(part)
        self.open = nil
        self.text.clear()
        self.signature = nil
        self.citations = []
    }
}
