internal import Chat
internal import Core
internal import NIOCore

/// Writes `systemInstruction` and `contents`.
///
/// Messages of one side that follow each other become one content. The results of a turn's calls become a content of
/// their own right behind it, as many as the calls and in their order; what else the user said follows in another.
struct GeminiContents {
    let request: ChatRequest
    let model: GeminiModel
    var body = ByteBuffer()
    var losses = Losses()

    /// The calls of the last turn of the model.
    private var calls: [Call] = []
    /// Whether a content is being written.
    private var isOpen = false
    private var hasContents = false

    private struct Call {
        let id: JSONString
        let name: JSONString
        let place: Int
    }

    init(request: ChatRequest, model: GeminiModel) {
        self.request = request
        self.model = model
    }

    mutating func write() throws(RequestUnwritable) {
        let messages = self.request.messages
        // A model needs something to answer: instructions alone are said as the user's words.
        let hasTurns = messages.contains { !$0.isInstruction }
        if hasTurns { self.writeInstructions(messages) }
        self.body.writeKey("contents")
        self.body.beginArray()
        var index = 0
        while index < messages.count {
            guard !hasTurns || !messages[index].isInstruction else {
                index += 1
                continue
            }
            let isModel = messages[index].role == .assistant
            var end = index + 1
            while end < messages.count,
                messages[end].isInstruction || (messages[end].role == .assistant) == isModel
            {
                end += 1
            }
            let run = messages[index..<end].filter { !hasTurns || !$0.isInstruction }
            if isModel { self.writeModelTurn(run) } else { try self.writeUserTurn(run) }
            index = end
        }
        if let call = self.calls.first { throw Self.unanswered(call) }
        guard self.hasContents || !messages.isEmpty else {
            throw RequestUnwritable(at: -1, "There are no messages; give at least one.")
        }
        if !self.hasContents { self.writeBlankTurn() }
        self.body.endArray()
    }

    // MARK: Instructions

    private mutating func writeInstructions(_ messages: [ChatMessage]) {
        var isOpen = false
        var isInside = false
        for message in messages {
            guard message.isInstruction else {
                isInside = true
                continue
            }
            if isInside { self.losses.emulate(at: message.place) }
            self.losses.drop(message.name)
            self.losses.dropWishes(in: message.rest)
            for part in message.parts {
                self.losses.drop(part.cacheMark)
                guard case .text(let text) = part.content else {
                    self.losses.drop(at: part.place)
                    continue
                }
                self.losses.dropWishes(in: part.rest)
                if text.isEmpty { continue }
                self.writeInstruction(text, &isOpen)
            }
        }
        if self.request.mustSayForm(to: self.model), let text = self.request.responseFormat?.value.instruction {
            self.writeInstruction(text, &isOpen)
        }
        if isOpen {
            self.body.endArray()
            self.body.endObject()
        }
    }

    private mutating func writeInstruction(_ text: JSONString, _ isOpen: inout Bool) {
        if !isOpen {
            self.body.writeKey("systemInstruction")
            self.body.beginObject()
            self.body.writeKey("parts")
            self.body.beginArray()
            isOpen = true
        }
        self.writeText(text)
    }

    // MARK: Turns

    private mutating func writeModelTurn(_ run: [ChatMessage]) {
        if !self.hasContents, run.contains(where: { !$0.parts.isEmpty }) { self.writeBlankTurn() }
        var isSigned = false
        for message in run {
            self.losses.drop(message.name)
            let signature = self.takeSignature(of: message)
            let lastText = message.parts.lastIndex { if case .text = $0.content { true } else { false } }
            for (index, part) in message.parts.enumerated() {
                switch part.content {
                case .toolCall(let call):
                    self.write(call, part, isFirst: !isSigned)
                    isSigned = true
                case .thinking(let thinking):
                    self.write(thinking, part)
                default:
                    self.write(part, role: "model", signature: index == lastText ? signature : nil)
                }
            }
        }
        self.close()
    }

