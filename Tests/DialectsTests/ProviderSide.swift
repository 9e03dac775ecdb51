import Chat
import Core
import Dialects
import NIOCore
import Wire

/// Writes requests for a provider and reads its streams, for tests.
enum ProviderSide {
    /// What a provider is sent, and the places of what it is not told.
    static func write(
        _ request: ChatRequest,
        as format: WireFormat,
        model: String,
        _ change: (inout TargetTraits) -> Void = { _ in }
    ) throws -> (body: String, losses: Losses) {
        var target = TargetTraits(model: JSONString(model), modelID: model)
        change(&target)
        var losses = Losses()
        var body = ByteBuffer()
        try Codecs.writeRequest(request, as: format, for: target, losses: &losses, into: &body)
        try body.withBytes { (bytes) throws(JSONError) in try JSONScanner.validate(bytes) }
        return (String(buffer: body), losses)
    }

    /// The steps of a stream, a word or two each, and the error that ended it.
    ///
    /// - Parameter eventsMax: After so many events it is cut.
    static func steps(of stream: String, as format: WireFormat, eventsMax: Int = .max) throws -> [String] {
        let reader = Codecs.streamReader(format)
        var events = SSEReader()
        events.feed(ByteBuffer(string: stream))
        var steps: [String] = []
        var count = 0
        do {
            while count < eventsMax, let event = try events.next() {
                count += 1
                try reader.read(event) { steps.append(self.text(of: $0)) }
            }
            try reader.finish { steps.append(self.text(of: $0)) }
        } catch {
            steps.append("threw \(error)")
        }
        return steps
    }

    private static func text(of event: AnswerEvent) -> String {
        switch event {
        case .begin(let head): "begin \(head.id?.text ?? "-") \(head.model?.text ?? "-")"
        case .open(let part, .text): "open \(part) text"
        case .open(let part, .thinking): "open \(part) thinking"
        case .open(let part, .redactedThinking): "open \(part) redacted"
        case .open(let part, .refusal): "open \(part) refusal"
        case .open(let part, .toolCall(let id, let name, let signature, let isCustom)):
            "open \(part) \(isCustom ? "custom call" : "call") \(id.text ?? "?") \(name.text ?? "?")"
                + (signature.map { " signed \($0.text ?? "")" } ?? "")
        case .text(let part, let text): "\(part) text \(String(buffer: text.content))"
        case .thinking(let part, let text): "\(part) thinking \(String(buffer: text.content))"
        case .signature(let part, let text): "\(part) signature \(text.text ?? "?")"
        case .refusal(let part, let text): "\(part) refusal \(text.text ?? "?")"
        case .arguments(let part, let text): "\(part) arguments \(text.text ?? "?")"
        case .citation(let part, let source): "\(part) citation \(String(buffer: source.bytes))"
        case .logprobs(let list): "logprobs \(String(buffer: list.bytes))"
        case .image(let image): "image \(image.mediaType?.text ?? "-")"
        case .unsaid(let losses): "unsaid \(losses.names.joined(separator: " "))"
        case .close(let part): "close \(part)"
        case .finish(let reason, let stop): "finish \(reason)" + (stop.map { " \($0.text ?? "")" } ?? "")
        case .usage(let usage):
            "usage \(self.text(usage.input)) \(self.text(usage.output)) \(self.text(usage.cachedInput))"
                + " \(self.text(usage.reasoning))"
        case .end: "end"
        case .failure(let body, _): "failure \(String(buffer: body))"
        }
    }

    private static func text(_ number: Int?) -> String { number.map { "\($0)" } ?? "-" }

    /// A file under `Tests/Fixtures/dialects`.
    static func fixture(_ name: String) throws -> String {
        let path = #filePath.replacing("DialectsTests/ProviderSide.swift", with: "Fixtures/dialects/\(name)")
        return String(decoding: try FixtureFile.bytes(at: path), as: UTF8.self)
    }
}

extension ChatMessage {
    static func user(_ text: String, place: Int = -1) -> ChatMessage {
        ChatMessage(.user, [.text(text, place: place)], place: place)
    }

    static func result(of id: String, _ text: String, isError: Bool = false, place: Int = -1) -> ChatMessage {
        var result = ToolResult(callID: JSONString(id), parts: [.text(text)])
        if isError { result.isError = Given(true, at: -1) }
        return ChatMessage(.user, [ContentPart(.toolResult(result), place: place)], place: place)
    }
}

extension ContentPart {
    static func text(_ text: String, place: Int = -1) -> ContentPart {
        ContentPart(.text(JSONString(text)), place: place)
    }

    static func call(_ id: String, _ name: String, _ arguments: String, place: Int = -1) -> ContentPart {
        let call = ToolCall(id: JSONString(id), name: JSONString(name), arguments: .encoded(JSONString(arguments)))
        return ContentPart(.toolCall(call), place: place)
    }
}

extension JSONFragment {
    /// A JSON text, taken on trust.
    init(_ text: String) { self.init(checked: ByteBuffer(string: text)) }
}

extension ToolDefinition {
    static func function(_ name: String, parameters: String? = nil, isStrict: Bool? = nil) -> ToolDefinition {
        var tool = ToolDefinition(.function, name: JSONString(name))
        tool.parameters = parameters.map { Given(JSONFragment($0), at: -1) }
        tool.isStrict = isStrict.map { Given($0, at: 77) }
        return tool
    }
}
