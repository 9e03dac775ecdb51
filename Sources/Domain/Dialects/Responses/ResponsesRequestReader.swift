package import Chat
internal import Core
package import NIOCore

/// Reads the body of OpenAI's `POST /v1/responses`.
///
/// Each item of `input` becomes one message, also those of one turn: `wholeTurns` puts these together for dialects in
/// which a turn is one message. Null members count as absent. Ids and states of items are kept in `own`.
/// Source: the types of the `openai` SDK, `types/responses/response_create_params.py`.
package enum ResponsesRequestReader {
    /// Reads a request.
    ///
    /// - Throws: With the place of the first value that cannot be what the dialect has there.
    package static func read(_ body: ByteBuffer) throws(RequestUnreadable) -> ChatRequest {
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) -> ChatRequest in
            var reading = ResponsesReading(reader)
            try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                // Frameworks send null for what their user did not set.
                guard !reader.isNull(value) else { return }
                try reading.take(key, value)
            }
            return try reading.finished()
        }
    }
}

/// One request while its members are read.
struct ResponsesReading {
    private static let names = JSONNames(
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
        "include",
        "text",
        "reasoning",
        "user",
        "safety_identifier",
        "service_tier",
        "stream",
        "store",
        "stream_options",
        "truncation",
        "background"
    )

    let reader: BodyReader
    var request = ChatRequest(format: .openAIResponses)
    private var instructions: ChatMessage?
    private var hasInput = false
    private var safetyIdentifier: RestMember?

    init(_ reader: BodyReader) { self.reader = reader }

    mutating func take(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        switch Self.names.position(of: key) {
        case 0: break  // The road has read it.
        case 1: try self.takeInput(value)
        case 2: try self.takeInstructions(value)
        case 3: self.request.tools = try ResponsesToolReader(reader: self.reader).tools(value)
        case 4: self.request.toolChoice = try ResponsesToolReader(reader: self.reader).choice(value)
        case 5: self.request.parallelToolCalls = try self.reader.bool(value)
        case 6: self.request.maxOutputTokens = try self.reader.positive(value)
        case 7: self.request.temperature = try self.reader.number(value)
        case 8: self.request.topP = try self.reader.number(value)
        case 9: self.request.topLogprobs = try self.reader.positive(value)
        case 10: try self.takeInclude(key, value)
        case 11: try self.takeText(key, value)
        case 12: try self.takeReasoning(key, value)
        case 13: self.request.user = try self.reader.text(value)
        case 14:
            _ = try self.reader.text(value)
            self.safetyIdentifier = self.reader.rest(key, value)
        case 15: self.request.serviceTier = try self.reader.text(value)
        case 16:
            self.request.isStream = try self.reader.bool(value).value
            self.request.wantsUsage = self.request.isStream
        case 17, 18: self.request.own.append(self.reader.rest(key, value))
        case 19: self.keep(key, value, asIs: self.reader.equals(value, "disabled"))
        case 20: self.keep(key, value, asIs: self.reader.scanner.bool(value) == false)
        default: self.request.rest.append(self.reader.rest(key, value))
        }
    }

    mutating func finished() throws(RequestUnreadable) -> ChatRequest {
        if let instructions { self.request.messages.insert(instructions, at: 0) }
        if let identifier = self.safetyIdentifier {
            if self.request.user == nil, let name = identifier.value.string {
                self.request.user = Given(name, at: identifier.place)
                self.request.own.append(identifier)
            } else {
                self.request.rest.append(identifier)
            }
        }
        let rest = self.request.rest
        let hasOther = rest["previous_response_id"] != nil || rest["prompt"] != nil || rest["conversation"] != nil
        guard self.hasInput || hasOther else {
            throw RequestUnreadable(
                at: 0,
                "The request has no `input`.",
                expected: "`input`, a string or a list of items"
            )
        }
        return self.request
    }

    /// A member whose usual value asks for nothing.
    private mutating func keep(_ key: JSONKey, _ value: JSONSlice, asIs: Bool) {
        let member = self.reader.rest(key, value)
        if asIs { self.request.own.append(member) } else { self.request.rest.append(member) }
    }

    private mutating func takeInput(_ value: JSONSlice) throws(RequestUnreadable) {
        self.hasInput = true
        if let text = self.reader.string(value) {
            let part = ContentPart(.text(text), place: value.start)
            self.request.messages.append(ChatMessage(.user, [part], place: value.start))
            return
        }
        guard self.reader.kind(value) == .array else {
            throw RequestUnreadable(
                at: value.start,
                "`input` is of the wrong type.",
                expected: "a string or a list of items"
            )
        }
        var items = ResponsesItemReader(reader: self.reader)
        var messages: [ChatMessage] = []
        try self.reader.elements(of: value) { (item) throws(RequestUnreadable) in
            if let message = try items.message(item) { messages.append(message) }
        }
        self.request.messages.append(contentsOf: messages)
    }