    private mutating func writeUserTurn(_ run: [ChatMessage]) throws(RequestUnwritable) {
        var results: [(result: ToolResult, part: ContentPart)] = []
        for message in run {
            for part in message.parts {
                if case .toolResult(let result) = part.content { results.append((result, part)) }
            }
        }
        var leftOver: [ContentPart] = []
        if !results.isEmpty || !self.calls.isEmpty { leftOver = try self.write(results) }
        for part in leftOver { self.write(part, role: "user", signature: nil) }
        for message in run {
            self.losses.drop(message.name)
            self.losses.dropWishes(in: message.rest)
            if message.isInstruction { self.losses.emulate(at: message.place) }
            for part in message.parts {
                if case .toolResult = part.content { continue }
                self.write(part, role: "user", signature: nil)
            }
        }
        self.close()
    }

    /// Writes the results of the last turn's calls in the order of the calls.
    ///
    /// - Returns: Media that cannot stand in a result, to be shown to the model behind them.
    private mutating func write(
        _ results: [(result: ToolResult, part: ContentPart)]
    ) throws(RequestUnwritable) -> [ContentPart] {
        let calls = self.calls
        self.calls = []
        var leftOver: [ContentPart] = []
        var isUsed = [Bool](repeating: false, count: results.count)
        var positions: [ByteBuffer: [Int]] = [:]
        for (index, call) in calls.enumerated() {
            // Nearly always they come in the order of the calls.
            var match = index < results.count && results[index].result.callID == call.id ? index : nil
            if match == nil || isUsed[index] {
                if positions.isEmpty {
                    positions = Dictionary(grouping: results.indices.reversed()) { results[$0].result.callID.bytes }
                }
                match = nil
                while match == nil, let last = positions[call.id.bytes]?.popLast() {
                    match = isUsed[last] ? nil : last
                }
            }
            guard let match else { throw Self.unanswered(call) }
            isUsed[match] = true
            leftOver += self.write(results[match].result, results[match].part, of: call)
        }
        if let orphan = isUsed.firstIndex(of: false) {
            throw RequestUnwritable(
                at: results[orphan].part.place,
                "A tool result answers no call of the turn before; send it right behind the message with its call."
            )
        }
        self.close()
        return leftOver
    }

    private static func unanswered(_ call: Call) -> RequestUnwritable {
        RequestUnwritable(at: call.place, "A tool call has no result in the turn after it; send one for each call.")
    }

    // MARK: Calls and results

    private mutating func write(_ call: ToolCall, _ part: ContentPart, isFirst: Bool) {
        self.calls.append(Call(id: call.id, name: call.name, place: part.place))
        self.losses.drop(part.cacheMark)
        self.open("model")
        self.body.separate()
        self.body.beginObject()
        self.body.writeKey("functionCall")
        self.body.beginObject()
        if !call.id.isEmpty { self.body.writeMember("id", call.id) }
        self.body.writeMember("name", call.name)
        self.body.writeKey("args")
        if let arguments = call.arguments.asObject, !call.isCustom {
            arguments.write(into: &self.body)
        } else {
            // A model that has got its arguments wrong is to see them.
            self.body.beginObject()
            self.body.writeMember("input", call.arguments.asString)
            self.body.endObject()
        }
        self.body.endObject()
        if let signature = call.signature ?? Self.signature(in: part.rest) {
            self.body.writeMember("thoughtSignature", signature)
        } else if isFirst, self.model.wantsSignatures {
            // Google's own word for calls that another model made or whose signature is gone.
            self.body.writeMember("thoughtSignature", word: "skip_thought_signature_validator")
        }
        self.body.endObject()
        self.losses.dropWishes(in: part.rest.filter { !$0.name.equals("extra_content") })
    }

    private mutating func write(_ result: ToolResult, _ part: ContentPart, of call: Call) -> [ContentPart] {
        self.losses.drop(part.cacheMark)
        self.losses.dropWishes(in: part.rest)
        var texts: [JSONString] = []
        var media: [ContentPart] = []
        for inner in result.parts {
            self.losses.drop(inner.cacheMark)
            switch inner.content {
            case .text(let text): texts.append(text)
            case .image, .file, .audio: media.append(inner)
            default: self.losses.drop(at: inner.place)
            }
        }
        self.open("user")
        self.body.separate()
        self.body.beginObject()
        self.body.writeKey("functionResponse")
        self.body.beginObject()
        if !call.id.isEmpty { self.body.writeMember("id", call.id) }
        self.body.writeMember("name", call.name)
        self.body.writeKey("response")
        self.body.writeResponse(texts, isError: result.isError?.value == true)
        if self.model.takesMediaInResults, !media.isEmpty {
            self.body.writeKey("parts")
            self.body.beginArray()
            for part in media { self.writeMedia(of: part) }
            self.body.endArray()
            media = []
        }
        self.body.endObject()
        self.body.endObject()
        return media
    }

