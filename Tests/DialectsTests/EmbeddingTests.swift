import Chat
import Core
import Dialects
import NIOCore
import Testing

struct EmbeddingTests {
    private func read(_ text: String) throws -> EmbeddingRequest {
        try EmbeddingRequest.read(ByteBuffer(string: text))
    }

    private func write(
        _ request: EmbeddingRequest,
        _ format: EmbeddingFormat,
        _ model: String
    ) throws -> (body: String, losses: Losses) {
        var losses = Losses()
        var body = ByteBuffer()
        let target = TargetTraits(model: JSONString(model), modelID: model)
        try EmbeddingRequestWriter.write(request, as: format, for: target, losses: &losses, into: &body)
        try body.withBytes { (bytes) throws(JSONError) in try JSONScanner.validate(bytes) }
        return (String(buffer: body), losses)
    }

    private let body =
        #"{"model":"m","input":["a", "b\"c"],"encoding_format":"base64","dimensions":256,"user":"u","#
        + #""input_type":"query","truncate":"END","odd":1}"#

    @Test func `each provider is told in its own words`() throws {
        let request = try self.read(self.body)
        let cohere = try self.write(request, .cohere, "embed-v4.0")
        let shared = #""embedding_types":["base64"],"output_dimension":256,"truncate":"END","texts":["a", "b\"c"]}"#
        #expect(cohere.body == #"{"model":"embed-v4.0","input_type":"search_query","# + shared)
        #expect(cohere.losses.paths(in: ByteBuffer(string: self.body)) == ["user", "odd"])
        let bedrock = try self.write(request, .cohereOnBedrock, "cohere.embed-english-v3")
        let english = #"{"input_type":"search_query","embedding_types":["float"],"truncate":"END","#
        #expect(bedrock.body == english + #""texts":["a", "b\"c"]}"#)
        let gemini = try self.write(request, .gemini, "gemini-embedding-001")
        let frame = #"{"model":"models/gemini-embedding-001","taskType":"RETRIEVAL_QUERY","outputDimensionality":256,"#
        let first = frame + #""content":{"parts":[{"text":"a"}]}},"#
        let second = frame + #""content":{"parts":[{"text":"b\"c"}]}}"#
        #expect(gemini.body == #"{"requests":["# + first + second + "]}")
        let parts = request.parts(ofAtMost: EmbeddingFormat.titan.textsMax)
        #expect(parts.map(\.count) == [1, 1])
        let titan = try self.write(parts[1], .titan, "amazon.titan-embed-text-v2:0").body
        #expect(titan == #"{"inputText":"b\"c","dimensions":256}"#)
        #expect(throws: (any Error).self) { try self.write(request, .titan, "amazon.titan-embed-text-v2:0") }
    }

