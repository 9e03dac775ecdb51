internal import Chat
internal import NIOCore
internal import Transport

/// The heads of all requests that a provider can be sent, rendered up to the lines that differ from call to call.
struct HeadTemplates: Sendable {
    private struct Template: Sendable {
        /// `POST <path>`, up to where a model's name goes.
        var before: ByteBuffer
        /// From behind the model's name to the last constant line; nil where the path has no model in it.
        var after: ByteBuffer?

        func write(model: String, into buffer: inout ByteBuffer) {
            buffer.writeImmutableBuffer(self.before)
            guard let after = self.after else { return }
            PathSegment.write(model, into: &buffer)
            buffer.writeImmutableBuffer(after)
        }
    }

    /// By operation, and whether the answer comes as a stream.
    private let templates: [Template]
    /// The same for OpenAI's `/responses`.
    private let responses: Template

    init(_ family: Family, _ endpoint: Endpoint, paths: Family.PathStyle, version: String?, agent: String) {
        let make = { (operation: Operation, path: UpstreamPath) in
            Self.template(path, operation, endpoint: endpoint, paths: paths, version: version, agent: agent)
        }
        self.templates = Operation.allCases.flatMap { operation in
            [false, true].map { make(operation, UpstreamPath(operation, family.kind, isStream: $0)) }
        }
        self.responses = make(.chat, UpstreamPath(before: "/responses"))
    }

    func write(
        _ operation: Operation,
        as format: WireFormat,
        isStream: Bool,
        model: String,
        into buffer: inout ByteBuffer
    ) {
        if format == .openAIResponses { return self.responses.write(model: model, into: &buffer) }
        self.templates[Int(operation.rawValue) * 2 + (isStream ? 1 : 0)].write(model: model, into: &buffer)
    }

    private static func template(
        _ path: UpstreamPath,
        _ operation: Operation,
        endpoint: Endpoint,
        paths: Family.PathStyle,
        version: String?,
        agent: String
    ) -> Template {
        var base = endpoint.basePath
        let query = version.map { "?api-version=\($0)" } ?? ""
        let type = operation.hasJSONBody ? "content-type: application/json\r\n" : ""
        let rest =
            " HTTP/1.1\r\nhost: \(endpoint.authority)\r\nuser-agent: \(agent)\r\naccept-encoding: identity\r\n\(type)"
        switch paths {
        case .standard:
            if let prefix = path.prefix, !base.hasSuffix(prefix) { base += prefix }
            let before = ByteBuffer(string: "POST \(base)\(path.before)")
            guard let after = path.after else {
                return Template(before: ByteBuffer(string: String(buffer: before) + rest), after: nil)
            }
            return Template(before: before, after: ByteBuffer(string: after + rest))
        case .azureV1:
            if !base.hasSuffix("/v1") { base += base.hasSuffix("/openai") ? "/v1" : "/openai/v1" }
            return Template(before: ByteBuffer(string: "POST \(base)\(path.before)\(query)\(rest)"), after: nil)
        case .azureDeployments:
            if !base.hasSuffix("/openai") { base += "/openai" }
            return Template(
                before: ByteBuffer(string: "POST \(base)/deployments/"),
                after: ByteBuffer(string: "\(path.before)\(query)\(rest)")
            )
        }
    }
}

/// Where an operation is at a provider of some kind, behind the base URL.
struct UpstreamPath {
    /// What the base URL must end in; put there where it does not.
    var prefix: String?
    /// Up to where the model's name goes, or all of it.
    var before: String
    /// What follows the model's name; nil where the path has no model in it.
    var after: String?

    init(prefix: String? = nil, before: String, after: String? = nil) {
        self.prefix = prefix
        self.before = before
        self.after = after
    }

    init(_ operation: Operation, _ kind: ProviderEntry.Kind, isStream: Bool) {
        switch (kind, operation) {
        case (.anthropic, .chat): self.init(prefix: "/v1", before: "/messages")
        case (.anthropic, .countTokens): self.init(prefix: "/v1", before: "/messages/count_tokens")
        case (.cohere, .chat): self.init(prefix: "/v2", before: "/chat")
        case (.cohere, .embeddings): self.init(prefix: "/v2", before: "/embed")
        case (.cohere, .rerank): self.init(prefix: "/v2", before: "/rerank")
        case (.gemini, .chat) where isStream:
            self.init(before: "/models/", after: ":streamGenerateContent?alt=sse")
        case (.gemini, .chat): self.init(before: "/models/", after: ":generateContent")
        case (.gemini, .countTokens): self.init(before: "/models/", after: ":countTokens")
        case (.gemini, .embeddings): self.init(before: "/models/", after: ":batchEmbedContents")
        case (.bedrock, .chat): self.init(before: "/model/", after: isStream ? "/converse-stream" : "/converse")
        case (.bedrock, .rerank): self.init(before: "/model/", after: "/invoke")
        case (.bedrock, .embeddings): self.init(before: "/model/", after: "/invoke")
        default: self.init(before: "\(operation.path)")
        }
    }
}

/// A model's name as one segment of a path.
enum PathSegment {
    /// Percent-encodes everything but RFC 3986's unreserved characters, so that no model id can leave its segment.
    static func write(_ text: String, into buffer: inout ByteBuffer) {
        let digits: StaticString = "0123456789ABCDEF"
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                buffer.writeInteger(byte)
            case UInt8(ascii: ".") where text != "." && text != "..":
                buffer.writeInteger(byte)
            default:
                buffer.writeInteger(UInt8(ascii: "%"))
                buffer.writeInteger(digits.utf8Start[Int(byte >> 4)])
                buffer.writeInteger(digits.utf8Start[Int(byte & 15)])
            }
        }
    }
}
