package import Chat
package import Core
package import NIOCore

/// Puts a provider's embeddings into OpenAI's form; those of several calls, one after the other, into one answer.
///
/// Confined to its loop. Holds the answer it makes and nothing of those it has read.
package struct EmbeddingAnswer {
    private let wantsBase64: Bool
    private let format: EmbeddingFormat
    private let model: JSONString
    private var body = ByteBuffer()
    private var scratch: [UInt8] = []
    /// How many vectors there are so far.
    package private(set) var count = 0
    /// What the calls used so far, as far as the provider said.
    package private(set) var usage = TokenUsage()

    /// - Parameters:
    ///   - request: The whole request, before it was taken apart.
    ///   - model: The model's name as the client is told it.
    package init(to request: EmbeddingRequest, from format: EmbeddingFormat, model: JSONString) {
        self.wantsBase64 = request.wantsBase64
        self.format = format
        self.model = model
        self.body.writeStaticString("{\"object\":\"list\",\"data\":[")
    }

    /// Adds the vectors of one call's answer behind those before it.
    ///
    /// - Parameter expected: How many inputs the call had.
    /// - Throws: `AnswerUnreadable.garbled` if it has another number of vectors, or is nothing of the provider's.
    package mutating func add(_ answer: ByteBuffer, expected: Int) throws(AnswerUnreadable) {
        let before = self.count
        var maker = self
        self.body = ByteBuffer()
        self.scratch = []
        try BodyReader.read(answer) { (reader) throws(AnswerUnreadable) in
            switch maker.format {
            case .cohere, .cohereOnBedrock: try maker.addCohere(reader)
            case .gemini: try maker.addGemini(reader)
            case .titan: try maker.addTitan(reader)
            }
        }
        guard maker.count - before == expected else { throw .garbled }
        self = maker
    }

    /// The whole answer.
    ///
    /// - Parameter estimate: Tokens read, for providers that do not say; OpenAI's form has no way to leave them out.
    package consuming func finish(estimate: Int) -> ByteBuffer {
        self.body.endArray()
        self.body.writeMember("model", self.model)
        self.body.writeKey("usage")
        self.body.beginObject()
        self.body.writeMember("prompt_tokens", self.usage.input ?? estimate)
        self.body.writeMember("total_tokens", self.usage.input ?? estimate)
        self.body.endObject()
        self.body.endObject()
        return self.body
    }

    // MARK: Providers

    private static let cohereNames = JSONNames("embeddings", "meta")
    private static let typeNames = JSONNames("float", "base64")
    private static let metaNames = JSONNames("billed_units", "tokens")
    private static let tokenNames = JSONNames("input_tokens")

    private mutating func addCohere(_ reader: BodyReader) throws(AnswerUnreadable) {
        var lists: JSONSlice?
        var meta: JSONSlice?
        try reader.members(of: reader.root, named: Self.cohereNames) { position, value in
            if position == 0 { lists = value } else { meta = value }
        }
        guard var vectors = lists else { throw .garbled }
        if reader.kind(vectors) == .object {
            var byType: JSONSlice?
            try reader.members(of: vectors, named: Self.typeNames) { _, value in
                if reader.kind(value) == .array { byType = value }
            }
            guard let byType else { throw .garbled }
            vectors = byType
        }
        try self.addVectors(vectors, reader)
        guard let meta, reader.kind(meta) == .object else { return }
        var pairs: (billed: JSONSlice?, tokens: JSONSlice?)
        try reader.members(of: meta, named: Self.metaNames) { position, value in
            if position == 0 { pairs.billed = value } else { pairs.tokens = value }
        }
        var count: Int?
        for pair in [pairs.tokens, pairs.billed] {
            guard count == nil, let pair, reader.kind(pair) == .object else { continue }
            try reader.members(of: pair, named: Self.tokenNames) { _, value in count = reader.scanner.int(value) }
        }
        self.note(count)
    }

    private static let geminiNames = JSONNames("embeddings", "embedding", "usageMetadata")
    private static let valueNames = JSONNames("values")
    private static let countNames = JSONNames("promptTokenCount")

    private mutating func addGemini(_ reader: BodyReader) throws(AnswerUnreadable) {
        var list: JSONSlice?
        var single: JSONSlice?
        var usage: JSONSlice?
        try reader.members(of: reader.root, named: Self.geminiNames) { position, value in
            switch position {
            case 0: list = value
            case 1: single = value
            default: usage = value
            }
        }
        if let list {
            try reader.elements(of: list) { (element) throws(AnswerUnreadable) in
                try self.addValues(of: element, reader)
            }
        } else if let single {
            try self.addValues(of: single, reader)
        } else {
            throw .garbled
        }
        guard let usage, reader.kind(usage) == .object else { return }
        var count: Int?
        try reader.members(of: usage, named: Self.countNames) { _, value in count = reader.scanner.int(value) }
        self.note(count)
    }

    private mutating func addValues(of object: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        var values: JSONSlice?
        try reader.members(of: object, named: Self.valueNames) { _, value in values = value }
        guard let values else { throw .garbled }
        try self.add(values, reader)
    }

    private static let titanNames = JSONNames("embedding", "inputTextTokenCount", "embeddingsByType")

    private mutating func addTitan(_ reader: BodyReader) throws(AnswerUnreadable) {
        var vector: JSONSlice?
        var byType: JSONSlice?
        var count: Int?
        try reader.members(of: reader.root, named: Self.titanNames) { position, value in
            switch position {
            case 0: vector = reader.isNull(value) ? nil : value
            case 1: count = reader.scanner.int(value)
            default: byType = reader.isNull(value) ? nil : value
            }
        }
        if vector == nil, let byType {
            try reader.members(of: byType, named: Self.typeNames) { position, value in
                if position == 0 { vector = value }
            }
        }
        guard let vector else { throw .garbled }
        try self.add(vector, reader)
        self.note(count)
    }

    private mutating func note(_ count: Int?) {
        guard let count, count >= 0 else { return }
        let (sum, overflow) = (self.usage.input ?? 0).addingReportingOverflow(count)
        self.usage.input = overflow ? .max : sum
    }

    // MARK: Vectors

    private mutating func addVectors(_ list: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        try reader.elements(of: list) { (element) throws(AnswerUnreadable) in try self.add(element, reader) }
    }

    /// Adds one vector: a list of numbers, or base64 of them.
    private mutating func add(_ vector: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        self.body.separate()
        self.body.writeStaticString("{\"object\":\"embedding\"")
        self.body.writeMember("index", self.count)
        self.body.writeKey("embedding")
        switch reader.kind(vector) {
        case .string where self.wantsBase64:
            reader.fragment(vector).write(into: &self.body)
        case .array:
            self.scratch.removeAll(keepingCapacity: true)
            try reader.elements(of: vector) { (number) throws(AnswerUnreadable) in
                guard reader.kind(number) == .number else { throw .garbled }
                if self.wantsBase64 { try self.append(number, reader) }
            }
            if self.wantsBase64 {
                self.body.writeStaticString("\"")
                FloatText.writeBase64(self.scratch, into: &self.body)
                self.body.writeStaticString("\"")
            } else {
                reader.fragment(vector).write(into: &self.body)
            }
        default:
            throw .garbled
        }
        self.body.endObject()
        self.count += 1
    }

    private mutating func append(_ number: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        guard let float = reader.text(number, FloatText.float) else { throw .garbled }
        let bits = float.bitPattern
        self.scratch.append(UInt8(truncatingIfNeeded: bits))
        self.scratch.append(UInt8(truncatingIfNeeded: bits >> 8))
        self.scratch.append(UInt8(truncatingIfNeeded: bits >> 16))
        self.scratch.append(UInt8(truncatingIfNeeded: bits >> 24))
    }
}
