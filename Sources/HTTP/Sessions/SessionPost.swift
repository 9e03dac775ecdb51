internal import Chat
internal import Core
internal import NIOCore
internal import Operations
internal import Pipeline
internal import Transport
internal import Wire

/// What a client says in a session: `{content, model?, stream?}`.
struct SessionPost {
    let message: PostedMessage
    /// Whether the answer is to come in events: by the body, or by `Accept` where the body says nothing.
    let isStream: Bool

    /// Reads a request's body.
    ///
    /// - Throws: `GatewayError`.
    init(_ exchange: any ServerExchange, session: String, limit: Int) async throws {
        let body = try await JSONBody.read(exchange, limit: limit) ?? .null
        guard let members = body.objectValue else { throw GatewayError.invalid("body", expected: "a JSON object") }
        for (name, _) in members where !["content", "model", "stream"].contains(name) {
            throw GatewayError.invalid(name, expected: "left out: a message has content, model and stream")
        }
        let content = body["content"] ?? .null
        let text = try Self.text(of: content)
        var model: String?
        switch body["model"] {
        case nil, .null?: break
        case .string(let name)? where (1...256).contains(name.utf8.count): model = name
        default: throw GatewayError.invalid("model", expected: "the name of a model")
        }
        switch body["stream"] {
        case nil, .null?: self.isStream = Self.acceptsEvents(exchange)
        case .bool(let isStream)?: self.isStream = isStream
        default: throw GatewayError.invalid("stream", expected: "true or false")
        }
        var bytes = ByteBuffer()
        content.write(into: &bytes)
        self.message = PostedMessage(session: session, content: bytes, text: text, model: model)
    }

    /// What of the content is text.
    private static func text(of content: JSONValue) throws(GatewayError) -> String {
        if let text = content.stringValue {
            guard !text.isEmpty else { throw Self.badContent }
            return text
        }
        guard let parts = content.arrayValue, !parts.isEmpty else {
            throw Self.badContent
        }
        var texts: [String] = []
        for (index, part) in parts.enumerated() {
            guard let type = part["type"]?.stringValue else {
                throw Self.badPart(index)
            }
            switch type {
            case "text":
                guard let text = part["text"]?.stringValue else {
                    throw GatewayError.invalid("content[\(index)].text", expected: "a text")
                }
                texts.append(text)
            case "image_url", "input_audio", "file": break
            default: throw Self.badPart(index)
            }
        }
        return texts.joined(separator: " ")
    }

    private static var badContent: GatewayError {
        GatewayError.invalid("content", expected: "a text that is not empty, or a list of parts")
    }

    private static func badPart(_ index: Int) -> GatewayError {
        GatewayError.invalid("content[\(index)].type", expected: "text, image_url, input_audio or file")
    }

    private static func acceptsEvents(_ exchange: any ServerExchange) -> Bool {
        guard let field = exchange.head.first(.accept) else { return false }
        let text = exchange.headBytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self) }
        return text.lowercased().contains("text/event-stream")
    }
}
