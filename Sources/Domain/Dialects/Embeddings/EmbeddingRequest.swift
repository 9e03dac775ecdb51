package import Chat
package import Core
package import NIOCore

/// What providers of embeddings that are not like OpenAI speak.
package enum EmbeddingFormat: UInt8, Sendable, CaseIterable {
    /// Cohere's `/v2/embed`.
    case cohere
    /// Gemini's `:batchEmbedContents`.
    case gemini
    /// Amazon's own models, through Bedrock's `invoke`: one text a call.
    case titan
    /// Cohere's models through Bedrock's `invoke`.
    case cohereOnBedrock

    /// How many texts one call may have.
    ///
    /// Sources: docs.cohere.com/reference/embed, ai.google.dev/gemini-api/docs/embeddings and Amazon's pages of model
    /// parameters.
    package var textsMax: Int {
        switch self {
        case .cohere, .cohereOnBedrock: 96
        case .gemini: 100
        case .titan: 1
        }
    }

    /// The format of a model on Bedrock, by its id; nil if it is no model for embeddings that is known here.
    package static func bedrock(modelID: String) -> EmbeddingFormat? {
        if modelID.contains("titan-embed") { return .titan }
        return modelID.contains("cohere.embed") ? .cohereOnBedrock : nil
    }
}

