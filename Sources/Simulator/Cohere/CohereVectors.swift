/// Answers embed and rerank requests of Cohere's v2.
enum CohereVectors {
    struct Answer {
        var body: JSONValue
        var promptTokens: Int
    }

    private static let inputTypes: Set<String> = [
        "search_document", "search_query", "classification", "clustering", "image",
    ]

    // MARK: - Embed

    /// The answer to an embed request.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func embed(_ body: JSONValue, model: String, sequence: Int) throws(APIFailure) -> Answer {
        try CohereField.check(body, CohereField.embed, page: "embed")
        guard let type = body.present("input_type")?.string else {
            throw CohereErrors.invalid("valid input_type must be provided with the provided model")
        }
        guard Self.inputTypes.contains(type) else {
            let known = Self.inputTypes.sorted().joined(separator: ", ")
            throw CohereErrors.invalid("input_type '\(type)' must be one of \(known)")
        }
        let inputs = try Self.inputs(body)
        let forms = try Self.forms(body)
        let usual = model.contains("v3") ? 1024 : 1536
        let dimensions = body["output_dimension"]?.integer ?? usual
        guard [256, 512, 1024, 1536].contains(dimensions) else {
            throw CohereErrors.invalid("output_dimension must be one of 256, 512, 1024, 1536")
        }
        if let word = body["truncate"]?.string, !["NONE", "START", "END"].contains(word) {
            throw CohereErrors.invalid("truncate '\(word)' must be one of NONE, START, END")
        }
        let vectors = inputs.map { Embeddings.vector(of: $0.text, dimensions: dimensions) }
        let embeddings = forms.map { form in
            JSONValue.Member(form.rawValue, .array(vectors.map { form.value($0) }))
        }
        let tokens = inputs.reduce(0) { $0 + $1.tokens }
        let images = inputs.reduce(0) { $0 + $1.images }
        var billed: [JSONValue.Member] = [.init("input_tokens", .integer(tokens))]
        if images > 0 { billed.append(.init("images", .integer(images))) }
        var members: [JSONValue.Member] = [
            .init("id", .string("sim-\(sequence)")), .init("embeddings", .object(embeddings)),
        ]
        if let texts = body.present("texts") { members.append(.init("texts", texts)) }
        members.append(Self.meta(billed))
        members.append(.init("response_type", .string("embeddings_by_type")))
        return Answer(body: .object(members), promptTokens: tokens)
    }

    private struct Input {
        var text: String
        var images = 0

        var tokens: Int { Tokenizer.count(self.text) }
    }

    private static func inputs(_ body: JSONValue) throws(APIFailure) -> [Input] {
        let given = ["texts", "images", "inputs"].filter { body.present($0) != nil }
        guard given.count == 1, let name = given.first, let elements = body[name]?.array, !elements.isEmpty else {
            throw CohereErrors.invalid("exactly one of texts, images and inputs must be given, and not be empty")
        }
        guard elements.count <= 96 else {
            throw CohereErrors.invalid("total number of \(name) must be at most 96 - received \(elements.count)")
        }
        var inputs: [Input] = []
        for element in elements {
            switch name {
            case "texts": inputs.append(Input(text: element.string ?? ""))
            case "images": inputs.append(try Self.image(element.string))
            default:
                var input = Input(text: "")
                for part in element["content"]?.array ?? [] {
                    input.text += part["text"]?.string ?? ""
                    guard part["image_url"] != nil else { continue }
                    input.images += try Self.image(part["image_url"]?["url"]?.string).images
                }
                inputs.append(input)
            }
        }
        return inputs
    }

    private static func image(_ uri: String?) throws(APIFailure) -> Input {
        guard let uri, uri.hasPrefix("data:image/"), uri.contains(";base64,") else {
            throw CohereErrors.invalid("image must be a valid data URI")
        }
        return Input(text: "", images: 1)
    }

    private static func forms(_ body: JSONValue) throws(APIFailure) -> [VectorForm] {
        guard let words = body.present("embedding_types")?.array?.compactMap(\.string) else { return [.float] }
        guard !words.isEmpty else { throw CohereErrors.invalid("embedding_types must not be empty") }
        var forms: [VectorForm] = []
        for word in words {
            guard let form = VectorForm(rawValue: word) else {
                let known = VectorForm.allCases.map(\.rawValue).joined(separator: ", ")
                throw CohereErrors.invalid("embedding_types '\(word)' must be one of \(known)")
            }
            if !forms.contains(form) { forms.append(form) }
        }
        return forms
    }

    // MARK: - Rerank

    /// The answer to a rerank request: documents that share words with the query come first.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func rerank(_ body: JSONValue, sequence: Int) throws(APIFailure) -> Answer {
        try CohereField.check(body, CohereField.rerank, page: "rerank")
        guard let query = body.present("query")?.string, !query.isEmpty else {
            throw CohereErrors.invalid("query must not be empty")
        }
        let documents = (body.present("documents")?.array ?? []).compactMap(\.string)
        guard 1...10_000 ~= documents.count else {
            throw CohereErrors.invalid("documents must have from 1 to 10000 elements")
        }
        let wanted = body["top_n"]?.integer ?? documents.count
        guard wanted >= 1 else { throw CohereErrors.invalid("top_n must be at least 1") }
        if let limit = body["max_tokens_per_doc"]?.integer, limit < 1 {
            throw CohereErrors.invalid("max_tokens_per_doc must be at least 1")
        }
        let asked = Embeddings.vector(of: query, dimensions: 256)
        let scores = documents.map { document in
            let vector = Embeddings.vector(of: document, dimensions: 256)
            let product = zip(asked, vector).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            return max(0, min(1, Double(product)))
        }
        let order = scores.indices.sorted { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }
        let results = order.prefix(wanted).map { index in
            JSONValue.object([
                .init("index", .integer(index)), .init("relevance_score", .number(scores[index])),
            ])
        }
        let answer = JSONValue.object([
            .init("id", .string("sim-\(sequence)")), .init("results", .array(results)),
            Self.meta([.init("search_units", .integer((documents.count + 99) / 100))]),
        ])
        let tokens = documents.reduce(Tokenizer.count(query)) { $0 + Tokenizer.count($1) }
        return Answer(body: answer, promptTokens: tokens)
    }

    private static func meta(_ billed: [JSONValue.Member]) -> JSONValue.Member {
        let version = JSONValue.object([.init("version", .string("2"))])
        return .init(
            "meta",
            .object([.init("api_version", version), .init("billed_units", .object(billed))])
        )
    }
}
