package import Chat
package import Core
package import NIOCore

/// What providers of reranking speak.
package enum RerankFormat: UInt8, Sendable, CaseIterable {
    /// Cohere's `/v2/rerank`.
    case cohere
    /// Cohere's models through Bedrock's `invoke`.
    case cohereOnBedrock
}

/// A request of `/v1/rerank`, as Cohere's first version, Jina and others have it.
///
/// The documents stay slices of the client's bytes.
package struct RerankRequest: Sendable {
    package var query: Given<JSONString>
    /// Strings, or objects with a `text`.
    package var documents: Given<JSONFragment>
    package var count: Int
    package var topN: Given<JSONFragment>?
    /// Whether each result is to have its document.
    package var returnsDocuments = false
    package var rest: [RestMember] = []

    /// Reads a client's request.
    ///
    /// - Throws: If the query or the documents are missing or of a wrong type.
    package static func read(_ body: ByteBuffer) throws(RequestUnreadable) -> RerankRequest {
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) in
            var query: Given<JSONString>?
            var documents: Given<JSONFragment>?
            var count = 0
            var topN: Given<JSONFragment>?
            var returnsDocuments = false
            var rest: [RestMember] = []
            try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                if key.equals("model") || reader.isNull(value) { return }
                if key.equals("query") {
                    query = reader.givenString(value)
                } else if key.equals("documents") {
                    count = try Self.count(value, reader)
                    documents = reader.given(value)
                } else if key.equals("top_n") {
                    guard let number = reader.scanner.int(value), number > 0 else {
                        throw RequestUnreadable(
                            at: value.start,
                            "The number of results is not one.",
                            expected: "a whole number above zero"
                        )
                    }
                    topN = reader.given(value)
                } else if key.equals("return_documents") {
                    returnsDocuments = reader.scanner.bool(value) == true
                } else {
                    rest.append(reader.rest(key, value))
                }
            }
            guard let query else {
                throw RequestUnreadable(at: 0, "There is no query.", expected: "a string in `query`")
            }
            guard let documents else {
                throw RequestUnreadable(at: 0, "There are no documents.", expected: "a list in `documents`")
            }
            var request = RerankRequest(query: query, documents: documents, count: count)
            request.topN = topN
            request.returnsDocuments = returnsDocuments
            request.rest = rest
            return request
        }
    }

    private init(query: Given<JSONString>, documents: Given<JSONFragment>, count: Int) {
        self.query = query
        self.documents = documents
        self.count = count
    }

    private static func count(_ list: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> Int {
        let expected = "a list of strings or of objects with a `text`"
        guard reader.kind(list) == .array else {
            throw RequestUnreadable(at: list.start, "The documents are of a wrong type.", expected: expected)
        }
        var count = 0
        try reader.elements(of: list) { (document) throws(RequestUnreadable) in
            guard reader.kind(document) == .string || reader.kind(document) == .object else {
                throw RequestUnreadable(at: document.start, "A document is of a wrong type.", expected: expected)
            }
            count += 1
        }
        guard count > 0 else {
            throw RequestUnreadable(at: list.start, "The list of documents is empty.", expected: expected)
        }
        return count
    }

    /// Appends the request in a provider's words.
    ///
    /// A document that is an object is told by its `text`, or by all of its JSON where it has none.
    package func write(
        as format: RerankFormat,
        for target: TargetTraits,
        losses: inout Losses,
        into body: inout ByteBuffer
    ) {
        body.reserveCapacity(minimumWritableBytes: self.documents.value.bytes.readableBytes + 256)
        body.beginObject()
        switch format {
        case .cohere: body.writeMember("model", target.model)
        case .cohereOnBedrock: body.writeMember("api_version", 2)
        }
        body.writeMember("query", self.query.value)
        if let topN { body.writeMember("top_n", topN.value) }
        for member in self.rest {
            let isKnown = member.name.equals("max_tokens_per_doc") || member.name.equals("priority")
            if isKnown, format == .cohere { body.write([member]) } else { losses.dropWishes(in: [member]) }
        }
        body.writeKey("documents")
        body.beginArray()
        self.forEachDocument { document in
            body.separate()
            Self.text(of: document).write(into: &body)
        }
        body.endArray()
        body.endObject()
    }

    private func forEachDocument(_ visit: (JSONFragment) -> Void) {
        BodyReader.read(self.documents.value.bytes) { reader in
            try? reader.elements(of: reader.root) { (document) throws(AnswerUnreadable) in
                visit(reader.fragment(document))
            }
        }
    }

    private static func text(of document: JSONFragment) -> JSONString {
        document.string ?? document.value(of: "text")?.string ?? JSONString(utf8: document.bytes)
    }

    private static let answerNames = JSONNames("results", "id", "meta")
    private static let resultNames = JSONNames("index", "relevance_score", "document")

    /// Puts a provider's answer into the client's form.
    ///
    /// - Parameters:
    ///   - answer: The provider's body.
    ///   - model: The model's name as the client is told it.
    /// - Throws: `AnswerUnreadable.garbled` if it is no list of results, or one names a document that is not there.
    package func answer(
        from answer: ByteBuffer,
        model: JSONString,
        into body: inout ByteBuffer
    ) throws(AnswerUnreadable) -> TokenUsage {
        var documents: [JSONFragment] = []
        if self.returnsDocuments { self.forEachDocument { documents.append($0) } }
        return try BodyReader.read(answer) { (reader) throws(AnswerUnreadable) in
            var results: JSONSlice?
            var others: (id: JSONSlice?, meta: JSONSlice?)
            try reader.members(of: reader.root, named: Self.answerNames) { position, value in
                switch position {
                case 0: results = value
                case 1: others.id = reader.isNull(value) ? nil : value
                default: others.meta = reader.isNull(value) ? nil : value
                }
            }
            guard let results else { throw .garbled }
            body.beginObject()
            if let id = others.id { body.writeMember("id", reader.fragment(id)) }
            body.writeMember("model", model)
            body.writeKey("results")
            body.beginArray()
            try reader.elements(of: results) { (result) throws(AnswerUnreadable) in
                body.separate()
                try self.write(result, reader, documents, &body)
            }
            body.endArray()
            if let meta = others.meta { body.writeMember("meta", reader.fragment(meta)) }
            body.endObject()
            return try others.meta.map { (meta) throws(AnswerUnreadable) in
                try CohereUsage.read(meta, reader)
            } ?? TokenUsage()
        }
    }

    private func write(
        _ result: JSONSlice,
        _ reader: BodyReader,
        _ documents: [JSONFragment],
        _ body: inout ByteBuffer
    ) throws(AnswerUnreadable) {
        var index: Int?
        var score: JSONSlice?
        try reader.members(of: result, named: Self.resultNames) { position, value in
            if position == 0 { index = reader.scanner.int(value) }
            if position == 1 { score = value }
        }
        guard let index, (0..<self.count).contains(index), let score, reader.kind(score) == .number else {
            throw .garbled
        }
        body.beginObject()
        body.writeMember("index", index)
        body.writeMember("relevance_score", reader.fragment(score))
        if documents.indices.contains(index) {
            body.writeKey("document")
            if documents[index].kind == .object {
                documents[index].write(into: &body)
            } else {
                body.beginObject()
                body.writeMember("text", documents[index])
                body.endObject()
            }
        }
        body.endObject()
    }
}
