/// A completion in the words of Bedrock's Converse.
struct ConverseAnswer {
    let completion: Completion
    let behaviour: Behaviour
    let responsePaths: [String]
    /// Of the tokens that the cache took, those that it keeps for an hour.
    let longCacheWrite: Int

    var choice: Completion.Choice { self.completion.choices.first ?? .init(parts: [], finish: "stop") }

    /// The signature of a thought, which must come back with it.
    static func signature(_ thought: String) -> String {
        Base64.text(Array("simulated thought \(Wording.fingerprint(thought))".utf8))
    }

    /// Why it ended, in Bedrock's words.
    ///
    /// `hasCall` is false where a call could not be told.
    func stopReason(hasCall: Bool = true) -> String {
        switch self.choice.finish {
        case "stop":
            if self.choice.parts.contains(where: { $0.kind == .refusal }) { return "guardrail_intervened" }
            return self.choice.stopSequence == nil ? "end_turn" : "stop_sequence"
        case "length": return "max_tokens"
        case "tool_calls": return hasCall ? "tool_use" : "malformed_tool_use"
        case "content_filter": return "content_filtered"
        default: return self.choice.finish
        }
    }

    static func toolUseID(_ id: String) -> String {
        "tooluse_\(id.hasPrefix("call_") ? id.dropFirst("call_".count) : id[...])"
    }

    /// The usage object.
    ///
    /// Nil where a fault leaves it out.
    var usage: JSONValue? {
        switch self.completion.usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return .null
        case .numbers(let numbers):
            func number(_ count: Int) -> JSONValue { (try? JSONParser.parse(numbers.text(count))) ?? .integer(count) }
            var members: [JSONValue.Member] = [
                .init("inputTokens", number(numbers.promptOutsideCache)),
                .init("outputTokens", number(numbers.completion)), .init("totalTokens", number(numbers.total)),
            ]
            if numbers.cached > 0 || numbers.cacheWritten > 0 {
                members.append(.init("cacheReadInputTokens", number(numbers.cached)))
                members.append(.init("cacheWriteInputTokens", number(numbers.cacheWritten)))
                if numbers.cacheWritten > 0 { members.append(.init("cacheDetails", self.cacheDetails(numbers))) }
            }
            return .object(members)
        }
    }

    private func cacheDetails(_ numbers: ToldUsage.Numbers) -> JSONValue {
        let long = min(self.longCacheWrite, numbers.cacheWritten)
        let kept = [("1h", long), ("5m", numbers.cacheWritten - long)].filter { $0.1 > 0 }
        return .array(
            kept.map { .object([.init("ttl", .string($0.0)), .init("inputTokens", .integer($0.1))]) }
        )
    }

    static let metrics = JSONValue.object([.init("latencyMs", .integer(7))])

    /// What the client asked to see of the model's own words.
    var additionalFields: JSONValue? {
        guard self.responsePaths.contains("/stop_sequence"), let stop = self.choice.stopSequence else { return nil }
        return .object([.init("stop_sequence", .string(stop))])
    }

    /// The answer as one body.
    var whole: JSONValue {
        var blocks: [JSONValue] = []
        var hasLostCall = false
        for part in self.choice.parts {
            let text = part.pieces.joined
            switch part.kind {
            case .reasoning: blocks.append(Self.thought(text))
            case .text, .refusal:
                if !text.isEmpty { blocks.append(.object([.init("text", .string(text))])) }
            case .tool(_, let id, let name, _):
                guard let input = try? JSONParser.parse(text), input.members != nil else {
                    hasLostCall = true
                    continue
                }
                let use = JSONValue.object([
                    .init("toolUseId", .string(Self.toolUseID(id))), .init("name", .string(name)),
                    .init("input", input),
                ])
                blocks.append(.object([.init("toolUse", use)]))
            }
        }
        let message = JSONValue.object([.init("role", .string("assistant")), .init("content", .array(blocks))])
        var members: [JSONValue.Member] = [
            .init("metrics", Self.metrics), .init("output", .object([.init("message", message)])),
            .init("stopReason", .string(self.stopReason(hasCall: !hasLostCall))),
        ]
        if let usage = self.usage { members.append(.init("usage", usage)) }
        if let fields = self.additionalFields { members.append(.init("additionalModelResponseFields", fields)) }
        return .object(members)
    }

    private static func thought(_ text: String) -> JSONValue {
        let thought = JSONValue.object([
            .init("text", .string(text)), .init("signature", .string(Self.signature(text))),
        ])
        return .object([.init("reasoningContent", .object([.init("reasoningText", thought)]))])
    }
}
