internal import Chat
internal import Core
internal import NIOCore

/// Cohere's log probabilities in OpenAI's form.
///
/// Where a piece of text is several tokens, they are one here, as likely as all together.
enum CohereLogprobs {
    private static let names = JSONNames("text", "logprobs")

    /// Those of a whole answer: `{"content":[…],"refusal":null}`; nil if they are no list.
    static func whole(_ slice: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> JSONFragment? {
        guard reader.kind(slice) == .array else { return nil }
        var pieces: [JSONSlice] = []
        try reader.elements(of: slice) { (element) throws(AnswerUnreadable) in pieces.append(element) }
        var out = ByteBuffer()
        out.beginObject()
        out.writeMember("content", try Self.list(pieces, reader))
        out.writeNull("refusal")
        out.endObject()
        return JSONFragment(checked: out)
    }

    /// A list with a token for each piece.
    static func list(_ pieces: [JSONSlice], _ reader: BodyReader) throws(AnswerUnreadable) -> JSONFragment {
        var out = ByteBuffer()
        out.beginArray()
        for piece in pieces { try Self.write(piece, reader, into: &out) }
        out.endArray()
        return JSONFragment(checked: out)
    }

    private static func write(
        _ piece: JSONSlice,
        _ reader: BodyReader,
        into out: inout ByteBuffer
    ) throws(AnswerUnreadable) {
        var token: JSONString?
        var numbers: JSONSlice?
        try reader.members(of: piece, named: Self.names) { position, value in
            if position == 0 { token = reader.string(value) } else { numbers = value }
        }
        var list: [JSONFragment] = []
        if let numbers, reader.kind(numbers) == .array {
            try reader.elements(of: numbers) { (number) throws(AnswerUnreadable) in
                if reader.kind(number) == .number { list.append(reader.fragment(number)) }
            }
        }
        out.separate()
        out.beginObject()
        out.writeMember("token", token ?? .empty)
        out.writeKey("logprob")
        if list.count == 1 {
            list[0].write(into: &out)
        } else {
            let sum = list.reduce(0) { $0 + ($1.double ?? 0) }
            // JSON has no word for what is beyond all numbers.
            out.writeString("\(sum.isFinite ? sum : -Double.greatestFiniteMagnitude)")
        }
        out.writeNull("bytes")
        out.writeKey("top_logprobs")
        out.writeStaticString("[]")
        out.endObject()
    }
}
