package import Chat
internal import Core
internal import NIOCore
package import Wire

/// Reads the events of a provider's streamed response.
///
/// What a provider leaves out is taken from what it says later: deltas from the texts at the end of a part or item,
/// items from the whole response. Events of tools that the provider runs itself are passed over. Only
/// `response.completed` and `response.incomplete` end an answer.
package final class ResponsesStreamReader: AnswerStreamReader {
    /// What part of the answer is open.
    private enum Open: Equatable {
        case nothing
        case text, refusal
        case thinking
        case call
    }

    private var hasBegun = false
    private var hasEnded = false
    private var open = Open.nothing
    /// The number of the part that is open, or comes next.
    private var part = 0
    /// The provider's number of the item that is open.
    private var item = -1
    /// Whether something was said in the open part.
    private var hasSaid = false
    /// Items of which something was handed out: later repetitions of them say nothing new.
    private var told: Set<Int> = []
    private var callsTools = false

    package init() {}

    package func read(_ event: ServerSentEvent, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !event.isComment, !self.hasEnded, event.data.readableBytes > 0 else { return }
        let fields = try ResponsesEventFields(event.data)
        guard let type = fields.type else {
            // Some send their errors without a type.
            if let error = fields.error { return try self.fail(error, emit) }
            throw AnswerUnreadable.garbled
        }
        try self.read(type, fields, emit)
    }

    package func finish(_ emit: (AnswerEvent) throws -> Void) throws {}

    private func read(
        _ type: ResponsesEventFields.Kind,
        _ fields: ResponsesEventFields,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        switch type {
        case .created: try self.begin(fields.response, emit)
        case .itemAdded: try self.addItem(fields, emit)
        case .itemDone: try self.finishItem(fields, emit)
        case .partAdded, .partDone: try self.takePart(fields, isDone: type == .partDone, emit)
        case .textDelta:
            guard let text = fields.delta else { throw AnswerUnreadable.garbled }
            try self.open(.text, .text, fields, emit)
            if let logprobs = fields.logprobs { try emit(.logprobs(logprobs)) }
            try self.say(.text(part: self.part, text), text, emit)
        case .refusalDelta:
            guard let text = fields.delta else { throw AnswerUnreadable.garbled }
            try self.open(.refusal, .refusal, fields, emit)
            try self.say(.refusal(part: self.part, text), text, emit)
        case .thinkingDelta:
            guard let text = fields.delta else { throw AnswerUnreadable.garbled }
            try self.open(.thinking, .thinking, fields, emit)
            try self.say(.thinking(part: self.part, text), text, emit)
        case .summaryAdded:
            // One more paragraph of thoughts.
            if self.open == .thinking, self.hasSaid {
                try emit(.thinking(part: self.part, Self.paragraph))
            }
        case .argumentsDelta:
            guard let text = fields.delta, self.open == .call, fields.outputIndex ?? self.item == self.item else {
                throw AnswerUnreadable.garbled
            }
            try self.say(.arguments(part: self.part, text), text, emit)
        case .argumentsDone:
            guard self.open == .call, !self.hasSaid, fields.outputIndex ?? self.item == self.item,
                let text = fields.arguments
            else { return }
            try self.say(.arguments(part: self.part, text), text, emit)
        case .annotation:
            guard let annotation = fields.annotation else { return }
            try self.open(.text, .text, fields, emit)
            try emit(.citation(part: self.part, annotation))
        case .completed: try self.end(fields, emit)
        case .failed:
            try self.fail(self.error(of: fields), emit)
        case .other: break
        }
    }

    private static let paragraph = JSONString(checked: ByteBuffer(staticString: #""\n\n""#))

    private func begin(_ response: JSONFragment?, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        var head = AnswerHead()
        response?.visitMembers { key, value in
            if key.equals("id") { head.id = value.string }
            if key.equals("model") { head.model = value.string }
        }
        try emit(.begin(head))
    }

    private func open(
        _ open: Open,
        _ opening: AnswerEvent.Opening,
        _ fields: ResponsesEventFields,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        let item = fields.outputIndex ?? self.item
        if self.open == open, self.item == item || self.item < 0 { return }
        try self.begin(nil, emit)
        try self.closePart(emit)
        self.open = open
        self.item = item
        self.told.insert(item)
        try emit(.open(part: self.part, opening))
    }

    private func say(_ event: AnswerEvent, _ text: JSONString, _ emit: (AnswerEvent) throws -> Void) throws {
        guard !text.isEmpty else { return }
        self.hasSaid = true
        try emit(event)
    }

    private func closePart(_ emit: (AnswerEvent) throws -> Void) throws {
        guard self.open != .nothing else { return }
        try emit(.close(part: self.part))
        self.part += 1
        self.open = .nothing
        self.hasSaid = false
    }

    private func addItem(_ fields: ResponsesEventFields, _ emit: (AnswerEvent) throws -> Void) throws {
        try self.begin(nil, emit)
        try self.closePart(emit)
        self.item = fields.outputIndex ?? self.item + 1
        guard let item = fields.item else { return }
        if let call = ResponsesEventFields.Call(item) { return try self.open(call, emit) }
        if ResponsesEventFields.isForeign(item), self.told.insert(self.item).inserted {
            try emit(.unsaid(.content))
        }
    }

    private func open(_ call: ResponsesEventFields.Call, _ emit: (AnswerEvent) throws -> Void) throws {
        self.callsTools = true
        self.told.insert(self.item)
        self.open = .call
        let opening = AnswerEvent.Opening.toolCall(
            id: call.id,
            name: call.name,
            signature: nil,
            isCustom: call.isCustom
        )
        try emit(.open(part: self.part, opening))
        if let arguments = call.arguments {
            try self.say(.arguments(part: self.part, arguments), arguments, emit)
        }
    }

    private func takePart(
        _ fields: ResponsesEventFields,
        isDone: Bool,
        _ emit: (AnswerEvent) throws -> Void
    ) throws {
        guard let part = fields.part else { return }
        var type: JSONString?
        var text: JSONString?
        part.visitMembers { key, value in
            if key.equals("type") { type = value.string }
            if key.equals("text") || key.equals("refusal") { text = value.string }
        }
        guard let type else { return }
        let isRefusal = type.equals("refusal")
        guard isRefusal || type.equals("output_text") else { return }
        if isDone, self.open == .nothing, self.told.contains(fields.outputIndex ?? self.item) { return }
        try self.open(isRefusal ? .refusal : .text, isRefusal ? .refusal : .text, fields, emit)
        if let text, !text.isEmpty, !self.hasSaid {
            try self.say(isRefusal ? .refusal(part: self.part, text) : .text(part: self.part, text), text, emit)
        }
        if isDone { try self.closePart(emit) }
    }

    private func finishItem(_ fields: ResponsesEventFields, _ emit: (AnswerEvent) throws -> Void) throws {
        let index = fields.outputIndex ?? self.item
        guard let item = fields.item else { return }
        try self.begin(nil, emit)
        let parts = try Self.parts(of: item)
        if self.open == .thinking, case .thinking(let thinking)? = parts.first?.content {
            // The proof comes with the whole item.
            if let signature = thinking.signature ?? thinking.redacted {
                try emit(.signature(part: self.part, signature))
            }
        } else if self.open == .call, !self.hasSaid, case .toolCall(let call)? = parts.first?.content {
            try self.say(.arguments(part: self.part, call.said), call.said, emit)
        } else if !self.told.contains(index) {
            self.told.insert(index)
            try self.tell(parts, emit)
        }
        try self.closePart(emit)
    }

    private static func parts(of item: JSONFragment) throws(AnswerUnreadable) -> [ContentPart] {
        try BodyReader.read(item.bytes) { (reader) throws(AnswerUnreadable) -> [ContentPart] in
            var output = ResponsesOutputReader(reader: reader)
            return try output.parts(reader.root)
        }
    }

    /// Hands out an item that came whole.
    private func tell(_ parts: [ContentPart], _ emit: (AnswerEvent) throws -> Void) throws {
        for part in parts {
            try self.closePart(emit)
            switch part.content {
            case .text(let text):
                try emit(.open(part: self.part, .text))
                self.open = .text
                if !text.isEmpty { try emit(.text(part: self.part, text)) }
                for citation in part.citations { try emit(.citation(part: self.part, citation)) }
            case .refusal(let text):
                try emit(.open(part: self.part, .refusal))
                self.open = .refusal
                if !text.isEmpty { try emit(.refusal(part: self.part, text)) }
            case .thinking(let thinking):
                if let redacted = thinking.redacted {
                    try emit(.open(part: self.part, .redactedThinking(redacted)))
                } else {
                    guard !thinking.text.isEmpty else { continue }
                    try emit(.open(part: self.part, .thinking))
                    try emit(.thinking(part: self.part, thinking.text))
                    if let signature = thinking.signature { try emit(.signature(part: self.part, signature)) }
                }
                self.open = .thinking
            case .toolCall(let call):
                self.callsTools = true
                let opening = AnswerEvent.Opening.toolCall(
                    id: call.id,
                    name: call.name,
                    signature: nil,
                    isCustom: call.isCustom
                )
                try emit(.open(part: self.part, opening))
                self.open = .call
                if !call.said.isEmpty { try emit(.arguments(part: self.part, call.said)) }
            case .image(let image): try emit(.image(image))
            default: try emit(.unsaid(.content))
            }
        }
        try self.closePart(emit)
    }

    private func end(_ fields: ResponsesEventFields, _ emit: (AnswerEvent) throws -> Void) throws {
        guard let fragment = fields.response else { throw AnswerUnreadable.garbled }
        let response = try BodyReader.read(fragment.bytes) { (reader) throws(AnswerUnreadable) -> ResponsesResponse in
            var response = ResponsesResponse()
            try response.read(reader, reader.root)
            return response
        }
        if let error = response.error { return try self.fail(error, emit) }
        guard let outcome = response.outcome else { throw AnswerUnreadable.garbled }
        try self.begin(fragment, emit)
        try self.closePart(emit)
        for (index, parts) in response.items.enumerated() where !self.told.contains(index) {
            // Some send nothing but the end.
            if self.told.isEmpty || !parts.isEmpty { try self.tell(parts, emit) }
        }
        var reason = response.finish(outcome)
        if reason == .stop, self.callsTools { reason = .toolCalls }
        try emit(.finish(reason, stopSequence: nil))
        if !response.usage.isEmpty { try emit(.usage(response.usage)) }
        self.hasEnded = true
        try emit(.end)
    }

    private func fail(_ error: JSONFragment, _ emit: (AnswerEvent) throws -> Void) throws {
        self.hasEnded = true
        try emit(.failure(body: ResponsesError.body(of: error), type: nil))
    }

    private func error(of fields: ResponsesEventFields) -> JSONFragment {
        if let error = fields.error { return error }
        var found: JSONFragment?
        fields.response?.visitMembers { key, value in if key.equals("error"), !value.isNull { found = value } }
        if let found { return found }
        var body = ByteBuffer()
        body.beginObject()
        if let code = fields.code { body.writeMember("code", code) }
        body.writeMember("message", fields.message ?? JSONString("The provider failed."))
        body.endObject()
        return JSONFragment(checked: body)
    }
}
