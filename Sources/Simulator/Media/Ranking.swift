/// Ranks documents by the words they share with a query, as Cohere's and Jina's rerankers are asked to.
enum Ranking {
    /// The answer to the request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func answer(
        _ body: JSONValue,
        model: String,
        sequence: Int
    ) throws(APIFailure) -> (body: [UInt8], tokens: Int) {
        guard let field = body.present("query") else { throw .missing("query") }
        guard let query = field.string else { throw .wrongType("query", wants: "a string", got: field) }
        guard let list = body.present("documents") else { throw .missing("documents") }
        guard let documents = list.array else { throw .wrongType("documents", wants: "an array", got: list) }
        guard !documents.isEmpty else { throw .emptyArray("documents") }
        var texts: [String] = []
        for (index, document) in documents.enumerated() {
            guard let text = document.string ?? document["text"]?.string else {
                throw .wrongType("documents[\(index)]", wants: "a string or an object with a text", got: document)
            }
            texts.append(text)
        }
        var ranked = Self.rank(texts, by: query)
        if let limit = body.present("top_n") {
            guard let count = limit.integer, count > 0 else {
                throw .invalid("top_n", "Invalid 'top_n': expected a positive integer.")
            }
            ranked = Array(ranked.prefix(count))
        }
        let returns = body["return_documents"]?.bool ?? false
        let results = ranked.map { place -> JSONValue in
            var members: [JSONValue.Member] = [
                .init("index", .integer(place.index)), .init("relevance_score", .number(place.score)),
            ]
            if returns {
                members.append(.init("document", .object([.init("text", .string(texts[place.index]))])))
            }
            return .object(members)
        }
        let tokens = texts.reduce(Tokenizer.count(query)) { $0 + Tokenizer.count($1) }
        let meta = JSONValue.object([
            .init("api_version", .object([.init("version", .string("1"))])),
            .init("billed_units", .object([.init("search_units", .integer((texts.count + 99) / 100))])),
        ])
        let answer = JSONValue.object([
            .init("id", .string("rerank-sim\(sequence)")), .init("model", .string(model)),
            .init("results", .array(results)), .init("meta", meta),
            .init(
                "usage",
                .object([.init("prompt_tokens", .integer(tokens)), .init("total_tokens", .integer(tokens))])
            ),
        ])
        return (Array(answer.text.utf8), tokens)
    }

    /// Where each document stands, the best first.
    ///
    /// The score is the share of the query's words that the document has, from 0 to 1.
    static func rank(_ documents: [String], by query: String) -> [(index: Int, score: Double)] {
        let wanted = Self.words(query)
        let scored = documents.enumerated().map { index, text -> (index: Int, score: Double) in
            let shared = wanted.intersection(Self.words(text)).count
            return (index, wanted.isEmpty ? 0 : Double(shared) / Double(wanted.count))
        }
        return scored.sorted { ($1.score, $0.index) < ($0.score, $1.index) }
    }

    private static func words(_ text: String) -> Set<String> {
        Set(text.lowercased().split { !$0.isLetter && !$0.isNumber }.prefix(10_000).map { String($0) })
    }
}