    private mutating func takeInstructions(_ value: JSONSlice) throws(RequestUnreadable) {
        let text = try self.reader.text(value)
        self.instructions = ChatMessage(.system, [ContentPart(.text(text.value), place: text.place)], place: text.place)
    }

    private mutating func takeInclude(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        guard self.reader.kind(value) == .array else {
            throw RequestUnreadable(at: value.start, "`include` is of the wrong type.", expected: "a list of strings")
        }
        var unmet: Int?
        var logprobs: Given<Bool>?
        let reader = self.reader
        try reader.elements(of: value) { (element) throws(RequestUnreadable) in
            if reader.equals(element, "message.output_text.logprobs") {
                logprobs = Given(true, at: element.start)
            } else if !reader.equals(element, "reasoning.encrypted_content") {
                unmet = unmet ?? element.start
            }
        }
        self.request.logprobs = logprobs
        var member = reader.rest(key, value)
        member.place = unmet ?? -1
        if unmet == nil { self.request.own.append(member) } else { self.request.rest.append(member) }
    }

    private mutating func takeText(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var format: Given<ResponseFormat>?
        var verbosity: RestMember?
        var unknown: Int?
        try reader.fields(of: value, "an object with `format`") { (key, value) throws(RequestUnreadable) in
            if key.equals("format") {
                format = try ResponsesToolReader(reader: reader).format(value)
                if format == nil { unknown = value.start }
            } else if key.equals("verbosity") {
                verbosity = reader.rest(key, value)
            } else {
                unknown = unknown ?? value.start
            }
        }
        self.request.responseFormat = format
        if let verbosity { self.request.rest.append(verbosity) }
        if let unknown {
            var member = reader.rest(key, value)
            member.place = unknown
            self.request.rest.append(member)
        }
    }

    private mutating func takeReasoning(_ key: JSONKey, _ value: JSONSlice) throws(RequestUnreadable) {
        let reader = self.reader
        var wish = ReasoningWish()
        var unknown: Int?
        try reader.fields(of: value, "an object with `effort`") { (key, value) throws(RequestUnreadable) in
            if key.equals("effort") {
                let word = try reader.text(value)
                if let effort = ReasoningWish.Effort.allCases.first(where: { word.value.equals($0.label) }) {
                    wish.effort = Given(effort, at: value.start)
                } else {
                    unknown = value.start
                }
            } else if key.equals("summary") || (key.equals("generate_summary") && wish.summary == nil) {
                wish.summary = try reader.text(value)
            } else if !key.equals("generate_summary") {
                unknown = unknown ?? value.start
            }
        }
        self.request.reasoning = wish
        if let unknown {
            var member = reader.rest(key, value)
            member.place = unknown
            self.request.rest.append(member)
        }
    }
}

extension BodyReader {
    /// Calls `visit` for each member of an object that is not null.
    ///
    /// - Parameter expected: What the object is, for the error if the value is none.
    func fields(
        of value: JSONSlice,
        _ expected: String,
        _ visit: (JSONKey, JSONSlice) throws(RequestUnreadable) -> Void
    ) throws(RequestUnreadable) {
        guard self.kind(value) == .object else {
            throw RequestUnreadable(at: value.start, "The value is no object.", expected: expected)
        }
        try self.members(of: value) { (key, value) throws(RequestUnreadable) in
            if !self.isNull(value) { try visit(key, value) }
        }
    }

    /// A string that has to be one.
    func text(_ value: JSONSlice) throws(RequestUnreadable) -> Given<JSONString> {
        guard let text = self.givenString(value) else {
            throw RequestUnreadable(at: value.start, "The value is no string.", expected: "a string")
        }
        return text
    }

    /// A boolean that has to be one.
    func bool(_ value: JSONSlice) throws(RequestUnreadable) -> Given<Bool> {
        guard let bool = self.scanner.bool(value) else {
            throw RequestUnreadable(at: value.start, "The value is no boolean.", expected: "true or false")
        }
        return Given(bool, at: value.start)
    }

    /// A number that has to be one, as it was written.
    func number(_ value: JSONSlice) throws(RequestUnreadable) -> Given<JSONFragment> {
        guard self.kind(value) == .number else {
            throw RequestUnreadable(at: value.start, "The value is no number.", expected: "a number")
        }
        return self.given(value)
    }

    /// A whole number that has to be one, not negative.
    func positive(_ value: JSONSlice) throws(RequestUnreadable) -> Given<Int> {
        guard let number = self.scanner.int(value), number >= 0 else {
            throw RequestUnreadable(
                at: value.start,
                "The value is no whole number.",
                expected: "a whole number from 0 on"
            )
        }
        return Given(number, at: value.start)
    }
}
