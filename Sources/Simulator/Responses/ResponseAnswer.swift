/// An answer of the Responses API: the response object as it is at each stage.
struct ResponseAnswer {
    let completion: Completion
    let request: ResponsesRequest
    let behaviour: Behaviour

    init(_ completion: Completion, _ request: ResponsesRequest, _ behaviour: Behaviour) {
        self.completion = completion
        self.request = request
        self.behaviour = behaviour
    }

    var id: String { "resp_sim\(self.completion.sequence)" }

    /// The parts that become items: text that has nothing to say is an item all the same.
    var parts: [Completion.Part] { self.completion.choices[0].parts }

    /// Whether it says nothing but filler, of any length, which is not worth keeping.
    var isFiller: Bool {
        self.parts.contains { part in
            if case .filler = part.pieces { return true }
            return false
        }
    }

    // MARK: - Stages

    /// How it ended: `completed`, `incomplete`, or what a fault has it say.
    var status: String {
        switch self.completion.choices[0].finish {
        case "stop", "tool_calls": return "completed"
        case "length", "content_filter": return "incomplete"
        case let other: return other
        }
    }

    /// The finished response.
    var whole: JSONValue {
        let finish = self.completion.choices[0].finish
        var incomplete = JSONValue.null
        if self.status == "incomplete" {
            let reason = finish == "length" ? "max_output_tokens" : "content_filter"
            incomplete = .object([.init("reason", .string(reason))])
        }
        var error = JSONValue.null
        if self.status == "failed" {
            error = .object([
                .init("code", .string(self.behaviour.errorCode ?? "server_error")),
                .init("message", .string(self.behaviour.errorMessage ?? "The simulator was told to fail.")),
            ])
        }
        return self.response(
            status: self.status,
            output: self.items,
            error: error,
            incomplete: incomplete,
            usage: self.usage
        )
    }

    /// The response before it is finished.
    func unfinished(status: String) -> JSONValue {
        self.response(status: status, output: [], error: .null, incomplete: .null, usage: .null)
    }

    private func response(
        status: String,
        output: [JSONValue],
        error: JSONValue,
        incomplete: JSONValue,
        usage: JSONValue?
    ) -> JSONValue {
        let body = self.request.body
        func asked(_ key: String, _ otherwise: JSONValue = .null) -> JSONValue { body[key] ?? otherwise }
        let created = JSONValue.integer(self.completion.created)
        let usual = JSONValue.object([.init("format", .object([.init("type", .string("text"))]))])
        var members: [JSONValue.Member] = [
            .init("id", .string(self.id)), .init("object", .string("response")), .init("created_at", created),
            .init("status", .string(status)), .init("background", .bool(self.request.isBackground)),
            .init("completed_at", status == "completed" ? created : .null), .init("error", error),
            .init("incomplete_details", incomplete), .init("instructions", asked("instructions")),
            .init("max_output_tokens", asked("max_output_tokens")), .init("max_tool_calls", asked("max_tool_calls")),
            .init("model", .string(self.completion.model)), .init("output", .array(output)),
            .init("parallel_tool_calls", asked("parallel_tool_calls", .bool(true))),
            .init("previous_response_id", asked("previous_response_id")),
            .init("prompt_cache_key", asked("prompt_cache_key")),
            .init(
                "reasoning",
                .object([
                    .init("effort", body["reasoning"]?["effort"] ?? .null),
                    .init("summary", body["reasoning"]?["summary"] ?? .null),
                ])
            ),
            .init("safety_identifier", asked("safety_identifier")), .init("service_tier", .string("default")),
            .init("store", .bool(self.request.isStored)), .init("temperature", asked("temperature", .integer(1))),
            .init("text", asked("text", usual)), .init("tool_choice", asked("tool_choice", .string("auto"))),
            .init("tools", asked("tools", .array([]))), .init("top_logprobs", asked("top_logprobs", .integer(0))),
            .init("top_p", asked("top_p", .integer(1))), .init("truncation", asked("truncation", .string("disabled"))),
        ]
        if let usage { members.append(.init("usage", usage)) }
        members += [.init("user", asked("user")), .init("metadata", asked("metadata", .object([])))]
        return .object(members)
    }

