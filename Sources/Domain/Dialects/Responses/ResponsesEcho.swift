internal import Chat
internal import Core
internal import NIOCore

/// The parts of a response object that only repeat what the client asked for, written once for a call.
struct ResponsesEcho {
    /// `"id":…,"object":"response","created_at":…`: what the object begins with.
    let head: ByteBuffer
    /// The settings, each behind a comma but the first.
    let settings: ByteBuffer
    let createdAt: Int64
    let model: JSONString
    /// The provider's tier of service, where the client asked for one.
    let serviceTier: JSONString?

    init(_ context: AnswerContext) {
        var head = ByteBuffer()
        head.writeStaticString(#"{"id":"resp_"#)
        head.writeString(context.id)
        head.writeStaticString(#"","object":"response","created_at":"#)
        head.writeString(String(context.created))
        self.head = head
        self.createdAt = context.created
        self.model = context.model
        self.serviceTier = context.request.serviceTier?.value
        var settings = ByteBuffer()
        settings.writeSettings(of: context.request)
        self.settings = settings
    }

    /// How a response stands.
    enum Status {
        case inProgress
        case done(FinishReason)

        /// Whether all is well that ends.
        var word: StaticString {
            switch self {
            case .inProgress: "in_progress"
            case .done(.length), .done(.contextFull), .done(.contentFilter): "incomplete"
            case .done(.error): "failed"
            case .done: "completed"
            }
        }
    }

    /// Writes a whole response object.
    ///
    /// - Parameters:
    ///   - model: The model that answered; nil: the one the target was asked for.
    ///   - output: The items, with commas between them.
    func write(
        _ status: Status,
        model: JSONString?,
        serviceTier: JSONString? = nil,
        output: ByteBuffer,
        usage: TokenUsage,
        into body: inout ByteBuffer
    ) {
        body.writeImmutableBuffer(self.head)
        body.writeMember("status", word: status.word)
        switch status {
        case .done(.length), .done(.contextFull):
            body.writeNull("error")
            body.writeMember("incomplete_details", JSONFragment(literal: #"{"reason":"max_output_tokens"}"#))
        case .done(.contentFilter):
            body.writeNull("error")
            body.writeMember("incomplete_details", JSONFragment(literal: #"{"reason":"content_filter"}"#))
        case .done(.error):
            body.writeMember("error", Self.failure)
            body.writeNull("incomplete_details")
        default:
            body.writeNull("error")
            body.writeNull("incomplete_details")
        }
        body.writeMember("model", model ?? self.model)
        body.writeKey("output")
        body.beginArray()
        body.writeImmutableBuffer(output)
        body.endArray()
        if let tier = serviceTier ?? self.serviceTier {
            // Anthropic's word for OpenAI's `default`, in answers and in requests.
            let isStandard = tier.equals("standard") || tier.equals("standard_only")
            if isStandard {
                body.writeMember("service_tier", word: "default")
            } else {
                body.writeMember("service_tier", tier)
            }
        }
        body.separate()
        body.writeImmutableBuffer(self.settings)
        usage.writeResponses(into: &body)
        body.endObject()
    }

    private static let failure = JSONFragment(
        literal: #"{"code":"server_error","message":"The provider failed before the answer was complete."}"#
    )
}

extension ByteBuffer {
    fileprivate mutating func writeSettings(of request: ChatRequest) {
        self.writeGiven("background", JSONFragment(literal: "false"))
        self.writeGiven("instructions", request.instructions?.fragment)
        self.writeGiven("max_output_tokens", request.maxOutputTokens.map { JSONFragment($0.value) })
        self.writeGiven("max_tool_calls", request.rest["max_tool_calls"])
        self.writeGiven("metadata", request.rest["metadata"] ?? JSONFragment(literal: "{}"))
        self.writeGiven("parallel_tool_calls", JSONFragment(literal: request.isParallel ? "true" : "false"))
        self.writeGiven("previous_response_id", request.said("previous_response_id"))
        if let key = request.rest["prompt_cache_key"] { self.writeMember("prompt_cache_key", key) }
        self.writeReasoning(of: request)
        if let name = request.said("safety_identifier") { self.writeMember("safety_identifier", name) }
        self.writeGiven("store", request.said("store") ?? JSONFragment(literal: "true"))
        self.writeGiven("temperature", request.temperature?.value)
        self.writeText(of: request)
        self.writeToolChoice(of: request)
        self.writeKey("tools")
        self.beginArray()
        for tool in request.tools { self.writeTool(tool) }
        self.endArray()
        self.writeGiven("top_logprobs", JSONFragment(request.topLogprobs?.value ?? 0))
        self.writeGiven("top_p", request.topP?.value)
        self.writeGiven("truncation", request.said("truncation") ?? JSONFragment(literal: #""disabled""#))
        let user = request.own["safety_identifier"] == nil ? request.user?.value.fragment : nil
        self.writeGiven("user", user)
    }

    private mutating func writeGiven(_ name: StaticString, _ value: JSONFragment?) {
        if let value { self.writeMember(name, value) } else { self.writeNull(name) }
    }

    private mutating func writeReasoning(of request: ChatRequest) {
        if let whole = request.rest["reasoning"] {
            self.writeMember("reasoning", whole)
            return
        }
        self.writeKey("reasoning")
        self.beginObject()
        if let effort = request.reasoning.effort {
            self.writeMember("effort", word: effort.value.label)
        } else {
            self.writeNull("effort")
        }
        self.writeGiven("summary", request.reasoning.summary?.value.fragment)
        self.endObject()
    }

    private mutating func writeText(of request: ChatRequest) {
        if let whole = request.rest["text"] {
            self.writeMember("text", whole)
            return
        }
        self.writeKey("text")
        self.beginObject()
        self.writeKey("format")
        self.beginObject()
        switch request.responseFormat?.value {
        case nil, .text: self.writeMember("type", word: "text")
        case .jsonObject: self.writeMember("type", word: "json_object")
        case .jsonSchema(let schema):
            self.writeMember("type", word: "json_schema")
            self.writeGiven("name", schema.name?.fragment ?? JSONFragment(literal: #""answer""#))
            if let description = schema.description { self.writeMember("description", description) }
            self.writeGiven("schema", schema.schema ?? JSONFragment(literal: "{}"))
            self.writeMember("strict", schema.isStrict ?? false)
        }
        self.endObject()
        if let verbosity = request.rest["verbosity"] { self.writeMember("verbosity", verbosity) }
        self.endObject()
    }

    private mutating func writeToolChoice(of request: ChatRequest) {
        switch request.toolChoice?.value {
        case nil, .auto: self.writeMember("tool_choice", word: "auto")
        case .none?: self.writeMember("tool_choice", word: "none")
        case .required: self.writeMember("tool_choice", word: "required")
        case .named(let name):
            self.writeKey("tool_choice")
            self.beginObject()
            self.writeMember("type", word: "function")
            self.writeMember("name", name)
            self.endObject()
        case .other(let fragment): self.writeMember("tool_choice", fragment)
        }
    }

    private mutating func writeTool(_ tool: ToolDefinition) {
        self.separate()
        if let definition = tool.definition {
            definition.write(into: &self)
            return
        }
        self.beginObject()
        self.writeMember("type", word: "function")
        self.writeMember("name", tool.name)
        self.writeGiven("description", tool.description?.value.fragment)
        self.writeGiven("parameters", tool.parameters?.value)
        self.writeMember("strict", tool.isStrict?.value ?? false)
        self.write(tool.rest)
        self.endObject()
    }
}

extension ChatRequest {
    /// The text that the client gave as `instructions`.
    fileprivate var instructions: JSONString? {
        guard self.format == .openAIResponses, let first = self.messages.first, first.role == .system,
            first.parts.count == 1, first.place == first.parts[0].place, case .text(let text) = first.parts[0].content
        else { return nil }
        return text
    }

    fileprivate var isParallel: Bool { self.parallelToolCalls?.value ?? true }

    /// A member of the client's that is kept in one of the two places.
    fileprivate func said(_ name: StaticString) -> JSONFragment? { self.own[name] ?? self.rest[name] }
}

extension JSONString {
    fileprivate var fragment: JSONFragment { JSONFragment(checked: self.bytes) }
}
