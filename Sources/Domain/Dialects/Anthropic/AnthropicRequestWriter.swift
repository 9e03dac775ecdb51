internal import Chat
internal import Core
internal import NIOCore

/// Writes requests for Anthropic's `/v1/messages`.
///
/// For version 2023-06-01 of the API, in which `temperature` can be said. A request that was said in this dialect is
/// written as it was; one from another is made to follow Anthropic's rules.
struct AnthropicRequestWriter {
    let request: ChatRequest
    let target: TargetTraits
    let model: AnthropicModel
    /// Whether the client spoke this dialect too.
    let isOwn: Bool
    /// Whether tokens are to be counted, and nothing is to be answered.
    let isCount: Bool
    var plan: AnthropicThinkingPlan
    var form: AnthropicOutputForm
    var body = ByteBuffer()
    var losses: Losses

    /// Appends the request as a JSON object.
    ///
    /// - Parameter isCount: For `count_tokens`, which takes no limit and nothing on how to answer.
    static func write(
        _ request: ChatRequest,
        for target: TargetTraits,
        isCount: Bool = false,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) throws(RequestUnwritable) {
        var writer = AnthropicRequestWriter(request, target, isCount: isCount, losses)
        // Swapped, not copied: the buffer has room for the whole request already.
        swap(&writer.body, &body)
        writer.writeAll()
        swap(&writer.body, &body)
        losses = writer.losses
    }

    private init(_ request: ChatRequest, _ target: TargetTraits, isCount: Bool, _ losses: Losses) {
        self.request = request
        self.target = target
        self.model = AnthropicModel(target.modelID)
        self.isOwn = request.format == .anthropic
        self.isCount = isCount
        self.losses = losses
        if self.isOwn {
            self.plan = AnthropicThinkingPlan(request, target, losses: &self.losses)
            self.form = AnthropicOutputForm(own: request)
        } else {
            self.plan = AnthropicThinkingPlan(request, target, self.model, losses: &self.losses)
            self.form = AnthropicOutputForm(request, self.model, &self.plan, &self.losses)
        }
    }

    private mutating func writeAll() {
        self.body.beginObject()
        self.body.writeMember("model", self.target.model)
        if !self.isCount { self.body.writeMember("max_tokens", self.plan.maxTokens) }
        let hoisted = self.isOwn ? self.writeOwnMessages() : self.writeMessages()
        self.writeSystem(hoisted)
        self.writeTools()
        self.writeThinking()
        self.writeOutputConfig()
        if self.isCount {
            self.writeRest()
        } else {
            self.writeSampling()
            self.writeUnknownSettings()
            self.writeService()
            if self.request.isStream { self.body.writeMember("stream", true) }
            self.writeRest()
        }
        self.body.endObject()
    }

    // MARK: - Thinking and the form of the answer

    private mutating func writeThinking() {
        // What the client wrote in this dialect's own words goes before what was understood of it.
        guard self.request.rest["thinking"] == nil else { return }
        let mode = self.plan.mode
        guard mode != .unsaid else { return }
        self.body.writeKey("thinking")
        self.body.beginObject()
        switch mode {
        case .unsaid: break
        case .disabled: self.body.writeMember("type", word: "disabled")
        case .adaptive: self.body.writeMember("type", word: "adaptive")
        case .enabled(let budget):
            self.body.writeMember("type", word: "enabled")
            self.body.writeMember("budget_tokens", budget)
        }
        if let display = self.request.reasoning.summary {
            if self.isOwn {
                self.body.writeMember("display", display.value)
            } else if self.plan.isThinking, self.model.takesAdaptive {
                self.body.writeMember("display", word: "summarized")
            }
        }
        self.body.endObject()
    }

    private mutating func writeOutputConfig() {
        let own = self.request.rest["output_config"]
        let schema = self.form.nativeSchema
        guard self.plan.effort != nil || schema != nil || (own != nil && self.isOwn) else { return }
        self.body.writeKey("output_config")
        self.body.beginObject()
        if let effort = self.plan.effort { self.body.writeMember("effort", word: effort.label) }
        if let schema {
            self.body.writeKey("format")
            self.body.beginObject()
            self.body.writeMember("type", word: "json_schema")
            self.body.writeMember("schema", schema)
            self.body.endObject()
        }
        if self.isOwn, let own { self.writeMembers(of: own) }
        self.body.endObject()
    }

    /// The members of an object into the one that is open.
    private mutating func writeMembers(of object: JSONFragment) {
        let bytes = object.bytes
        guard let inner = bytes.getSlice(at: bytes.readerIndex + 1, length: bytes.readableBytes - 2),
            inner.readableBytes > 0
        else { return }
        self.body.separate()
        self.body.writeImmutableBuffer(inner)
    }

