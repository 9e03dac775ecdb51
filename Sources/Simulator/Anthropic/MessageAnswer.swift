/// An answer of the Messages API: what a whole body and a stream have in common, and the body.
struct MessageAnswer {
    let completion: Completion
    let request: MessagesRequest
    let behaviour: Behaviour
    private let longCacheWrite: Int

    init(_ completion: Completion, _ request: MessagesRequest, longCacheWrite: Int, _ behaviour: Behaviour) {
        self.completion = completion
        self.request = request
        self.longCacheWrite = longCacheWrite
        self.behaviour = behaviour
    }

    /// The one choice there is, without a text that has nothing to say.
    var choice: Completion.Choice {
        var choice = self.completion.choices[0]
        choice.parts.removeAll { part in
            (part.kind == .text || part.kind == .refusal) && part.pieces.count == 0
        }
        return choice
    }

    /// The whole answer.
    var body: [UInt8] {
        let choice = self.choice
        let blocks = choice.parts.map { self.block($0, isWhole: true) }
        var members = self.head
        members.append(.init("content", .array(blocks)))
        members += self.ending
        var text = JSONValue.object(members).text
        if let usage = self.usage(output: nil) { text = "\(text.dropLast()),\"usage\":\(usage)}" }
        return Array(text.utf8)
    }

    /// What every message begins with.
    var head: [JSONValue.Member] {
        [
            .init("model", .string(self.completion.model)),
            .init("id", .string("msg_sim\(self.completion.sequence)")),
            .init("type", .string("message")), .init("role", .string("assistant")),
        ]
    }

    // MARK: - Blocks

    /// A block as it begins in a stream, or as a whole one.
    func block(_ part: Completion.Part, isWhole: Bool) -> JSONValue {
        switch part.kind {
        case .text, .refusal:
            var members: [JSONValue.Member] = [
                .init("type", .string("text")), .init("text", .string(isWhole ? part.pieces.joined : "")),
            ]
            if let citation = self.request.citation {
                members.append(.init("citations", .array(isWhole ? [citation] : [])))
            }
            return .object(members)
        case .reasoning:
            let shown = self.request.showsThoughts ? part.pieces.joined : ""
            return .object([
                .init("type", .string("thinking")), .init("thinking", .string(isWhole ? shown : "")),
                .init("signature", .string(isWhole ? self.signature(of: part) : "")),
            ])
        case .tool(_, let id, let name, _):
            let text = part.pieces.joined
            let whole = (try? JSONParser.parse(text)) ?? .object([.init("INVALID_JSON", .string(text))])
            return .object([
                .init("type", .string("tool_use")), .init("id", .string("toolu_\(id.dropFirst("call_".count))")),
                .init("name", .string(name)), .init("input", isWhole ? whole : .object([])),
            ])
        }
    }

    /// What proves that a thought came from here.
    func signature(of part: Completion.Part) -> String {
        ThinkingSignature.of(self.request.showsThoughts ? part.pieces.joined : "")
    }

    // MARK: - The end

    /// Why the answer ended.
    var ending: [JSONValue.Member] {
        let choice = self.completion.choices[0]
        let isRefusal = choice.finish == "content_filter" || choice.parts.contains { $0.kind == .refusal }
        let reason: String
        switch choice.finish {
        case _ where isRefusal: reason = "refusal"
        case "stop": reason = choice.stopSequence == nil ? "end_turn" : "stop_sequence"
        case "length": reason = "max_tokens"
        case "tool_calls": reason = "tool_use"
        default: reason = choice.finish
        }
        var members: [JSONValue.Member] = [
            .init("stop_reason", .string(reason)),
            .init("stop_sequence", choice.stopSequence.map { .string($0) } ?? .null),
        ]
        if isRefusal {
            members.append(
                .init(
                    "stop_details",
                    .object([
                        .init("type", .string("refusal")), .init("category", .null), .init("explanation", .null),
                    ])
                )
            )
        }
        return members
    }

    /// The usage object, with `output` tokens in it, or all of them.
    ///
    /// Nil where a fault leaves it out.
    func usage(output: Int?) -> String? {
        let told: ToldUsage.Numbers
        switch self.completion.usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return "null"
        case .numbers(let numbers): told = numbers
        }
        let short = max(0, told.cacheWritten - self.longCacheWrite)
        let long = told.cacheWritten - short
        var text = "{\"input_tokens\":\(told.text(told.promptOutsideCache))"
        text += ",\"cache_creation_input_tokens\":\(told.cacheWritten),\"cache_read_input_tokens\":\(told.cached)"
        text += ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":\(short),\"ephemeral_1h_input_tokens\":\(long)}"
        text += ",\"output_tokens\":\(told.text(output ?? told.completion))"
        if output == nil, told.reasoning > 0 {
            text += ",\"output_tokens_details\":{\"thinking_tokens\":\(told.reasoning)}"
        }
        return text + ",\"service_tier\":\"standard\"}"
    }
}
