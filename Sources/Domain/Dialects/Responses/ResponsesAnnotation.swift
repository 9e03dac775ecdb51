internal import Chat
internal import Core
internal import NIOCore

/// Sources of a text, in this dialect's words.
enum ResponsesAnnotation {
    /// A provider's citation as an annotation.
    ///
    /// Known are this dialect's own, chat's, which have the members one level deeper, and all others with an address.
    ///
    /// - Parameter textCount: The length of the text it belongs to, in characters, for citations of a whole text.
    /// - Returns: Nil for what has no place here, such as a passage of a document that the client sent.
    static func told(_ citation: JSONFragment, textCount: @autoclosure () -> Int) -> JSONFragment? {
        let type = citation.value(of: "type")?.string
        let inner = citation.value(of: "url_citation")
        let nested = inner?.kind == .object ? inner : nil
        var body = ByteBuffer()
        if let nested {
            body.beginObject()
            body.writeMember("type", word: "url_citation")
            body.write(nested)
            body.endObject()
            return JSONFragment(checked: body)
        }
        let own: [StaticString] = ["url_citation", "file_citation", "container_file_citation", "file_path"]
        if let type, own.contains(where: { type.equals($0) }) { return citation }
        let source = CitedSource(citation)
        guard let url = source.url else { return nil }
        body.beginObject()
        body.writeMember("type", word: "url_citation")
        body.writeMember("start_index", source.start ?? 0)
        body.writeMember("end_index", source.end ?? textCount())
        body.writeMember("url", url)
        body.writeMember("title", source.title ?? url)
        body.endObject()
        return JSONFragment(checked: body)
    }
}

extension ByteBuffer {
    /// All members of an object, as they stand.
    fileprivate mutating func write(_ object: JSONFragment) {
        BodyReader.read(object.bytes) { reader in
            try? reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                self.write([reader.rest(key, value)])
            }
        }
    }
}

extension TokenUsage {
    private static let names = JSONNames(
        "input_tokens",
        "output_tokens",
        "input_tokens_details",
        "output_tokens_details"
    )
    private static let details = JSONNames(
        "cached_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "audio_tokens"
    )

    /// Reads the `usage` of a response; what is no count there is not said.
    init(responses value: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) {
        self.init()
        guard reader.kind(value) == .object else { return }
        var usage = TokenUsage()
        try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
            switch Self.names.position(of: key) {
            case 0: usage.input = Self.count(value, reader)
            case 1: usage.output = Self.count(value, reader)
            case 2: try usage.takeDetails(value, reader, isInput: true)
            case 3: try usage.takeDetails(value, reader, isInput: false)
            default: break
            }
        }
        self = usage
    }

    private mutating func takeDetails(
        _ value: JSONSlice,
        _ reader: BodyReader,
        isInput: Bool
    ) throws(AnswerUnreadable) {
        guard reader.kind(value) == .object else { return }
        var usage = self
        try reader.members(of: value) { (key, value) throws(AnswerUnreadable) in
            switch (Self.details.position(of: key), isInput) {
            case (0, true): usage.cachedInput = Self.count(value, reader)
            case (1, true): usage.cacheWrite = Self.count(value, reader)
            case (2, false): usage.reasoning = Self.count(value, reader)
            case (3, true): usage.audioInput = Self.count(value, reader)
            case (3, false): usage.audioOutput = Self.count(value, reader)
            default: break
            }
        }
        self = usage
    }

    /// Numbers that no call can have count as not said.
    private static func count(_ value: JSONSlice, _ reader: BodyReader) -> Int? {
        reader.scanner.int(value).flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
    }

    /// The `usage` of a response; `null` where it is not known what was read and written.
    ///
    /// All figures are demanded where there are any; details that nobody said are 0.
    func writeResponses(into body: inout ByteBuffer) {
        body.writeKey("usage")
        guard let input = self.input, let output = self.output else {
            body.writeStaticString("null")
            return
        }
        body.beginObject()
        body.writeMember("input_tokens", input)
        body.writeKey("input_tokens_details")
        body.beginObject()
        body.writeMember("cached_tokens", self.cachedInput ?? 0)
        body.writeMember("cache_write_tokens", self.cacheWrite ?? 0)
        body.endObject()
        body.writeMember("output_tokens", output)
        body.writeKey("output_tokens_details")
        body.beginObject()
        body.writeMember("reasoning_tokens", self.reasoning ?? 0)
        body.endObject()
        body.writeMember("total_tokens", input.addingReportingOverflow(output).partialValue)
        body.endObject()
    }
}