/// A request of OpenAI's `/v1/embeddings`.
///
/// What is to be embedded stays a slice of the client's bytes, however long the list is.
package struct EmbeddingRequest: Sendable {
    package enum Input: Sendable, Equatable {
        /// Strings.
        case texts
        /// Token ids of a tokenizer that only OpenAI has.
        case tokens
    }

    /// What the vectors are for, in all providers' words for it.
    package enum Purpose: UInt8, Sendable {
        case document, query, classification, clustering, similarity, codeQuery, questionAnswering, factVerification
    }

    /// The inputs as elements of a list, without its brackets.
    package var inputs: ByteBuffer
    /// How many there are.
    package var count: Int
    package var input: Input
    /// Where the input begins in the client's body.
    package var place: Int
    package var dimensions: Given<JSONFragment>?
    /// Whether the vectors are wanted as base64 of little-endian floats, as OpenAI's clients ask for by themselves.
    package var wantsBase64 = false
    package var user: Given<JSONString>?
    package var purpose: Given<Purpose>?
    package var rest: [RestMember] = []

    package init(inputs: ByteBuffer, count: Int, input: Input, place: Int) {
        self.inputs = inputs
        self.count = count
        self.input = input
        self.place = place
    }

    /// The same request in parts of at most so many inputs, in their order.
    package func parts(ofAtMost countMax: Int) -> [EmbeddingRequest] {
        precondition(countMax > 0, "a part must have room for an input, not for \(countMax)")
        guard self.count > countMax else { return [self] }
        var parts: [EmbeddingRequest] = []
        var list = ByteBufferAllocator().buffer(capacity: self.inputs.readableBytes + 2)
        list.beginArray()
        list.writeImmutableBuffer(self.inputs)
        list.endArray()
        var first = 0
        var last = 0
        var inPart = 0
        func close() {
            guard inPart > 0, let bytes = list.getSlice(at: first, length: last - first) else { return }
            var part = self
            part.inputs = bytes
            part.count = inPart
            parts.append(part)
            inPart = 0
        }
        BodyReader.read(list) { reader in
            try? reader.elements(of: reader.root) { (element) throws(AnswerUnreadable) in
                if inPart == countMax { close() }
                if inPart == 0 { first = element.start }
                last = element.end
                inPart += 1
            }
        }
        close()
        return parts
    }

    /// Reads a client's request.
    ///
    /// `input_type` and `task_type` are taken as a hint of what the vectors are for, in Cohere's, Google's or the short
    /// words (`query`, `document`) that others have.
    ///
    /// - Throws: If there is no input, it is empty, or it is neither text nor tokens.
    package static func read(_ body: ByteBuffer) throws(RequestUnreadable) -> EmbeddingRequest {
        try BodyReader.read(body) { (reader) throws(RequestUnreadable) in
            var request: EmbeddingRequest?
            var others = EmbeddingRequest(inputs: ByteBuffer(), count: 0, input: .texts, place: 0)
            try reader.members(of: reader.root) { (key, value) throws(RequestUnreadable) in
                if key.equals("model") || reader.isNull(value) { return }
                if key.equals("input") {
                    request = try Self.input(value, reader)
                } else if key.equals("encoding_format") {
                    others.wantsBase64 = try Self.wantsBase64(value, reader)
                } else if key.equals("dimensions") {
                    guard let count = reader.scanner.int(value), count > 0 else {
                        throw RequestUnreadable(
                            at: value.start,
                            "The number of dimensions is not one.",
                            expected: "a whole number above zero"
                        )
                    }
                    others.dimensions = reader.given(value)
                } else if key.equals("user") {
                    others.user = reader.givenString(value)
                } else if key.equals("input_type") || key.equals("task_type"), others.purpose == nil,
                    let purpose = Purpose(value, reader)
                {
                    others.purpose = Given(purpose, at: value.start)
                } else {
                    others.rest.append(reader.rest(key, value))
                }
            }
            guard let request else {
                throw RequestUnreadable(at: 0, "There is nothing to embed.", expected: "the member `input`")
            }
            others.inputs = request.inputs
            others.count = request.count
            others.input = request.input
            others.place = request.place
            return others
        }
    }

    private static let expected = "a string, a list of strings, or tokens"

    private static func input(_ value: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> EmbeddingRequest {
        if reader.kind(value) == .string {
            return EmbeddingRequest(
                inputs: reader.fragment(value).bytes,
                count: 1,
                input: .texts,
                place: value.start
            )
        }
        guard reader.kind(value) == .array else {
            throw RequestUnreadable(at: value.start, "The input is of a wrong type.", expected: Self.expected)
        }
        var kind: JSONScanner.Kind?
        var count = 0
        var (first, last) = (0, 0)
        try reader.elements(of: value) { (element) throws(RequestUnreadable) in
            let isFirst = count == 0
            if isFirst { (kind, first) = (reader.kind(element), element.start) }
            guard reader.kind(element) == kind, kind == .string || kind == .number || kind == .array else {
                throw RequestUnreadable(at: element.start, "An input is of a wrong type.", expected: Self.expected)
            }
            last = element.end
            count += 1
        }
        guard count > 0 else {
            throw RequestUnreadable(at: value.start, "The list of inputs is empty.", expected: Self.expected)
        }
        // A list of numbers is one input: its tokens.
        let elements = kind == .number ? value : JSONSlice(start: first, end: last)
        return EmbeddingRequest(
            inputs: reader.fragment(elements).bytes,
            count: kind == .number ? 1 : count,
            input: kind == .string ? .texts : .tokens,
            place: value.start
        )
    }

    private static func wantsBase64(_ value: JSONSlice, _ reader: BodyReader) throws(RequestUnreadable) -> Bool {
        if reader.equals(value, "base64") { return true }
        if reader.equals(value, "float") { return false }
        throw RequestUnreadable(at: value.start, "This encoding is unknown.", expected: "`float` or `base64`")
    }
}

extension EmbeddingRequest.Purpose {
    private static let words: [(word: StaticString, purpose: Self)] = [
        ("search_document", .document), ("document", .document), ("passage", .document),
        ("RETRIEVAL_DOCUMENT", .document), ("search_query", .query), ("query", .query), ("RETRIEVAL_QUERY", .query),
        ("classification", .classification), ("CLASSIFICATION", .classification), ("clustering", .clustering),
        ("CLUSTERING", .clustering), ("SEMANTIC_SIMILARITY", .similarity), ("CODE_RETRIEVAL_QUERY", .codeQuery),
        ("QUESTION_ANSWERING", .questionAnswering), ("FACT_VERIFICATION", .factVerification),
    ]

    fileprivate init?(_ value: JSONSlice, _ reader: BodyReader) {
        guard let known = Self.words.first(where: { reader.equals(value, $0.word) }) else { return nil }
        self = known.purpose
    }

    /// Cohere's word for it, or the nearest.
    var cohere: StaticString {
        switch self {
        case .document: "search_document"
        case .query, .codeQuery, .questionAnswering, .factVerification: "search_query"
        case .classification: "classification"
        case .clustering, .similarity: "clustering"
        }
    }

    /// Whether Cohere has no word of its own for it.
    var isApproximateForCohere: Bool {
        switch self {
        case .document, .query, .classification, .clustering: false
        case .codeQuery, .questionAnswering, .factVerification, .similarity: true
        }
    }

    var gemini: StaticString {
        switch self {
        case .document: "RETRIEVAL_DOCUMENT"
        case .query: "RETRIEVAL_QUERY"
        case .classification: "CLASSIFICATION"
        case .clustering: "CLUSTERING"
        case .similarity: "SEMANTIC_SIMILARITY"
        case .codeQuery: "CODE_RETRIEVAL_QUERY"
        case .questionAnswering: "QUESTION_ANSWERING"
        case .factVerification: "FACT_VERIFICATION"
        }
    }
}