    /// The usage object.
    ///
    /// Nil where a fault leaves it out.
    var usage: JSONValue? {
        let told: ToldUsage.Numbers
        switch self.completion.usage.told(self.behaviour) {
        case .nothing: return nil
        case .null: return .null
        case .numbers(let numbers): told = numbers
        }
        return .object([
            .init("input_tokens", told.json(told.prompt)),
            .init(
                "input_tokens_details",
                .object([
                    .init("cached_tokens", .integer(told.cached)),
                    .init("cache_write_tokens", .integer(told.cacheWritten)),
                ])
            ),
            .init("output_tokens", told.json(told.completion)),
            .init("output_tokens_details", .object([.init("reasoning_tokens", .integer(told.reasoning))])),
            .init("total_tokens", told.json(told.total)),
        ])
    }

    // MARK: - Items

    /// The items of the finished answer.
    var items: [JSONValue] {
        let isCut = self.status == "incomplete"
        let parts = self.parts
        return parts.indices.map { index in
            self.item(parts[index], index, status: isCut && index == parts.count - 1 ? "incomplete" : "completed")
        }
    }

    /// The id of an item.
    func itemID(_ part: Completion.Part, _ index: Int) -> String {
        let prefix: String
        switch part.kind {
        case .text, .refusal: prefix = "msg"
        case .reasoning: prefix = "rs"
        case .tool(_, _, _, let isCustom): prefix = isCustom ? "ctc" : "fc"
        }
        return "\(prefix)_sim\(self.completion.sequence)x\(index)"
    }

    /// An item; while it is `in_progress` it has nothing in it yet.
    func item(_ part: Completion.Part, _ index: Int, status: String) -> JSONValue {
        let isEmpty = status == "in_progress"
        let id = JSONValue.Member("id", .string(self.itemID(part, index)))
        let state = JSONValue.Member("status", .string(status))
        switch part.kind {
        case .text, .refusal:
            return .object([
                id, .init("type", .string("message")), state, .init("role", .string("assistant")),
                .init("content", .array(isEmpty ? [] : [self.content(part, isEmpty: false)])),
            ])
        case .reasoning:
            var members = [id, .init("type", .string("reasoning"))]
            let summary = self.request.showsSummary && !isEmpty ? [Self.summary(part.pieces.joined)] : []
            members.append(.init("summary", .array(summary)))
            if self.request.sealsReasoning {
                let seal = SealedReasoning.seal(self.completion.sequence)
                members.append(.init("encrypted_content", .string(isEmpty ? "" : seal)))
            }
            return .object(members)
        case .tool(_, let call, let name, let isCustom):
            return .object([
                id, .init("type", .string(isCustom ? "custom_tool_call" : "function_call")), state,
                .init(isCustom ? "input" : "arguments", .string(isEmpty ? "" : part.pieces.joined)),
                .init("call_id", .string(call)), .init("name", .string(name)),
            ])
        }
    }

    /// What a message says.
    func content(_ part: Completion.Part, isEmpty: Bool) -> JSONValue {
        let text = JSONValue.string(isEmpty ? "" : part.pieces.joined)
        guard part.kind == .text else {
            return .object([.init("type", .string("refusal")), .init("refusal", text)])
        }
        return .object([
            .init("type", .string("output_text")), .init("annotations", .array([])), .init("logprobs", .array([])),
            .init("text", text),
        ])
    }

    /// What was thought, in a few words.
    static func summary(_ text: String) -> JSONValue {
        .object([.init("type", .string("summary_text")), .init("text", .string(text))])
    }
}

extension ToldUsage.Numbers {
    /// A number as it is told, which under a fault is not what one expects of a count.
    func json(_ count: Int) -> JSONValue { (try? JSONParser.parse(self.text(count))) ?? .integer(count) }
}
