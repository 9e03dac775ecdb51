internal import Chat
internal import Core
internal import NIOCore

/// Sources that an answer names for its text, as this dialect has them.
enum AnthropicCitation {
    private static let types: [StaticString] = [
        "char_location", "page_location", "content_block_location", "web_search_result_location",
        "search_result_location",
    ]

    /// A source in this dialect's words; nil where it has none for it: the SDKs know no others.
    ///
    /// An address becomes a result of a web search, whose index, which only Anthropic can read, is empty. Bedrock's
    /// places in documents are those of this dialect by other names.
    ///
    /// - Parameter text: The text that it is for, to say which part of it; nil where that is not known.
    static func told(_ citation: JSONFragment, of text: JSONString?) -> JSONFragment? {
        if let type = citation.value(of: "type")?.string, self.types.contains(where: { type.equals($0) }) {
            return citation
        }
        let source = CitedSource(citation)
        var body = ByteBuffer()
        body.beginObject()
        if let place = source.place {
            self.write(place, source, into: &body)
        } else if let url = source.url {
            body.writeMember("type", word: "web_search_result_location")
            body.writeMember("cited_text", source.text ?? self.cited(source, of: text))
            body.writeMember("encrypted_index", JSONString.empty)
            body.writeMember("title", source.title ?? url)
            body.writeMember("url", url)
        } else {
            return nil
        }
        body.endObject()
        return JSONFragment(checked: body)
    }

    private static func write(_ place: CitedSource.Place, _ source: CitedSource, into body: inout ByteBuffer) {
        func write(
            _ type: StaticString,
            _ index: (StaticString, Int),
            _ start: (StaticString, Int),
            _ end: (StaticString, Int)
        ) {
            body.writeMember("type", word: type)
            body.writeMember("cited_text", source.text ?? .empty)
            body.writeMember(index.0, index.1)
            body.writeMember(start.0, start.1)
            body.writeMember(end.0, end.1)
        }
        var titleName: StaticString = "document_title"
        switch place {
        case .characters(let index, let start, let end):
            write("char_location", ("document_index", index), ("start_char_index", start), ("end_char_index", end))
        case .pages(let index, let start, let end):
            write(
                "page_location",
                ("document_index", index),
                ("start_page_number", start),
                ("end_page_number", end)
            )
        case .blocks(let index, let start, let end):
            write(
                "content_block_location",
                ("document_index", index),
                ("start_block_index", start),
                ("end_block_index", end)
            )
        case .searchResult(let index, let start, let end):
            write(
                "search_result_location",
                ("search_result_index", index),
                ("start_block_index", start),
                ("end_block_index", end)
            )
            body.writeMember("source", source.url ?? source.title ?? .empty)
            titleName = "title"
        }
        if let title = source.title { body.writeMember(titleName, title) } else { body.writeNull(titleName) }
    }

    /// The characters of a text that a source is for; none where it does not say which.
    private static func cited(_ source: CitedSource, of text: JSONString?) -> JSONString {
        guard let text, let start = source.start, let end = source.end, start < end else { return .empty }
        let bytes = text.utf8
        var count = 0
        var range = (start: bytes.writerIndex, end: bytes.writerIndex)
        let view = bytes.readableBytesView
        // Characters are Unicode scalars: each begins with a byte that continues none.
        for index in view.indices where view[index] & 0xC0 != 0x80 {
            if count == start { range.start = index }
            if count == end {
                range.end = index
                break
            }
            count += 1
        }
        guard range.start < range.end else { return .empty }
        return JSONString(utf8: bytes.getSlice(at: range.start, length: range.end - range.start) ?? ByteBuffer())
    }
}
