import Chat
import Core
import Dialects
import NIOCore
import Testing
import Wire

/// What the tests of Anthropic's dialect share.
enum Anthropic {
    static func text(_ buffer: ByteBuffer) -> String { String(buffer: buffer) }

    /// A JSON text with sorted keys, so that two that say the same are the same.
    static func sorted(_ json: String) throws -> String { try Self.sorted(JSONValue.parse(ByteBuffer(string: json))) }

    private static func sorted(_ value: JSONValue) -> String {
        switch value {
        case .object(let members):
            let inner = members.sorted { $0.0 < $1.0 }.map { "\(JSONValue.string($0.0).text):\(Self.sorted($0.1))" }
            return "{\(inner.joined(separator: ","))}"
        case .array(let list): return "[\(list.map(Self.sorted).joined(separator: ","))]"
        default: return value.text
        }
    }

    static func read(_ body: String) throws -> ChatRequest {
        try Codecs.readRequest(ByteBuffer(string: body), as: .anthropic)
    }

    static func target(_ model: String = "claude-sonnet-4-20250514") -> TargetTraits {
        TargetTraits(model: JSONString(model), modelID: model)
    }

    struct Written {
        var body: String
        var losses: Losses
    }

    static func write(_ request: ChatRequest, _ target: TargetTraits = Anthropic.target()) throws -> Written {
        var losses = Losses()
        var body = ByteBuffer()
        try Codecs.writeRequest(request, as: .anthropic, for: target, losses: &losses, into: &body)
        return Written(body: String(buffer: body), losses: losses)
    }

    /// A request as a client of another dialect makes it: one question.
    static func question(_ parts: [ContentPart]? = nil) -> ChatRequest {
        var request = ChatRequest(format: .openAIChat)
        request.messages = [ChatMessage(.user, parts ?? [Self.part("Hi")], place: 10)]
        return request
    }

    static func part(_ text: String, place: Int = -1) -> ContentPart {
        ContentPart(.text(JSONString(text)), place: place)
    }

    static func fragment(_ json: String) -> JSONFragment { JSONFragment(checked: ByteBuffer(string: json)) }

    static func given(_ json: String, at place: Int = 1) -> Given<JSONFragment> {
        Given(Self.fragment(json), at: place)
    }

    static func call(_ id: String, _ name: String = "look", _ arguments: String = "{}") -> ContentPart {
        ContentPart(
            .toolCall(ToolCall(id: JSONString(id), name: JSONString(name), arguments: .encoded(JSONString(arguments))))
        )
    }

    static func result(_ id: String, _ text: String) -> ContentPart {
        ContentPart(.toolResult(ToolResult(callID: JSONString(id), parts: [Self.part(text)])))
    }

    static func tool(_ name: String, _ schema: String? = nil, place: Int = 5) -> ToolDefinition {
        var tool = ToolDefinition(.function, name: JSONString(name), place: place)
        tool.parameters = schema.map { Self.given($0) }
        return tool
    }

    static func context(source: WireFormat? = nil) -> AnswerContext {
        var context = AnswerContext(
            id: "abc",
            created: 1,
            model: JSONString("alias"),
            request: ChatRequest(format: .anthropic)
        )
        context.source = source
        return context
    }

    /// What a stream's events become, one line for each step.
    static func steps(_ events: [String]) throws -> [String] {
        let reader = Codecs.streamReader(.anthropic)
        var steps: [String] = []
        for data in events {
            try reader.read(ServerSentEvent(data: ByteBuffer(string: data))) { steps.append(Self.describe($0)) }
        }
        try reader.finish { steps.append(Self.describe($0)) }
        return steps
    }

    static func describe(_ step: AnswerEvent) -> String {
        switch step {
        case .begin(let head): "begin \(head.id?.text ?? "-") \(head.model?.text ?? "-")"
        case .open(let part, .text): "open \(part) text"
        case .open(let part, .thinking): "open \(part) thinking"
        case .open(let part, .refusal): "open \(part) refusal"
        case .open(let part, .redactedThinking(let data)): "open \(part) redacted \(data.text ?? "?")"
        case .open(let part, .toolCall(let id, let name, _, _)):
            "open \(part) call \(id.text ?? "?") \(name.text ?? "?")"
        case .text(let part, let text): "text \(part) \(String(buffer: text.bytes))"
        case .thinking(let part, let text): "thinking \(part) \(String(buffer: text.bytes))"
        case .signature(let part, let text): "signature \(part) \(text.text ?? "?")"
        case .refusal(let part, let text): "refusal \(part) \(text.text ?? "?")"
        case .arguments(let part, let text): "arguments \(part) \(String(buffer: text.bytes))"
        case .citation(let part, let json): "citation \(part) \(String(buffer: json.bytes))"
        case .logprobs, .image: "other"
        case .unsaid(let losses): "unsaid \(losses.names.joined(separator: " "))"
        case .close(let part): "close \(part)"
        case .finish(let reason, let text): "finish \(reason) \(text?.text ?? "-")"
        case .usage(let usage): "usage \(Self.describe(usage))"
        case .end: "end"
        case .failure(let body, _): "failure \(String(buffer: body))"
        }
    }

    private static func describe(_ usage: TokenUsage) -> String {
        [usage.input, usage.cachedInput, usage.cacheWrite, usage.output, usage.reasoning]
            .map { $0.map(String.init) ?? "-" }.joined(separator: "/")
    }

    /// What steps become for a client, one line `name data` for each event.
    static func events(_ steps: [AnswerEvent], source: WireFormat? = .openAIChat) throws -> [String] {
        let writer = try Codecs.streamWriter(.anthropic, Self.context(source: source))
        var events: [String] = []
        for step in steps {
            try writer.write(step) { event, _ in
                events.append("\(event.type.map(Self.text) ?? "-") \(Self.text(event.data))")
            }
        }
        return events
    }
}
