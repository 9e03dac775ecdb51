package import Chat
internal import Core
package import NIOCore

/// Writes the body of OpenAI's `POST /v1/responses`.
///
/// The dialect has no stop texts, no seed, no penalties, no bias and no number of answers: those are noted as lost.
/// What a request of another dialect leaves to the provider is said so that it stays as it is there: nothing is stored,
/// and functions are not strict.
package enum ResponsesRequestWriter {
    /// The least that OpenAI takes for `max_output_tokens`.
    static let outputTokensMin = 16
    /// Members that OpenAI's chat has under the same name and meaning.
    private static let shared: [StaticString] = [
        "metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier",
    ]

    /// Appends the request to `body`.
    package static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        body.beginObject()
        body.writeMember("model", target.model)
        var items = ResponsesItemWriter(request)
        swap(&items.body, &body)
        swap(&items.losses, &losses)
        items.write()
        swap(&items.body, &body)
        swap(&items.losses, &losses)
        try self.writeLimit(request, target, &losses, &body)
        self.writeSampling(request, target, &losses, &body)
        self.writeText(request, &losses, &body)
        self.writeReasoning(request, &losses, &body)
        ResponsesToolWriter.write(request, &losses, &body)
        self.writeRest(request, target, &losses, &body)
        if request.isStream { body.writeMember("stream", true) }
        body.endObject()
    }

    private static func writeLimit(
        _ request: ChatRequest,
        _ target: TargetTraits,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        let payable = target.outputLimit ?? .max
        guard payable >= self.outputTokensMin else {
            let place = request.maxOutputTokens?.place ?? -1
            throw RequestUnwritable(at: place, "The answer may have too few tokens: the provider wants 16 at least.")
        }
        let wanted = request.maxOutputTokens?.value ?? .max
        if wanted < self.outputTokensMin { losses.drop(request.maxOutputTokens) }
        let limit = min(payable, max(wanted, self.outputTokensMin))
        if limit < .max { body.writeMember("max_output_tokens", limit) }
    }

    private static func writeSampling(
        _ request: ChatRequest,
        _ target: TargetTraits,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        if let temperature = request.temperature { body.writeMember("temperature", temperature.value) }
        if let topP = request.topP { body.writeMember("top_p", topP.value) }
        for stop in request.stop { losses.drop(stop) }
        losses.drop(request.topK)
        losses.drop(request.frequencyPenalty)
        losses.drop(request.presencePenalty)
        losses.drop(request.seed)
        losses.drop(request.logitBias)
        if let choices = request.choices, choices.value != 1 { losses.drop(choices) }
        if let top = request.topLogprobs { body.writeMember("top_logprobs", top.value) }
    }

    /// `text`: the answer's form and how wordy it is.
    private static func writeText(_ request: ChatRequest, _ losses: inout Losses, _ body: inout ByteBuffer) {
        if request.format == .openAIResponses, let text = request.rest["text"] {
            body.writeMember("text", text)
            return
        }
        let isOpenAI = request.format == .openAIResponses || request.format == .openAIChat
        let verbosity = isOpenAI ? request.rest["verbosity"] : nil
        guard request.responseFormat != nil || verbosity != nil else { return }
        body.writeKey("text")
        body.beginObject()
        if let format = request.responseFormat {
            body.writeKey("format")
            body.beginObject()
            switch format.value {
            case .text: body.writeMember("type", word: "text")
            case .jsonObject: body.writeMember("type", word: "json_object")
            case .jsonSchema(let schema):
                body.writeMember("type", word: "json_schema")
                // The name is demanded.
                if let name = schema.name {
                    body.writeMember("name", name)
                } else {
                    body.writeMember("name", word: "answer")
                }
                if let description = schema.description { body.writeMember("description", description) }
                body.writeMember("schema", schema.schema ?? JSONFragment(literal: "{}"))
                if let isStrict = schema.isStrict { body.writeMember("strict", isStrict) }
            }
            body.endObject()
        }
        if let verbosity { body.writeMember("verbosity", verbosity) }
        body.endObject()
    }

    private static func writeReasoning(_ request: ChatRequest, _ losses: inout Losses, _ body: inout ByteBuffer) {
        let wish = request.reasoning
        if request.format == .openAIResponses, let reasoning = request.rest["reasoning"] {
            body.writeMember("reasoning", reasoning)
            return
        }
        var effort = wish.effort?.value
        if let budget = wish.budget {
            // A level says less than a number.
            losses.drop(budget)
            effort = effort ?? ReasoningWish.Effort(budget: budget.value)
        }
        if let isOn = wish.isOn, !isOn.value {
            // Not all models can be told to think nothing at all; those that do not think are not to be asked.
            if effort != ReasoningWish.Effort.none { losses.drop(isOn) }
            effort = nil
        }
        let summary = wish.summary.flatMap { self.summary($0.value) }
        guard effort != nil || summary != nil else { return }
        body.writeKey("reasoning")
        body.beginObject()
        if let effort { body.writeMember("effort", word: effort.label) }
        if let summary { body.writeMember("summary", word: summary) }
        body.endObject()
    }

    /// OpenAI's word for a wish to see the thoughts; nil where they are not wanted.
    private static func summary(_ wish: JSONString) -> StaticString? {
        if wish.equals("none") || wish.equals("omitted") { return nil }
        if wish.equals("concise") { return "concise" }
        return wish.equals("detailed") ? "detailed" : "auto"
    }

    private static func writeRest(
        _ request: ChatRequest,
        _ target: TargetTraits,
        _ losses: inout Losses,
        _ body: inout ByteBuffer
    ) {
        if let parallel = request.parallelToolCalls { body.writeMember("parallel_tool_calls", parallel.value) }
        if let tier = request.serviceTier {
            // Anthropic's word for what OpenAI calls the default.
            if tier.value.equals("standard_only") {
                body.writeMember("service_tier", word: "default")
            } else {
                body.writeMember("service_tier", tier.value)
            }
        }
        guard request.format != .openAIResponses else {
            self.writeOwn(request, &body)
            return
        }
        if let user = request.user { body.writeMember("user", user.value) }
        var hasStore = false
        for member in request.rest {
            if member.name.equals("verbosity"), request.format == .openAIChat { continue }
            if member.name.equals("store"), request.format == .openAIChat {
                hasStore = true
                body.write([member])
            } else if request.format == .openAIChat, self.shared.contains(where: { member.name.equals($0) }) {
                body.write([member])
            } else if target.takesUnknownMembers, !self.names.contains(where: { member.name.equals($0) }) {
                body.write([member])
            } else {
                losses.drop(at: member.place)
            }
        }
        // Other dialects store nothing unless they are told to; this one does.
        if !hasStore { body.writeMember("store", false) }
        self.writeInclude(request, &body)
    }

    /// What the answer shall hold besides: thoughts to bring back, where the model is to think, and log probabilities.
    private static func writeInclude(_ request: ChatRequest, _ body: inout ByteBuffer) {
        let wantsLogprobs = request.logprobs?.value == true
        // Models that do not think refuse to be asked for their thoughts.
        guard request.reasoning.isWanted || wantsLogprobs else { return }
        body.writeKey("include")
        body.beginArray()
        if request.reasoning.isWanted { body.writeStaticString("\"reasoning.encrypted_content\"") }
        if wantsLogprobs {
            body.separate()
            body.writeStaticString("\"message.output_text.logprobs\"")
        }
        body.endArray()
    }

    /// All that a request of this dialect said besides, as it said it.
    private static func writeOwn(_ request: ChatRequest, _ body: inout ByteBuffer) {
        body.write(request.own)
        if let user = request.user, request.own["safety_identifier"] == nil { body.writeMember("user", user.value) }
        for member in request.rest {
            let isWritten =
                member.name.equals("text") || member.name.equals("reasoning") || member.name.equals("verbosity")
            if !isWritten { body.write([member]) }
        }
    }

    /// Members that this writer writes by itself, so that no unknown one may come under their names.
    private static let names: [StaticString] = [
        "model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "top_logprobs", "text",
        "reasoning", "tools", "tool_choice", "parallel_tool_calls", "service_tier", "user", "store", "include",
        "stream",
    ]
}
