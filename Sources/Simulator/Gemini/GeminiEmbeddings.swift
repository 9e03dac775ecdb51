/// Answers `embedContent` and `batchEmbedContents`.
enum GeminiEmbeddings {
    /// The length of a vector unless the request says otherwise.
    static let usualDimensions = 3072

    struct Answer {
        var body: JSONValue
        var promptTokens: Int
    }

    /// The answer to the request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func answer(_ body: JSONValue, model: String, isBatch: Bool) throws(APIFailure) -> Answer {
        guard isBatch else {
            let request = try ProtoReader.read(body, as: .embedContentRequest)
            let one = try Self.one(request, model: model, place: "EmbedContentRequest", mustNameModel: false)
            return Self.answer([.init("embedding", one.value)], tokens: one.tokens)
        }
        let batch = try ProtoReader.read(body, as: .batchEmbedContentsRequest)
        let requests = batch["requests"]?.array ?? []
        guard !requests.isEmpty else {
            throw GeminiErrors.invalid("* BatchEmbedContentsRequest.requests: requests is not specified\n")
        }
        guard requests.count <= 100 else {
            throw GeminiErrors.invalid(
                "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n"
            )
        }
        var values: [JSONValue] = []
        var tokens = 0
        for (index, request) in requests.enumerated() {
            let place = "BatchEmbedContentsRequest.requests[\(index)]"
            let one = try Self.one(request, model: model, place: place, mustNameModel: true)
            values.append(one.value)
            tokens += one.tokens
        }
        return Self.answer([.init("embeddings", .array(values))], tokens: tokens)
    }

    private static func answer(_ members: [JSONValue.Member], tokens: Int) -> Answer {
        let usage = JSONValue.object([.init("promptTokenCount", .integer(tokens))])
        return Answer(body: .object(members + [.init("usageMetadata", usage)]), promptTokens: tokens)
    }

    private static func one(
        _ request: JSONValue,
        model: String,
        place: String,
        mustNameModel: Bool
    ) throws(APIFailure) -> (value: JSONValue, tokens: Int) {
        let named = request["model"]?.string
        guard named.map({ Self.name($0) == model }) ?? !mustNameModel else {
            throw GeminiErrors.invalid("* \(place).model: must be the model of the path\n")
        }
        let parts = request["content"]?["parts"]?.array ?? []
        let texts = parts.compactMap { $0["text"]?.string }
        guard !texts.isEmpty, texts.count == parts.count, texts.contains(where: { !$0.isEmpty }) else {
            throw GeminiErrors.invalid("* \(place).content: content contains an empty Part.\n")
        }
        let wanted = request["outputDimensionality"]?.integer ?? Self.usualDimensions
        guard 1...Self.usualDimensions ~= wanted else {
            throw GeminiErrors.invalid("* \(place).output_dimensionality: must be from 1 to \(Self.usualDimensions)\n")
        }
        if request["title"] != nil, request["taskType"]?.string != "RETRIEVAL_DOCUMENT" {
            throw GeminiErrors.invalid("* \(place).title: only with the task type RETRIEVAL_DOCUMENT\n")
        }
        let text = texts.joined(separator: "\n")
        let vector = Embeddings.vector(of: text, dimensions: wanted)
        let values = vector.map { JSONValue.number(Double($0)) }
        return (.object([.init("values", .array(values))]), Tokenizer.count(text))
    }

    /// The name of a model as it stands in a path: without `models/` and options.
    private static func name(_ named: String) -> String {
        let bare = named.hasPrefix("models/") ? named.dropFirst("models/".count) : named[...]
        return String(URLText.decoded(bare).prefix { $0 != "?" })
    }
}
