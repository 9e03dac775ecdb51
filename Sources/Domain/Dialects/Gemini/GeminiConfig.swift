internal import Chat
internal import Core
internal import NIOCore

/// Writes `generationConfig`.
struct GeminiConfig {
    let request: ChatRequest
    let model: GeminiModel
    let native: GeminiNative
    var body = ByteBuffer()
    var losses = Losses()

    /// The most texts that end an answer.
    private static let stopsMax = 5

    init(request: ChatRequest, model: GeminiModel, native: GeminiNative) {
        self.request = request
        self.model = model
        self.native = native
    }

    mutating func write(_ target: TargetTraits) {
        self.body.writeKey("generationConfig")
        self.body.beginObject()
        let limit = [self.request.maxOutputTokens?.value, target.outputLimit].compactMap(\.self).min()
        if let limit { self.body.writeMember("maxOutputTokens", limit) }
        self.writeTemperature()
        self.write("topP", self.request.topP)
        self.write("topK", self.request.topK)
        self.write("frequencyPenalty", self.request.frequencyPenalty)
        self.write("presencePenalty", self.request.presencePenalty)
        self.writeSeed()
        self.writeStops()
        self.writeChoices()
        self.writeLogprobs()
        self.writeForm()
        self.writeThinking()
        for member in self.native.config { self.body.writeMember(member.name, member.value) }
        self.body.endObject()
    }

    private mutating func write(_ name: StaticString, _ number: Given<JSONFragment>?) {
        guard let number else { return }
        self.body.writeMember(name, number.value)
    }

    private mutating func writeTemperature() {
        guard let temperature = self.request.temperature else { return }
        guard let number = temperature.value.double, number > 2 else {
            return self.body.writeMember("temperature", temperature.value)
        }
        self.body.writeMember("temperature", 2)
        self.losses.drop(temperature)
    }

    /// Gemini's seeds have 32 bits; a longer one is cut, which still gives the same answer for the same seed.
    private mutating func writeSeed() {
        guard let seed = self.request.seed else { return }
        guard let number = seed.value.int else { return self.losses.drop(seed) }
        let cut = Int(Int32(truncatingIfNeeded: number))
        if cut != number { self.losses.drop(seed) }
        self.body.writeMember("seed", cut)
    }

    private mutating func writeStops() {
        let stops = self.request.stop.filter { !$0.value.isEmpty }
        for stop in self.request.stop where stop.value.isEmpty { self.losses.drop(stop) }
        guard !stops.isEmpty else { return }
        self.body.writeKey("stopSequences")
        self.body.beginArray()
        for stop in stops.prefix(Self.stopsMax) {
            self.body.separate()
            stop.value.write(into: &self.body)
        }
        self.body.endArray()
        for stop in stops.dropFirst(Self.stopsMax) { self.losses.drop(stop) }
    }

    private mutating func writeChoices() {
        guard let choices = self.request.choices, choices.value != 1 else { return }
        // The events of a stream tell of one answer.
        if self.request.isStream { return self.losses.drop(choices) }
        self.body.writeMember("candidateCount", choices.value)
    }

    private mutating func writeLogprobs() {
        guard let logprobs = self.request.logprobs, logprobs.value else { return }
        if self.request.isStream {
            self.losses.drop(logprobs)
            self.losses.drop(self.request.topLogprobs)
            return
        }
        self.body.writeMember("responseLogprobs", true)
        if let top = self.request.topLogprobs { self.body.writeMember("logprobs", top.value) }
    }

    private mutating func writeForm() {
        guard let format = self.request.responseFormat, format.value != .text else { return }
        // Then it was said as an instruction.
        if self.request.mustSayForm(to: self.model) { return self.losses.emulate(at: format.place) }
        self.body.writeMember("responseMimeType", word: "application/json")
        if case .jsonSchema(let form) = format.value, let schema = form.schema, !schema.saysNothing {
            self.body.writeMember("responseJsonSchema", schema)
        }
    }

    // MARK: Thinking

