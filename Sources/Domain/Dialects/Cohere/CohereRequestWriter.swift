package import Chat
internal import Core
package import NIOCore

/// Says a request in the words of Cohere's `/v2/chat`.
///
/// Members that only Cohere has (`documents`, `citation_options`, `safety_mode`, `priority`) are taken from the
/// client's top level by their own names. One tool that must be called becomes the only one, since Cohere can only be
/// told that some tool must be.
/// Source: docs.cohere.com/v2/reference/chat and the types of Cohere's own client.
package enum CohereRequestWriter {
    /// Appends the request to `body`.
    ///
    /// - Throws: If there is no message at all.
    package static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        guard !request.messages.isEmpty else {
            throw RequestUnwritable(at: -1, "There are no messages; give at least one.")
        }
        body.beginObject()
        body.writeMember("model", target.model)
        var messages = CohereMessages()
        swap(&messages.body, &body)
        swap(&messages.losses, &losses)
        // Cohere takes either tools or a form for the answer.
        let mustSayForm = request.tools.contains { $0.kind == .function }
        messages.write(request.messages, form: mustSayForm ? request.responseFormat?.value.instruction : nil)
        swap(&messages.body, &body)
        swap(&messages.losses, &losses)
        if request.isStream { body.writeMember("stream", true) }
        body.writeTools(of: request, losses: &losses)
        var settings = CohereSettings(request: request)
        swap(&settings.body, &body)
        swap(&settings.losses, &losses)
        settings.write(target)
        swap(&settings.body, &body)
        swap(&settings.losses, &losses)
        body.endObject()
    }
}

extension ByteBuffer {
    /// `tools`, `tool_choice` and `strict_tools`.
    fileprivate mutating func writeTools(of request: ChatRequest, losses: inout Losses) {
        for tool in request.tools where tool.kind != .function { losses.drop(at: tool.place) }
        var tools = request.tools.filter { $0.kind == .function }
        var choice: StaticString?
        switch request.toolChoice?.value {
        case .required: choice = "REQUIRED"
        case .some(.none): choice = "NONE"
        case .named(let name):
            let wanted = tools.filter { $0.name == name }
            if wanted.isEmpty { losses.drop(request.toolChoice) } else { (tools, choice) = (wanted, "REQUIRED") }
        case .other: losses.drop(request.toolChoice)
        case .auto, nil: break
        }
        guard !tools.isEmpty else {
            losses.drop(request.toolChoice)
            return
        }
        self.writeKey("tools")
        self.beginArray()
        for tool in tools { self.write(tool, losses: &losses) }
        self.endArray()
        if let choice { self.writeMember("tool_choice", word: choice) }
        // It holds for all tools, and only for those that must be given something.
        let strict = tools.filter { $0.isStrict?.value == true }
        let canBeStrict = tools.allSatisfy { tool in
            tool.isStrict?.value == true && tool.parameters?.value.value(of: "required")?.saysNothing == false
        }
        if canBeStrict {
            self.writeMember("strict_tools", true)
        } else {
            for tool in strict { losses.drop(tool.isStrict) }
        }
    }

    private mutating func write(_ tool: ToolDefinition, losses: inout Losses) {
        self.separate()
        self.beginObject()
        self.writeMember("type", word: "function")
        self.writeKey("function")
        self.beginObject()
        self.writeMember("name", tool.name)
        if let description = tool.description { self.writeMember("description", description.value) }
        if let parameters = tool.parameters, !parameters.value.saysNothing {
            self.writeMember("parameters", parameters.value)
        } else {
            self.writeKey("parameters")
            self.writeStaticString("{\"type\":\"object\",\"properties\":{}}")
        }
        self.endObject()
        self.endObject()
        losses.drop(tool.cacheMark)
        losses.dropWishes(in: tool.rest)
    }
}

/// Writes everything beside the conversation and the tools.
private struct CohereSettings {
    let request: ChatRequest
    var body = ByteBuffer()
    var losses = Losses()

    private static let stopsMax = 5
    private static let own: [StaticString] = [
        "documents", "citation_options", "safety_mode", "priority", "strict_tools",
    ]

    init(request: ChatRequest) { self.request = request }

