package import Chat
internal import Core
package import NIOCore

/// Writes the answer of `POST /v1/responses`.
///
/// Only the first choice: the dialect cannot ask for more. Items hold no null that a client would send back, and be
/// refused for, with the next request. Sounds have no place in it.
package enum ResponsesAnswerWriter {
    /// Appends the answer to `body`.
    @discardableResult
    package static func write(
        _ answer: ChatAnswer,
        _ context: AnswerContext,
        into body: inout ByteBuffer
    ) -> AnswerLosses {
        let choice = answer.choices.first
        let finish = choice?.finish ?? .stop
        var output = ResponsesOutputWriter(context: context, isCut: finish == .length || finish == .contextFull)
        if let choice { output.write(choice) }
        ResponsesEcho(context).write(
            .done(finish),
            model: answer.model,
            serviceTier: answer.serviceTier,
            output: output.items,
            usage: answer.usage,
            into: &body
        )
        var losses = output.losses
        if answer.choices.count > 1 { losses.insert(.choices) }
        if answer.hasSources { losses.insert(.sources) }
        return losses
    }
}

/// Writes the parts of an answer as items.
struct ResponsesOutputWriter {
    private let id: String
    private let source: WireFormat
    /// Whether the answer ended before its end, so that its last message is not whole.
    private let isCut: Bool
    /// The items so far, with commas between them.
    private(set) var items = ByteBuffer()
    private var count = 0
    /// The content of a message that is not written yet.
    private var content = ByteBuffer()
    private var logprobs: ByteBuffer?
    private(set) var losses = AnswerLosses()

    init(context: AnswerContext, isCut: Bool) {
        self.id = context.id
        self.source = context.source ?? .gemini
        self.isCut = isCut
    }

    mutating func write(_ choice: AnswerChoice) {
        self.logprobs = choice.logprobs.map { Self.list(of: $0) }
        for part in choice.parts { self.write(part) }
        self.flush(isLast: true)
    }

    private mutating func write(_ part: ContentPart) {
        switch part.content {
        case .text(let text):
            guard !text.isEmpty || !part.citations.isEmpty else { return }
            self.write(text, citations: part.citations)
        case .refusal(let text):
            self.content.separateItems()
            self.content.writeRefusal(text.content)
        case .thinking(let thinking):
            self.flush()
            let encrypted = ResponsesCarrier.text(of: thinking)
            guard !thinking.text.isEmpty || encrypted != nil else { return }
            self.items.separateItems()
            self.items.writeReasoningItem(self.id, self.count, summary: thinking.text.content, encrypted: encrypted)
            self.count += 1
        case .toolCall(let call):
            self.flush()
            self.write(call)
        case .image(let media):
            guard case .data(let data) = media.source else {
                self.losses.insert(.images)
                return
            }
            self.flush()
            self.writeImage(data, media.mediaType)
        case .other(let fragment):
            guard Self.isItem(fragment) else {
                self.losses.insert(.content)
                return
            }
            self.flush()
            self.items.separateItems()
            fragment.write(into: &self.items)
            self.count += 1
        case .audio: self.losses.insert(.audio)
        case .file: self.losses.insert(.files)
        case .toolResult: self.losses.insert(.content)
        }
    }

    private mutating func write(_ text: JSONString, citations: [JSONFragment]) {
        var annotations = ByteBuffer()
        for citation in citations {
            guard let annotation = ResponsesAnnotation.told(citation, textCount: text.characterCount) else {
                self.losses.insert(.citations)
                continue
            }
            annotations.separateItems()
            annotation.write(into: &annotations)
        }
        self.content.separateItems()
        self.content.writeOutputText(text.content, annotations: annotations, logprobs: self.logprobs)
        self.logprobs = nil
    }

    private mutating func write(_ call: ToolCall) {
        if let signature = call.signature {
            let carrier = ResponsesCarrier(.call, signature, of: self.source).text
            self.items.separateItems()
            self.items.writeReasoningItem(self.id, self.count, summary: ByteBuffer(), encrypted: carrier)
            self.count += 1
        }
        self.items.separateItems()
        self.items.writeCallItem(
            call.isCustom ? .customCall : .functionCall,
            self.id,
            self.count,
            status: "completed",
            callID: call.id,
            name: call.name,
            arguments: call.said.content
        )
        self.count += 1
    }

    private mutating func writeImage(_ data: ByteBuffer, _ mediaType: JSONString?) {
        self.items.separateItems()
        self.items.writeImageItem(self.id, self.count, data, mediaType)
        self.count += 1
    }

    private mutating func flush(isLast: Bool = false) {
        guard self.content.readableBytes > 0 else { return }
        let status: StaticString = self.isCut && isLast ? "incomplete" : "completed"
        self.items.separateItems()
        self.items.writeMessageItem(self.id, self.count, status: status, content: self.content)
        self.content.clear()
        self.count += 1
    }

    /// The elements of `content`, as chat has log probabilities.
    private static func list(of logprobs: JSONFragment) -> ByteBuffer {
        var list = ByteBuffer()
        logprobs.visitMembers { key, value in
            guard key.equals("content") else { return }
            value.visitElements { element in
                list.separateItems()
                element.write(into: &list)
            }
        }
        return list
    }

    /// Whether an unknown part is an item of this dialect, and not another's block.
    private static func isItem(_ fragment: JSONFragment) -> Bool {
        var type = ""
        fragment.visitMembers { key, value in if key.equals("type") { type = value.string?.text ?? "" } }
        return type.hasSuffix("_call") || type.hasSuffix("_call_output") || type.hasPrefix("mcp_")
            || type == "compaction"
    }
}