    @Test(arguments: [#""input":[1,2]"#, #""input":[[1],[2,3]]"#])
    func `tokens are read, and refused by who cannot know them`(_ input: String) throws {
        let request = try self.read("{" + input + "}")
        #expect(request.input == .tokens)
        for format in EmbeddingFormat.allCases {
            #expect(throws: RequestUnwritable.self) { try self.write(request, format, "m") }
        }
    }

    @Test(arguments: [
        "{}", #"{"input":null}"#, #"{"input":[]}"#, #"{"input":{}}"#, #"{"input":["a",1]}"#, #"{"input":[null]}"#,
        #"{"input":"a","dimensions":0}"#, #"{"input":"a","encoding_format":"hex"}"#, #"{"input":"a","input":"b"}"#,
        "[]",
    ])
    func `what is no input is refused`(_ body: String) {
        #expect(throws: RequestUnreadable.self) { try self.read(body) }
    }

    @Test func `a long list is taken apart in its order`() throws {
        let texts = (0..<250).map { #""t\#($0)""# }.joined(separator: " , ")
        let request = try self.read(#"{"input":["# + texts + "]}")
        let parts = request.parts(ofAtMost: 96)
        #expect(parts.map(\.count) == [96, 96, 58])
        let all = parts.map { String(buffer: $0.inputs) }.joined(separator: " , ")
        #expect(all == texts)
    }

    // MARK: Answers

    private func answer(
        _ bodies: [(String, Int)],
        _ format: EmbeddingFormat,
        base64: Bool,
        estimate: Int = 0
    ) throws -> JSONValue {
        var request = try self.read(#"{"input":"a"}"#)
        request.wantsBase64 = base64
        var answer = EmbeddingAnswer(to: request, from: format, model: JSONString("m"))
        for (body, count) in bodies { try answer.add(ByteBuffer(string: body), expected: count) }
        return try JSONValue.parse(answer.finish(estimate: estimate))
    }

    @Test func `vectors of several calls are one list with all that was used`() throws {
        let one = #"{"embedding":[0.5,-1],"inputTextTokenCount":3}"#
        let two = #"{"embeddingsByType":{"float":[2e0]},"inputTextTokenCount":4}"#
        let answer = try self.answer([(one, 1), (two, 1)], .titan, base64: false)
        #expect(
            answer.text == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},"#
                + #"{"object":"embedding","index":1,"embedding":[2e0]}],"model":"m","#
                + #""usage":{"prompt_tokens":7,"total_tokens":7}}"#
        )
    }

    @Test(arguments: [
        (
            EmbeddingFormat.cohere,
            #"{"id":"i","embeddings":{"float":[[1,-2.5]]},"texts":["a"],"meta":{"billed_units":{"input_tokens":9}}}"#, 9
        ),
        (.cohere, #"{"embeddings":{"base64":["AACAPwAAIMA="]},"meta":{"tokens":{"input_tokens":8.0}}}"#, 8),
        (.cohereOnBedrock, #"{"embeddings":[[1,-2.5]],"response_type":"embeddings_floats"}"#, 77),
        (.gemini, #"{"embeddings":[{"values":[1,-25e-1]}],"usageMetadata":{"promptTokenCount":5}}"#, 5),
        (.gemini, #"{"embedding":{"values":[1.0,-2.50]}}"#, 77), (.titan, #"{"embedding":[1,-2.5]}"#, 77),
    ])
    func `a vector is base64 of little-endian floats where asked`(
        _ format: EmbeddingFormat,
        _ body: String,
        _ tokens: Int
    ) throws {
        let answer = try self.answer([(body, 1)], format, base64: true, estimate: 77)
        #expect(answer["data"]?[0]?["embedding"] == "AACAPwAAIMA=")
        #expect(answer["usage"]?["prompt_tokens"]?.intValue == tokens)
    }

    @Test func `each number comes out as the nearest float`() throws {
        var state: UInt64 = 7
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 20
        }
        var numbers = [
            "0", "-0", "-0.0", "1e-45", "7e-46", "3.4028235e38", "1.1754942e-38", "16777217", "0.1e1", "1E+2",
            "1.00000005960464477539062500", "1.00000017881393432617187500", "0.000000000000000000000000000001",
            "33554435", "9007199254740993",
        ]
        for _ in 0..<4_000 {
            let digits = String(next() % 10_000_000_000)
            let sign = next() % 2 == 0 ? "-" : ""
            switch next() % 4 {
            case 0: numbers.append("\(sign)0.\(digits)")
            case 1: numbers.append("\(sign)\(digits.prefix(1)).\(digits)e-\(next() % 40)")
            case 2: numbers.append("\(sign)\(Float(bitPattern: UInt32(truncatingIfNeeded: next()) & 0x3F7F_FFFF))")
            default: numbers.append("\(sign)0.0\(digits)\(digits.prefix(7))")
            }
        }
        let body = #"{"embedding":["# + numbers.joined(separator: ",") + "]}"
        let answer = try self.answer([(body, 1)], .titan, base64: true)
        let bytes = Self.decode(answer["data"]?[0]?["embedding"]?.stringValue ?? "")
        try #require(bytes.count == numbers.count * 4)
        for (index, number) in numbers.enumerated() {
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[index * 4 + $1]) << UInt32($1 * 8) }
            #expect(Float(bitPattern: bits).bitPattern == Float(number)?.bitPattern, "\(number)")
        }
    }

    private static func decode(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var (word, bits) = (0, 0)
        for byte in text.utf8 {
            guard let value = alphabet.firstIndex(of: byte) else { break }
            word = (word << 6 | value) & 0xFFFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> bits))
            }
        }
        return bytes
    }

    @Test(arguments: [
        "{}", "[]", #"{"embedding":[1,"2"]}"#, #"{"embedding":[1e99]}"#, #"{"embedding":"AAAA""#,
        #"{"embedding":null}"#,
    ])
    func `what is no vector is garbled`(_ body: String) {
        #expect(throws: AnswerUnreadable.garbled) { try self.answer([(body, 1)], .titan, base64: true) }
    }

    @Test func `another number of vectors than of inputs is garbled`() {
        let body = #"{"embeddings":[{"values":[1]},{"values":[2]}]}"#
        #expect(throws: AnswerUnreadable.garbled) { try self.answer([(body, 3)], .gemini, base64: false) }
    }
}