    mutating func write(_ target: TargetTraits) {
        let limit = [self.request.maxOutputTokens?.value, target.outputLimit].compactMap(\.self).min()
        if let limit { self.body.writeMember("max_tokens", limit) }
        if let temperature = self.request.temperature { self.body.writeMember("temperature", temperature.value) }
        self.write("p", self.request.topP, from: "0.01", 0.01, to: "0.99", 0.99)
        self.write("k", self.request.topK, from: "0", 0, to: "500", 500)
        self.write("frequency_penalty", self.request.frequencyPenalty, from: "0", 0, to: "1", 1)
        self.write("presence_penalty", self.request.presencePenalty, from: "0", 0, to: "1", 1)
        if let seed = self.request.seed {
            if let number = seed.value.int, number >= 0 {
                self.body.writeMember("seed", number)
            } else {
                self.losses.drop(seed)
            }
        }
        self.writeStops()
        self.writeForm()
        self.writeThinking()
        self.writeLogprobs()
        self.writeOwn()
        self.noteUnsaid()
    }

    /// A number within Cohere's limits; one beyond is told as the nearest within.
    private mutating func write(
        _ name: StaticString,
        _ number: Given<JSONFragment>?,
        from least: StaticString,
        _ leastValue: Double,
        to most: StaticString,
        _ mostValue: Double
    ) {
        guard let number, let value = number.value.double else { return }
        if value >= leastValue, value <= mostValue { return self.body.writeMember(name, number.value) }
        self.losses.drop(number)
        self.body.writeMember(name, JSONFragment(literal: value < leastValue ? least : most))
    }

    private mutating func writeStops() {
        let stops = self.request.stop.filter { !$0.value.isEmpty }
        for stop in self.request.stop where stop.value.isEmpty { self.losses.drop(stop) }
        guard !stops.isEmpty else { return }
        self.body.writeKey("stop_sequences")
        self.body.beginArray()
        for stop in stops.prefix(Self.stopsMax) {
            self.body.separate()
            stop.value.write(into: &self.body)
        }
        self.body.endArray()
        for stop in stops.dropFirst(Self.stopsMax) { self.losses.drop(stop) }
    }

    private mutating func writeForm() {
        guard let format = self.request.responseFormat, format.value != .text else { return }
        // Then it was said as an instruction.
        if self.request.tools.contains(where: { $0.kind == .function }) {
            return self.losses.emulate(at: format.place)
        }
        self.body.writeKey("response_format")
        self.body.beginObject()
        self.body.writeMember("type", word: "json_object")
        if case .jsonSchema(let form) = format.value, let schema = form.schema, !schema.saysNothing {
            self.body.writeMember("json_schema", schema)
        }
        self.body.endObject()
    }

    private mutating func writeThinking() {
        let wish = self.request.reasoning
        guard wish.effort != nil || wish.budget != nil || wish.isOn != nil || wish.isAdaptive != nil else {
            return self.losses.drop(wish.summary)
        }
        self.body.writeKey("thinking")
        self.body.beginObject()
        self.body.writeMember("type", word: wish.isWanted ? "enabled" : "disabled")
        if wish.isWanted {
            if let budget = wish.budget?.value ?? wish.effort?.value.budget, budget > 0 {
                self.body.writeMember("token_budget", budget)
            }
        }
        self.body.endObject()
    }

    private mutating func writeLogprobs() {
        guard let logprobs = self.request.logprobs, logprobs.value else { return }
        self.losses.drop(self.request.topLogprobs)
        // The events of a stream have no place for them.
        if self.request.isStream { return self.losses.drop(logprobs) }
        self.body.writeMember("logprobs", true)
    }

    private mutating func writeOwn() {
        for member in self.request.rest {
            if Self.own.contains(where: { member.name.equals($0) }), !member.value.isNull {
                self.body.write([member])
            } else {
                self.losses.dropWishes(in: [member])
            }
        }
    }

    private mutating func noteUnsaid() {
        self.losses.drop(self.request.logitBias)
        self.losses.drop(self.request.user)
        if self.request.parallelToolCalls?.value == false { self.losses.drop(self.request.parallelToolCalls) }
        if let choices = self.request.choices, choices.value != 1 { self.losses.drop(choices) }
        if let tier = self.request.serviceTier, !tier.value.equals("auto"), !tier.value.equals("default") {
            self.losses.drop(tier)
        }
    }
}
