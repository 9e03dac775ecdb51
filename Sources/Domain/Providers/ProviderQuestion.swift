internal import Core
package import NIOCore
internal import Transport

/// A request that costs nothing, and shows whether a provider takes a key, and which models it has for it.
package struct ProviderQuestion: Sendable {
    package enum Purpose: Sendable {
        /// Whether the key is good.
        case key
        /// Which models there are.
        case models
    }

    /// `GET`, or `POST` where a provider has no list.
    package let method: String
    /// The base URL without what the kind's own paths bring along.
    package let baseURL: String
    /// Behind the base URL, with its query.
    package let path: String
    /// Nil for `GET`.
    package let body: ByteBuffer?
    /// Fields that the kind wants beside the key.
    package let fields: [(name: String, value: String)]

    private init(
        _ baseURL: String,
        _ path: String,
        body: ByteBuffer? = nil,
        fields: [(name: String, value: String)] = []
    ) {
        self.method = body == nil ? "GET" : "POST"
        self.baseURL = baseURL
        self.path = path
        self.body = body
        self.fields = fields
    }

    /// - Parameters:
    ///   - entry: The provider.
    ///   - baseURL: Its base URL, its own or its family's.
    package static func about(_ entry: ProviderEntry, at baseURL: String, _ purpose: Purpose) -> ProviderQuestion {
        let base = baseURL.droppingSuffix("/")
        switch entry.kind {
        case .openAI:
            // OpenRouter shows its models to everybody, and says at another place whether a key is good.
            let host = (try? Endpoint(url: base, allowPrivate: true))?.host
            return ProviderQuestion(base, purpose == .key && host == "openrouter.ai" ? "/key" : "/models")
        case .azure:
            let version = entry.apiVersion.map { "?api-version=\($0)" } ?? ""
            let resource = base.droppingSuffix("/v1").droppingSuffix("/openai")
            let path = entry.urls == .azureDeployments ? "/openai/models" : "/openai/v1/models"
            return ProviderQuestion(resource, path + version)
        case .anthropic:
            let version = (name: "anthropic-version", value: "2023-06-01")
            return ProviderQuestion(base.droppingSuffix("/v1"), "/v1/models?limit=1000", fields: [version])
        case .cohere: return ProviderQuestion(base.droppingSuffix("/v2"), "/v1/models?page_size=1000")
        case .gemini: return ProviderQuestion(base, "/models?pageSize=1000")
        case .bedrock:
            // Its models are listed at another host, with other rights. A request without messages is refused for
            // that, once the key is known to be good.
            let path = "/model/amazon.nova-micro-v1%3A0/converse"
            return ProviderQuestion(base, path, body: ByteBuffer(string: "{}"))
        }
    }

    /// Whatever stands at a path behind the base URL.
    package static func get(_ path: String, at baseURL: String) -> ProviderQuestion {
        ProviderQuestion(baseURL, path)
    }

    /// A chat as a call on the road would have it, at the same path.
    ///
    /// - Throws: `CatalogError`.
    package static func chat(
        _ entry: ProviderEntry,
        model: String,
        body: ByteBuffer
    ) throws(CatalogError) -> ProviderQuestion {
        let catalog = try Catalog(providers: [entry], userAgent: "turnpike")
        guard let provider = catalog.providers.first else { throw .missingBaseURL(provider: entry.name) }
        var head = ByteBuffer()
        provider.writeHead(.chat, as: entry.kind.format, isStream: false, model: model, into: &head)
        // The first line has the path.
        let target = String(buffer: head).split(separator: " ", maxSplits: 2).dropFirst().first.map(String.init) ?? "/"
        let base = "\(provider.endpoint.scheme.rawValue)://\(provider.endpoint.authority)"
        let version = (name: "anthropic-version", value: "2023-06-01")
        return ProviderQuestion(base, target, body: body, fields: entry.kind == .anthropic ? [version] : [])
    }

    /// What an answer says of the key.
    package enum Verdict: Sendable, Equatable {
        case accepted
        case refused
        /// There is nothing at this path, so that nothing can be said.
        case unlisted
        case limited
        case other
    }

    /// What a status, with its body, says of the key.
    package static func verdict(_ status: Int, _ body: ByteBuffer, of kind: ProviderEntry.Kind) -> Verdict {
        switch status {
        case 200..<300: .accepted
        case 401, 403: .refused
        // Gemini says of a bad key that it is an invalid argument.
        case 400 where kind == .gemini && ProviderFault.Complaint.isBadKey(body): .refused
        case 400 where kind == .bedrock: .accepted
        case 404, 405: .unlisted
        case 429: .limited
        default: .other
        }
    }

    /// The models in an answer, by the names that calls have to use; at most 5,000.
    package static func models(in body: ByteBuffer, of kind: ProviderEntry.Kind) -> [String] {
        guard let answer = try? JSONValue.parse(body) else { return [] }
        let list = (answer["data"] ?? answer["models"])?.arrayValue ?? answer.arrayValue ?? []
        return list.prefix(5_000).compactMap { entry in
            let name = entry["id"]?.stringValue ?? entry["name"]?.stringValue
            // Gemini's names come with the collection they are in.
            return kind == .gemini ? name.map { $0.droppingPrefix("models/") } : name
        }
    }
}

extension String {
    fileprivate func droppingSuffix(_ suffix: String) -> String {
        self.hasSuffix(suffix) ? String(self.dropLast(suffix.count)) : self
    }

    fileprivate func droppingPrefix(_ prefix: String) -> String {
        self.hasPrefix(prefix) ? String(self.dropFirst(prefix.count)) : self
    }
}
