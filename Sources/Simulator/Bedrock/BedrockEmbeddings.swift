/// Answers InvokeModel for models that make vectors: Amazon's Titan and Cohere's Embed, told apart by their bodies.
enum BedrockEmbeddings {
    struct Answer {
        var body: JSONValue
        var inputTokens: Int
    }

    /// The answer to the body of an invocation.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func answer(_ body: JSONValue, sequence: Int) throws(APIFailure) -> Answer {
        if body["inputText"] != nil { return try Self.titan(body) }
        if body["texts"] != nil || body["images"] != nil { return try Self.cohere(body, sequence: sequence) }
        throw Self.malformed("#: required key [inputText] not found")
    }

    private static func malformed(_ why: String) -> APIFailure {
        BedrockErrors.validation("Malformed input request: \(why), please reformat your input and try again.")
    }

    private static func refuseOthers(_ body: JSONValue, but known: Set<String>) throws(APIFailure) {
        for member in body.members ?? [] where !known.contains(member.key) {
            throw Self.malformed("#: extraneous key [\(member.key)] is not permitted")
        }
    }

    // MARK: - Titan Text Embeddings V2

    private static func titan(_ body: JSONValue) throws(APIFailure) -> Answer {
        try Self.refuseOthers(body, but: ["inputText", "dimensions", "normalize", "embeddingTypes"])
        guard let text = body["inputText"]?.string else {
            throw Self.malformed("#/inputText: expected type: String, found: \(body["inputText"]?.kind ?? "Null")")
        }
        guard !text.isEmpty else { throw Self.malformed("#/inputText: expected minLength: 1, actual: 0") }
        let dimensions = body.present("dimensions") ?? .integer(1024)
        guard let count = dimensions.integer, [256, 512, 1024].contains(count) else {
            throw Self.malformed("#/dimensions: \(dimensions.text) is not a valid enum value")
        }
        if let field = body.present("normalize"), field.bool == nil {
            throw Self.malformed("#/normalize: expected type: Boolean, found: \(field.kind)")
        }
        let types = try Self.types(body.present("embeddingTypes"), known: ["float", "binary"], at: "embeddingTypes")
        let vector = Embeddings.vector(of: text, dimensions: count)
        let tokens = Tokenizer.count(text)
        let floats = JSONValue.array(vector.map { .number(Double($0)) })
        let binary = JSONValue.array(vector.map { .integer($0 > 0 ? 1 : 0) })
        let wanted = types.isEmpty ? ["float"] : types
        var members: [JSONValue.Member] = []
        if wanted.contains("float") { members.append(.init("embedding", floats)) }
        members.append(
            .init("embeddingsByType", .object(wanted.map { .init($0, $0 == "float" ? floats : binary) }))
        )
        members.append(.init("inputTextTokenCount", .integer(tokens)))
        return Answer(body: .object(members), inputTokens: tokens)
    }

    private static func types(
        _ field: JSONValue?,
        known: Set<String>,
        at name: String
    ) throws(APIFailure) -> [String] {
        guard let field else { return [] }
        guard let list = field.array, !list.isEmpty else {
            throw Self.malformed("#/\(name): expected type: JSONArray, found: \(field.kind)")
        }
        var types: [String] = []
        for element in list {
            guard let word = element.string, known.contains(word) else {
                throw Self.malformed("#/\(name): \(element.text) is not a valid enum value")
            }
            types.append(word)
        }
        return types
    }

    // MARK: - Cohere Embed

    private static let inputTypes: Set<String> = [
        "search_document", "search_query", "classification", "clustering", "image",
    ]

    private static func cohere(_ body: JSONValue, sequence: Int) throws(APIFailure) -> Answer {
        try Self.refuseOthers(
            body,
            but: ["texts", "images", "input_type", "truncate", "embedding_types", "output_dimension", "max_tokens"]
        )
        guard let type = body["input_type"]?.string, Self.inputTypes.contains(type) else {
            throw Self.malformed("#: required key [input_type] not found")
        }
        var texts: [String] = []
        for element in body["texts"]?.array ?? [] {
            guard let text = element.string else {
                throw Self.malformed("#/texts: expected type: String, found: \(element.kind)")
            }
            texts.append(text)
        }
        guard 1...96 ~= texts.count else {
            throw Self.malformed("#/texts: expected minimum item count: 1, maximum: 96, found: \(texts.count)")
        }
        if let word = body.present("truncate"), !["NONE", "START", "END", "LEFT", "RIGHT"].contains(word.string) {
            throw Self.malformed("#/truncate: \(word.text) is not a valid enum value")
        }
        let known: Set<String> = ["float", "int8", "uint8", "binary", "ubinary"]
        let types = try Self.types(body.present("embedding_types"), known: known, at: "embedding_types")
        let dimensions = body["output_dimension"]?.integer ?? 1024
        guard [256, 512, 1024, 1536].contains(dimensions) else {
            throw Self.malformed("#/output_dimension: \(dimensions) is not a valid enum value")
        }
        let vectors = texts.map { Embeddings.vector(of: $0, dimensions: dimensions) }
        let tokens = texts.reduce(0) { $0 + Tokenizer.count($1) }
        let embeddings: JSONValue
        if types.isEmpty {
            embeddings = .array(vectors.map { VectorForm.float.value($0) })
        } else {
            embeddings = .object(
                types.compactMap { VectorForm(rawValue: $0) }.map { form in
                    .init(form.rawValue, .array(vectors.map { form.value($0) }))
                }
            )
        }
        let answer = JSONValue.object([
            .init("id", .string("sim-\(sequence)")), .init("embeddings", embeddings),
            .init("response_type", .string(types.isEmpty ? "embeddings_floats" : "embeddings_by_type")),
            .init("texts", .array(texts.map { .string($0) })),
        ])
        return Answer(body: answer, inputTokens: tokens)
    }
}

extension JSONValue {
    /// How AWS's checker of JSON schemas names this kind of value.
    fileprivate var kind: String {
        switch self {
        case .null: return "Null"
        case .bool: return "Boolean"
        case .integer: return "Integer"
        case .number: return "BigDecimal"
        case .string: return "String"
        case .array: return "JSONArray"
        case .object: return "JSONObject"
        }
    }
}