    private mutating func write(_ thinking: Thinking, _ part: ContentPart) {
        // Another provider's thoughts prove nothing here, and its summaries would be taken for an answer.
        guard thinking.format == .gemini, !thinking.text.isEmpty else { return self.losses.drop(at: part.place) }
        self.open("model")
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("text", thinking.text)
        self.body.writeMember("thought", true)
        if let signature = thinking.signature { self.body.writeMember("thoughtSignature", signature) }
        self.body.endObject()
    }

    /// The signature that Google's own OpenAI endpoint has clients send back with a message.
    private mutating func takeSignature(of message: ChatMessage) -> JSONString? {
        let signature = Self.signature(in: message.rest)
        self.losses.dropWishes(
            in: signature == nil ? message.rest : message.rest.filter { !$0.name.equals("extra_content") }
        )
        return signature
    }

    private static func signature(in rest: [RestMember]) -> JSONString? {
        rest["extra_content"]?.value(of: "google")?.value(of: "thought_signature")?.string
    }

    // MARK: Parts

    private mutating func write(_ part: ContentPart, role: StaticString, signature: JSONString?) {
        self.losses.drop(part.cacheMark)
        self.losses.dropWishes(in: part.rest)
        if !part.citations.isEmpty { self.losses.drop(at: part.place) }
        switch part.content {
        case .text(let text), .refusal(let text):
            guard !text.isEmpty else { return }
            self.open(role)
            self.writeText(text, signature: signature)
        case .image(let media), .audio(let media), .file(let media):
            guard media.canBeSaidToGemini else { return self.losses.drop(at: part.place) }
            self.open(role)
            self.writeMedia(of: part)
        case .thinking, .toolCall, .toolResult, .other:
            self.losses.drop(at: part.place)
        }
    }

    private mutating func writeMedia(of part: ContentPart) {
        switch part.content {
        case .image(let media), .audio(let media), .file(let media):
            guard media.canBeSaidToGemini else { return self.losses.drop(at: part.place) }
            self.losses.drop(media.name)
            if let detail = media.detail, !detail.value.equals("auto") { self.losses.drop(detail) }
            self.body.separate()
            media.writeForGemini(into: &self.body)
        default:
            self.losses.drop(at: part.place)
        }
    }

    private mutating func writeText(_ text: JSONString, signature: JSONString? = nil) {
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("text", text)
        if let signature { self.body.writeMember("thoughtSignature", signature) }
        self.body.endObject()
    }

    /// A turn of the user that says nothing, where one must stand.
    private mutating func writeBlankTurn() {
        self.open("user")
        self.writeText(JSONString(checked: ByteBuffer(staticString: "\" \"")))
        self.close()
    }

    private mutating func open(_ role: StaticString) {
        guard !self.isOpen else { return }
        self.isOpen = true
        self.hasContents = true
        self.body.separate()
        self.body.beginObject()
        self.body.writeMember("role", word: role)
        self.body.writeKey("parts")
        self.body.beginArray()
    }

    private mutating func close() {
        guard self.isOpen else { return }
        self.isOpen = false
        self.body.endArray()
        self.body.endObject()
    }
}

extension ChatMessage {
    fileprivate var isInstruction: Bool { self.role == .system || self.role == .developer }
}

extension ByteBuffer {
    /// The result of a tool as an object: its own, if its text is one, else wrapped.
    fileprivate mutating func writeResponse(_ texts: [JSONString], isError: Bool) {
        if texts.count == 1, !isError, case .object? = texts[0].wholeObject?.kind {
            texts[0].wholeObject?.write(into: &self)
            return
        }
        self.beginObject()
        self.writeKey(isError ? "error" : "output")
        self.writeStaticString("\"")
        for text in texts { text.writeContent(into: &self) }
        self.writeStaticString("\"")
        self.endObject()
    }
}