    // MARK: - Sampling and service

    private mutating func writeSampling() {
        if self.isOwn {
            self.write("temperature", self.request.temperature)
            self.write("top_p", self.request.topP)
            self.write("top_k", self.request.topK)
        } else {
            self.writeTemperature()
            self.writeTopP()
            if self.model.takesSampling, !self.plan.isThinking {
                self.write("top_k", self.request.topK)
            } else {
                self.losses.drop(self.request.topK)
            }
        }
        let stop = self.request.stop.filter { text in
            // The API refuses texts of white space.
            guard self.isOwn || !text.value.isBlank else {
                self.losses.drop(text)
                return false
            }
            return true
        }
        guard !stop.isEmpty else { return }
        self.body.writeKey("stop_sequences")
        self.body.beginArray()
        for text in stop {
            self.body.separate()
            text.value.write(into: &self.body)
        }
        self.body.endArray()
    }

    private mutating func write(_ name: StaticString, _ number: Given<JSONFragment>?) {
        if let number { self.body.writeMember(name, number.value) }
    }

    private mutating func writeTemperature() {
        guard let given = self.request.temperature else { return }
        let value = given.value.double ?? 2
        guard self.model.takesSampling, !self.plan.isThinking else {
            // One is what it is anyway.
            if value != 1 { self.losses.drop(given) }
            return
        }
        if value > 1 {
            self.losses.drop(given)
            self.body.writeMember("temperature", 1)
        } else {
            self.body.writeMember("temperature", given.value)
        }
    }

    private mutating func writeTopP() {
        guard let given = self.request.topP else { return }
        let value = given.value.double ?? 1
        if value == 1 { return }
        let isBound = self.plan.isThinking && value < 0.95
        let isSecond = !self.model.takesBothSamplings && self.request.temperature != nil && !self.plan.isThinking
        guard self.model.takesSampling, !isBound, !isSecond else { return self.losses.drop(given) }
        self.body.writeMember("top_p", given.value)
    }

    /// Notes what Anthropic has no setting for, unless it says what is so anyway.
    private mutating func writeUnknownSettings() {
        guard !self.isOwn else { return }
        for penalty in [self.request.frequencyPenalty, self.request.presencePenalty] where penalty?.value.double != 0 {
            self.losses.drop(penalty)
        }
        self.losses.drop(self.request.seed)
        if let choices = self.request.choices, choices.value != 1 { self.losses.drop(choices) }
        if let logprobs = self.request.logprobs, logprobs.value { self.losses.drop(logprobs) }
        self.losses.drop(self.request.topLogprobs)
        self.losses.drop(self.request.logitBias)
    }

    private mutating func writeService() {
        let metadata = self.isOwn ? self.request.rest["metadata"] : nil
        if self.request.user != nil || metadata != nil {
            self.body.writeKey("metadata")
            self.body.beginObject()
            if let user = self.request.user { self.body.writeMember("user_id", user.value) }
            if let metadata { self.writeMembers(of: metadata) }
            self.body.endObject()
        }
        guard let tier = self.request.serviceTier else { return }
        if self.isOwn || tier.value.equals("auto") || tier.value.equals("standard_only") {
            self.body.writeMember("service_tier", tier.value)
        } else if tier.value.equals("default") {
            self.body.writeMember("service_tier", word: "standard_only")
        } else {
            self.losses.drop(tier)
        }
    }

    // MARK: - The rest

    /// Members of Anthropic's that other dialects' clients add to their requests by hand.
    private static let ownNames: [StaticString] = [
        "cache_control", "container", "context_management", "fallbacks", "inference_geo", "mcp_servers", "speed",
        "thinking", "output_config", "user_profile_id", "workspace_id",
    ]

    private mutating func writeRest() {
        for member in self.request.rest {
            let isWritten = member.name.equals("output_config") || member.name.equals("metadata")
            if self.isOwn {
                if !isWritten { self.writeMember(member) }
            } else if member.name.equals("output_config") {
                // Two of them cannot be made one without knowing all of both.
                let isSaid = self.plan.effort != nil || self.form.nativeSchema != nil
                if isSaid { self.losses.drop(at: member.place) } else { self.writeMember(member) }
            } else if Self.ownNames.contains(where: { member.name.equals($0) }) {
                self.writeMember(member)
            } else if self.target.takesUnknownMembers, !isWritten {
                self.writeMember(member)
            } else {
                self.losses.drop(at: member.place)
            }
        }
    }

    private mutating func writeMember(_ member: RestMember) {
        self.body.separate()
        member.write(into: &self.body, isFirst: true)
    }
}