    private mutating func writeThinking() {
        let wish = self.request.reasoning
        guard !wish.isEmpty else { return }
        if self.native.saysThinking { return self.dropThinking() }
        switch self.model.thinking {
        case .nothing:
            if wish.isWanted { self.dropThinking() }
        case .budget(let range, let canStop):
            let budget = self.budget(in: range, canStop: canStop)
            self.writeThinking { body in
                if let budget { body.writeMember("thinkingBudget", budget) }
            }
        case .level(let levels):
            let level = self.level(of: levels)
            self.writeThinking { body in
                if let level { body.writeMember("thinkingLevel", word: level.label) }
            }
        }
    }

    private mutating func writeThinking(_ amount: (inout ByteBuffer) -> Void) {
        self.body.writeKey("thinkingConfig")
        self.body.beginObject()
        amount(&self.body)
        if self.showsThoughts { self.body.writeMember("includeThoughts", true) }
        self.body.endObject()
    }

    /// Whether the client can make something of the thoughts.
    ///
    /// Anthropic's always shows them; OpenAI's chat has come to have a member for them, Responses shows a summary to
    /// those that ask for one.
    private var showsThoughts: Bool {
        let wish = self.request.reasoning
        if let summary = wish.summary {
            return !summary.value.equals("none") && !summary.value.equals("omitted")
        }
        return wish.isWanted && self.request.format != .openAIResponses
    }

    private mutating func dropThinking() {
        let wish = self.request.reasoning
        self.losses.drop(wish.effort)
        self.losses.drop(wish.budget)
        self.losses.drop(wish.isOn)
        self.losses.drop(wish.isAdaptive)
        self.losses.drop(wish.summary)
    }

    /// How many tokens to think: -1 for as many as it takes, 0 for none; nil where only thoughts were asked for.
    private mutating func budget(in range: ClosedRange<Int>, canStop: Bool) -> Int? {
        let wish = self.request.reasoning
        let isOff = wish.isOn?.value == false || (wish.effort?.value == ReasoningWish.Effort.none && wish.budget == nil)
        if isOff || wish.budget?.value == 0 {
            if canStop { return 0 }
            self.losses.drop(wish.isOn)
            self.losses.drop(wish.effort)
            self.losses.drop(wish.budget)
            return range.lowerBound
        }
        if let budget = wish.budget {
            let clamped = min(max(budget.value, range.lowerBound), range.upperBound)
            if clamped != budget.value { self.losses.drop(budget) }
            return clamped
        }
        if let effort = wish.effort { return min(max(effort.value.budget, range.lowerBound), range.upperBound) }
        return wish.isAdaptive?.value == true || wish.isOn?.value == true ? -1 : nil
    }

    /// One of the levels that the model knows; nil where only thoughts were asked for, or it is to decide by itself.
    private mutating func level(of levels: [ReasoningLevel]) -> ReasoningLevel? {
        let wish = self.request.reasoning
        guard let lowest = levels.first, let highest = levels.last else { return nil }
        if wish.isOn?.value == false {
            self.losses.drop(wish.isOn)
            return lowest
        }
        var given = wish.effort?.value
        if given == nil, let budget = wish.budget {
            let effort = ReasoningWish.Effort(budget: budget.value)
            if effort.budget != budget.value { self.losses.drop(budget) }
            given = effort
        }
        guard let given else { return nil }
        let wanted: ReasoningLevel =
            switch given {
            case .none, .minimal: .minimal
            case .low: .low
            case .medium: .medium
            case .high, .xhigh, .max: .high
            }
        let level = levels.first { $0 >= wanted } ?? highest
        if level != wanted || given == .none || given > .high {
            self.losses.drop(wish.effort)
            if wish.effort == nil { self.losses.drop(wish.budget) }
        }
        return max(level, lowest)
    }
}

extension ChatRequest {
    /// Whether the model takes no form for its answer beside the tools of this request.
    func mustSayForm(to model: GeminiModel) -> Bool {
        guard let responseFormat, responseFormat.value != .text, !model.takesFormWithTools else { return false }
        return self.tools.contains { $0.kind == .function }
    }
}
