internal import Chat
internal import Core
internal import NIOCore

extension ConverseWriter {
    /// `outputConfig`: the answer's form and how hard the model is to try; and `serviceTier`.
    mutating func writeOutput() {
        self.writeServiceTier()
        let effort = self.plan.thinking?.effort
        var schema: JSONSchemaFormat?
        if case .schema(let format) = self.plan.form { schema = format }
        guard effort != nil || schema != nil else { return }
        self.body.writeKey("outputConfig")
        self.body.beginObject()
        if let effort { self.body.writeMember("effort", word: effort.label) }
        if let schema {
            self.body.writeKey("textFormat")
            self.body.beginObject()
            self.body.writeMember("type", word: "json_schema")
            self.body.writeKey("structure")
            self.body.beginObject()
            self.body.writeKey("jsonSchema")
            self.body.beginObject()
            // The schema goes as text.
            self.body.writeMember("schema", JSONString(utf8: schema.schema?.bytes ?? ByteBuffer(string: "{}")))
            if let name = schema.name { self.body.writeMember("name", name) }
            if let description = schema.description { self.body.writeMember("description", description) }
            self.body.endObject()
            self.body.endObject()
            self.body.endObject()
        }
        self.body.endObject()
    }

    private mutating func writeServiceTier() {
        guard let tier = self.request.serviceTier, !tier.value.equals("auto") else { return }
        let word: StaticString
        if tier.value.equals("default") || tier.value.equals("standard") || tier.value.equals("standard_only") {
            word = "default"
        } else if tier.value.equals("priority") {
            word = "priority"
        } else if tier.value.equals("flex") {
            word = "flex"
        } else {
            return self.losses.drop(tier)
        }
        self.body.writeKey("serviceTier")
        self.body.beginObject()
        self.body.writeMember("type", word: word)
        self.body.endObject()
    }

    /// Members that only Bedrock has, as the client gave them; all others are noted.
    mutating func writeNative() {
        var rest = self.request.rest
        let guardrail = rest.take("guardrailConfig") ?? rest.take("amazon-bedrock-guardrailConfig")
        if let guardrail { self.writeObject("guardrailConfig", guardrail) }
        for name: StaticString in ["requestMetadata", "performanceConfig", "promptVariables"] {
            if let member = rest.take(name) { self.writeObject(name, member) }
        }
        self.writeResponsePaths(rest.take("additionalModelResponseFieldPaths"))
        self.writeModelFields(rest.take("additionalModelRequestFields"))
        self.losses.dropWishes(in: rest)
    }

    private mutating func writeObject(_ name: StaticString, _ member: RestMember) {
        guard member.value.kind == .object else { return self.losses.drop(at: member.place) }
        self.body.writeMember(name, member.value)
    }

    /// Claude tells which of the stop texts came, if it is asked to.
    private mutating func writeResponsePaths(_ given: RestMember?) {
        if let given, given.value.kind == .array {
            self.body.writeMember("additionalModelResponseFieldPaths", given.value)
            return
        }
        self.losses.drop(at: given?.place)
        guard self.model.isClaude, self.request.stop.contains(where: { !$0.value.isBlank }) else { return }
        self.body.writeKey("additionalModelResponseFieldPaths")
        self.body.writeStaticString("[\"/stop_sequence\"]")
    }

    /// `additionalModelRequestFields`: what the model has a word for and Converse has none.
    ///
    /// What the client says there itself is left as it is, but for what would make an answer longer than was paid for.
    private mutating func writeModelFields(_ given: RestMember?) {
        var members: [RestMember] = []
        if let given {
            if let found = given.value.members(at: given.place) {
                members = self.target.isPaidAhead ? self.withoutLimits(found) : found
            } else {
                self.losses.drop(at: given.place)
            }
        }
        let start = self.body.writerIndex
        self.body.writeKey("additionalModelRequestFields")
        self.body.beginObject()
        let empty = self.body.writerIndex
        self.body.write(members)
        func isFree(_ name: StaticString) -> Bool { !members.contains { $0.name.equals(name) } }
        if let topK = self.plan.topK { self.writeTopK(topK, isFree) }
        if let thinking = self.plan.thinking, isFree("thinking") { self.write(thinking.mode) }
        if let effort = self.plan.effort {
            if self.model.maker == .openAI, isFree("reasoning_effort") {
                self.body.writeMember("reasoning_effort", word: effort)
            } else if self.model.maker == .nova2, isFree("reasoningConfig") {
                self.body.writeKey("reasoningConfig")
                self.body.beginObject()
                self.body.writeMember("type", word: "enabled")
                self.body.writeMember("maxReasoningEffort", word: effort)
                self.body.endObject()
            }
        }
        if self.body.writerIndex == empty {
            self.body.moveWriterIndex(to: start)
        } else {
            self.body.endObject()
        }
    }

    /// The fields without those that may make the answer longer, or make more than one; Claude's thoughts go as well
    /// where they leave no room for an answer, since it refuses such a request.
    private mutating func withoutLimits(_ fields: [RestMember]) -> [RestMember] {
        fields.filter { field in
            var isKept = !Self.isLimit(field)
            if field.name.equals("thinking"), let limit = self.plan.maxTokens,
                let budget = field.value.value(of: "budget_tokens")?.int, budget >= limit
            {
                isKept = false
            }
            if !isKept { self.losses.drop(at: field.place) }
            return isKept
        }
    }

    private static func isLimit(_ field: RestMember) -> Bool {
        if field.isNamed(in: OtherLimits.ofModel) { return true }
        guard field.isNamed(in: OtherLimits.objects), let inner = field.value.members(at: 0) else { return false }
        return inner.contains { $0.isNamed(in: OtherLimits.ofModel) }
    }

    private mutating func writeTopK(_ topK: JSONFragment, _ isFree: (StaticString) -> Bool) {
        switch self.model.maker {
        case .nova, .nova2:
            guard isFree("inferenceConfig") else { return self.losses.drop(self.request.topK) }
            self.body.writeKey("inferenceConfig")
            self.body.beginObject()
            self.body.writeMember("topK", topK)
            self.body.endObject()
        case .cohere:
            if isFree("k") { self.body.writeMember("k", topK) } else { self.losses.drop(self.request.topK) }
        default:
            if isFree("top_k") { self.body.writeMember("top_k", topK) } else { self.losses.drop(self.request.topK) }
        }
    }

    private mutating func write(_ mode: AnthropicThinkingPlan.Mode) {
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
        self.body.endObject()
    }
}
