package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Writes the events of a streamed answer of `POST /v1/responses`.
///
/// The dialect repeats what it has said: each text comes once more at its end, with its part, with its item and with
/// the whole response, so that the answer is kept here until then. A message stays open for all texts that follow each
/// other, and parts that turn out empty are not spoken of.
package final class ResponsesStreamWriter: AnswerStreamWriter {
    /// What of the output is open.
    enum Open {
        case nothing
        /// A message; `part`: the kind of its open part.
        case message(part: Part?)
        /// Thoughts; `isTold`: whether the client was told that they begin.
        case reasoning(isTold: Bool)
        case call(id: JSONString, name: JSONString, isCustom: Bool)
    }

    enum Part { case text, refusal }

    typealias Outlet = (ServerSentEvent, Bool) throws -> Void

    package internal(set) var losses = AnswerLosses()
    private let echo: ResponsesEcho
    let id: String
    private let source: WireFormat
    private var model: JSONString?
    private var sequence = 0
    /// Whether what is being written comes from something that the model said.
    private var isContent = false
    private var hasBegun = false
    var open = Open.nothing
    /// The number of the item that is open, or comes next.
    var item = 0
    /// The number of the part that is open in a message, or comes next.
    private var part = 0
    /// What was said in the open part or item, in JSON form without quotes.
    var text = ByteBuffer()
    /// How many characters of text the open part has, for annotations.
    private var characters = 0
    var held = HeldAnswerBytes()
    /// Log probabilities of the open part's tokens with commas between them, and those of the next text.
    private var logprobs = ByteBuffer()
    private var nextLogprobs: JSONFragment?
    private var annotations = ByteBuffer()
    private var annotationCount = 0
    /// The parts that are done of the open message, with commas between them.
    private var content = ByteBuffer()
    private var encrypted: JSONString?
    /// The items that are done, with commas between them.
    private var output = ByteBuffer()
    /// `"item_id":…,"output_index":…` and so on, the same for all events of what is open.
    var place = ByteBuffer()
    private var finish = FinishReason.stop
    private var usage = TokenUsage()
    /// One event's data; used again for the next.
    private var scratch = ByteBuffer()

    package init(_ context: AnswerContext) {
        self.echo = ResponsesEcho(context)
        self.id = context.id
        self.source = context.source ?? .anthropic
    }

    package func write(_ event: AnswerEvent, _ send: (ServerSentEvent, Bool) throws -> Void) throws {
        self.isContent = event.isContent
        switch event {
        case .begin(let head):
            self.model = head.model
            try self.begin(send)
        case .open(_, let opening): try self.open(opening, send)
        case .text(_, let text): try self.say(text, .text, send)
        case .refusal(_, let text): try self.say(text, .refusal, send)
        case .thinking(_, let text): try self.think(text, send)
        case .signature(_, let signature):
            try self.openReasoning(send)
            self.encrypted = self.carried(.signature, signature)
        case .arguments(_, let piece): try self.argue(piece, send)
        case .citation(_, let citation): try self.cite(citation, send)
        case .logprobs(let list):
            self.nextLogprobs = JSONFragment(checked: ByteBuffer(bytes: list.bytes.readableBytesView))
        case .image(let image): try self.show(image, send)
        case .unsaid(let losses): self.losses.formUnion(losses)
        case .close: try self.close(send)
        case .finish(let reason, _):
            self.finish = reason
            // Those of a text that never came.
            if self.nextLogprobs != nil { self.losses.insert(.logprobs) }
        case .usage(let usage): self.usage.merge(usage)
        case .end: try self.end(send)
        case .failure: break
        }
    }

    // MARK: Begin and end

    func begin(_ outlet: Outlet) throws {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        try self.emit(.created, outlet) { self.writeResponse(.inProgress, into: &$0) }
        try self.emit(.inProgress, outlet) { self.writeResponse(.inProgress, into: &$0) }
    }

    private func end(_ outlet: Outlet) throws {
        try self.begin(outlet)
        try self.closeItem(outlet)
        let status = ResponsesEcho.Status.done(self.finish)
        let event: ResponsesEvent =
            switch self.finish {
            case .length, .contextFull, .contentFilter: .incomplete
            case .error: .failed
            default: .completed
            }
        try self.emit(event, outlet) { self.writeResponse(status, into: &$0) }
    }

    private func writeResponse(_ status: ResponsesEcho.Status, into body: inout ByteBuffer) {
        body.writeKey("response")
        self.echo.write(status, model: self.model, output: self.output, usage: self.usage, into: &body)
    }

    private func open(_ opening: AnswerEvent.Opening, _ outlet: Outlet) throws {
        try self.begin(outlet)
        // What an item has beside its texts.
        try self.held.add(256)
        switch opening {
        case .text, .refusal:
            // Both go into one message, which opens with the first piece.
            if case .message = self.open { try self.closePart(outlet) } else { try self.closeItem(outlet) }
        case .thinking:
            try self.closeItem(outlet)
            self.open = .reasoning(isTold: false)
        case .redactedThinking(let data):
            try self.closeItem(outlet)
            try self.openReasoning(outlet)
            self.encrypted = self.carried(.redacted, data)
        case .toolCall(let id, let name, let signature, let isCustom):
            try self.closeItem(outlet)
            if let signature {
                try self.openReasoning(outlet)
                self.encrypted = self.carried(.call, signature)
                try self.closeItem(outlet)
            }
            try self.openCall(id, name, isCustom: isCustom, outlet)
        }
    }

    private func close(_ outlet: Outlet) throws {
        if case .message = self.open { try self.closePart(outlet) } else { try self.closeItem(outlet) }
    }

    func closeItem(_ outlet: Outlet) throws {
        switch self.open {
        case .nothing: return
        case .message: try self.closeMessage(outlet)
        case .reasoning(let isTold): try self.closeReasoning(isTold, outlet)
        case .call(let id, let name, let isCustom): try self.closeCall(id, name, isCustom: isCustom, outlet)
        }
        self.open = .nothing
    }

    /// Ends the open item, whose JSON `write` appends to the output.
    func finishItem(_ outlet: Outlet, _ write: (inout ByteBuffer) -> Void) throws {
        self.output.separateItems()
        let start = self.output.writerIndex
        write(&self.output)
        let item = self.output.getSlice(at: start, length: self.output.writerIndex - start) ?? ByteBuffer()
        try self.emit(.itemDone, outlet) { body in
            body.writeMember("output_index", self.item)
            body.writeKey("item")
            body.writeImmutableBuffer(item)
        }
        self.item += 1
        self.text.clear()
    }

    private func carried(_ kind: ResponsesCarrier.Kind, _ value: JSONString) -> JSONString {
        self.source == .openAIResponses ? value : ResponsesCarrier(kind, value, of: self.source).text
    }

    // MARK: Messages

    private func say(_ text: JSONString, _ kind: Part, _ outlet: Outlet) throws {
        guard !text.isEmpty else { return }
        try self.openPart(kind, outlet)
        try self.held.write(text, into: &self.text)
        self.characters += text.characterCount
        let logprobs = kind == .text ? try self.takeLogprobs() : ByteBuffer()
        try self.emit(kind == .text ? .textDelta : .refusalDelta, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeMember("delta", text)
            if kind == .text { self.writeLogprobs(logprobs, into: &body) }
        }
    }

    /// Log probabilities that came for the next text.
    private func takeLogprobs() throws -> ByteBuffer {
        var list = ByteBuffer()
        guard let next = self.nextLogprobs else { return list }
        self.nextLogprobs = nil
        next.visitElements { element in
            list.separateItems()
            element.write(into: &list)
        }
        try self.held.add(list.readableBytes)
        if list.readableBytes > 0 { self.logprobs.separateItems() }
        self.logprobs.writeImmutableBuffer(list)
        return list
    }

    private func writeLogprobs(_ list: ByteBuffer, into body: inout ByteBuffer) {
        body.writeStaticString(#","logprobs":["#)
        body.writeImmutableBuffer(list)
        body.writeStaticString("]")
    }

    private func openPart(_ kind: Part, _ outlet: Outlet) throws {
        if case .message(let part) = self.open, part == kind { return }
        try self.begin(outlet)
        if case .message = self.open {
            try self.closePart(outlet)
        } else {
            try self.closeItem(outlet)
            try self.emit(.itemAdded, outlet) { body in
                body.writeMember("output_index", self.item)
                body.writeKey("item")
                body.writeMessageItem(self.id, self.item, status: "in_progress", content: ByteBuffer())
            }
        }
        self.open = .message(part: kind)
        self.writePlace(.message)
        try self.emit(.partAdded, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeKey("part")
            self.writePart(kind, into: &body)
        }
    }

    /// The open part as it stands.
    private func writePart(_ kind: Part, into body: inout ByteBuffer) {
        switch kind {
        case .text: body.writeOutputText(self.text, annotations: self.annotations, logprobs: self.logprobs)
        case .refusal: body.writeRefusal(self.text)
        }
    }

    private func cite(_ citation: JSONFragment, _ outlet: Outlet) throws {
        guard let annotation = ResponsesAnnotation.told(citation, textCount: self.characters) else {
            self.losses.insert(.citations)
            return
        }
        try self.openPart(.text, outlet)
        self.annotations.separateItems()
        try self.held.add(annotation.bytes.readableBytes)
        annotation.write(into: &self.annotations)
        try self.emit(.annotationAdded, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeMember("annotation_index", self.annotationCount)
            body.writeMember("annotation", annotation)
        }
        self.annotationCount += 1
    }

    private func closePart(_ outlet: Outlet) throws {
        guard case .message(let part) = self.open, let kind = part else { return }
        // Those of tokens that are no text of their own.
        if kind == .text { _ = try self.takeLogprobs() }
        try self.emit(kind == .text ? .textDone : .refusalDone, outlet) { body in
            body.writeImmutableBuffer(self.place)
            if kind == .text {
                body.writeQuoted("text", self.text)
                self.writeLogprobs(self.logprobs, into: &body)
            } else {
                body.writeQuoted("refusal", self.text)
            }
        }
        try self.emit(.partDone, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeKey("part")
            self.writePart(kind, into: &body)
        }
        self.content.separateItems()
        self.writePart(kind, into: &self.content)
        self.text.clear()
        self.characters = 0
        self.annotations.clear()
        self.annotationCount = 0
        self.logprobs.clear()
        self.part += 1
        self.open = .message(part: nil)
    }

    private func closeMessage(_ outlet: Outlet) throws {
        try self.closePart(outlet)
        let isCut = self.finish == .length || self.finish == .contextFull
        try self.finishItem(outlet) { output in
            let status: StaticString = isCut ? "incomplete" : "completed"
            output.writeMessageItem(self.id, self.item, status: status, content: self.content)
        }
        self.content.clear()
        self.part = 0
    }

    // MARK: Thoughts

    private func openReasoning(_ outlet: Outlet) throws {
        if case .reasoning(isTold: true) = self.open { return }
        try self.begin(outlet)
        if case .message = self.open { try self.closeItem(outlet) }
        self.open = .reasoning(isTold: true)
        self.writePlace(.reasoning)
        try self.emit(.itemAdded, outlet) { body in
            body.writeMember("output_index", self.item)
            body.writeKey("item")
            body.writeReasoningItem(self.id, self.item, summary: ByteBuffer(), encrypted: nil)
        }
    }

    private func think(_ text: JSONString, _ outlet: Outlet) throws {
        guard !text.isEmpty else { return }
        try self.openReasoning(outlet)
        if self.text.readableBytes == 0 {
            try self.emit(.summaryAdded, outlet) { body in
                body.writeImmutableBuffer(self.place)
                body.writeKey("part")
                body.writeSummaryText(ByteBuffer())
            }
        }
        try self.held.write(text, into: &self.text)
        try self.emit(.summaryDelta, outlet) { body in
            body.writeImmutableBuffer(self.place)
            body.writeMember("delta", text)
        }
    }

    private func closeReasoning(_ isTold: Bool, _ outlet: Outlet) throws {
        guard isTold else { return }
        if self.text.readableBytes > 0 {
            try self.emit(.summaryTextDone, outlet) { body in
                body.writeImmutableBuffer(self.place)
                body.writeQuoted("text", self.text)
            }
            try self.emit(.summaryDone, outlet) { body in
                body.writeImmutableBuffer(self.place)
                body.writeKey("part")
                body.writeSummaryText(self.text)
            }
        }
        try self.finishItem(outlet) { output in
            output.writeReasoningItem(self.id, self.item, summary: self.text, encrypted: self.encrypted)
        }
        self.encrypted = nil
    }

    // MARK: Events

    func writePlace(_ kind: ResponsesItem) {
        self.place.clear()
        self.place.writeStaticString(#","item_id":"#)
        self.place.writeItemID(kind, self.id, self.item)
        self.place.writeMember("output_index", self.item)
        switch kind {
        case .message: self.place.writeMember("content_index", self.part)
        case .reasoning: self.place.writeMember("summary_index", 0)
        default: break
        }
    }

    func emit(
        _ event: ResponsesEvent,
        _ outlet: Outlet,
        _ fill: (inout ByteBuffer) -> Void
    ) throws {
        self.scratch.clear()
        self.scratch.writeStaticString(#"{"type":""#)
        self.scratch.writeImmutableBuffer(event.name)
        self.scratch.writeStaticString(#"","sequence_number":"#)
        self.scratch.writeString(String(self.sequence))
        fill(&self.scratch)
        self.scratch.endObject()
        self.sequence += 1
        try outlet(ServerSentEvent(data: self.scratch, type: event.name), self.isContent)
    }
}
