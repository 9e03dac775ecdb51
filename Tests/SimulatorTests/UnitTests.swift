import NIOHTTP1
import Testing

@testable import Simulator

@Suite struct JSONParserTests {
    @Test(arguments: [
        (#"{"a":[1,-2.5,true,false,null,"x"],"b":{}}"#, #"{"a":[1,-2.5,true,false,null,"x"],"b":{}}"#),
        (#" [ 1 , 2 ] "#, "[1,2]"), (#""\u00e9\n\"\\\/""#, #""é\n\"\\/""#), (#""\ud83d\ude42""#, "\"🙂\""),
        (#""\ud83d""#, "\"\u{FFFD}\""), (#""\ud83dx""#, "\"\u{FFFD}x\""), ("1e3", "1000.0"),
        ("12345678901234567890", "1.2345678901234567e+19"), ("-0", "0"), (#""\u0000""#, #""\u0000""#),
    ])
    func `texts are read and written back`(text: String, expected: String) throws {
        #expect(try JSONParser.parse(text).text == expected)
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":}", "{a:1}", "01", "1.", "1e", "+1", "nul", "\"", "\"\\x\"", "\"\n\"", "1 2",
        "[1}",
        "1e999", "\"\\u12\"", "-", "\"\\ud83d\\",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(text) }
    }

    @Test func `depth is limited and bad UTF-8 refused`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(deep) }
        let broken: [UInt8] = [0x22, 0xFF, 0x22]
        #expect(throws: JSONParser.Failure.self) { try broken.withUnsafeBytes { try JSONParser.parse($0) } }
    }

    @Test func `of two equal keys the last one counts`() throws {
        #expect(try JSONParser.parse(#"{"model":"a","mod\u0065l":"b"}"#)["model"] == .string("b"))
    }
}

@Suite struct TokenizerTests {
    @Test(arguments: [
        ("", []), ("Hello, world!!", ["Hello", ",", " world", "!!"]), ("  a \n", ["  a", " \n"]),
        ("abcdefghijklmnop", ["abcdefghijkl", "mnop"]), ("日本語日本語", ["日本語日", "本語"]), ("a👍🏽b", ["a👍🏽b"]),
    ])
    func `text is cut by the rule in the guide`(text: String, tokens: [String]) {
        #expect(Tokenizer.tokens(of: text) == tokens)
        #expect(Tokenizer.count(text) == tokens.count)
        #expect(tokens.joined() == text)
    }
}

@Suite struct SchemaFillerTests {
    private func fill(_ schema: String) throws -> String {
        SchemaFiller.instance(of: try JSONParser.parse(schema)).text
    }

    @Test(arguments: [
        (
            #"{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"boolean"}}}"#,
            #"{"b":"sample b","a":true}"#
        ),
        (#"{"type":"array","items":{"enum":["x","y"]},"minItems":2}"#, #"["x","x"]"#),
        (#"{"type":"integer","minimum":10,"multipleOf":4}"#, "12"), (#"{"type":"integer","maximum":3}"#, "3"),
        (#"{"type":"integer","exclusiveMaximum":7}"#, "6"), (#"{"type":"number","exclusiveMinimum":2}"#, "2.5"),
        (#"{"type":["null","string"],"format":"date"}"#, "\"2026-01-15\""), (#"{"const":{"a":1}}"#, #"{"a":1}"#),
        (#"{"anyOf":[{"type":"null"},{"type":"boolean"}]}"#, "true"), (#"{}"#, "{}"),
        (#"{"type":"string","minLength":15,"maxLength":16}"#, "\"sample valuexxx\""),
        (
            ##"{"$defs":{"N":{"type":"integer"}},"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}"##,
            #"{"n":7}"#
        ),
        (#"{"allOf":[{"properties":{"a":{"const":1}}},{"properties":{"b":{"const":2}}}]}"#, #"{"a":1,"b":2}"#),
    ])
    func `a schema is filled with a value it accepts`(schema: String, value: String) throws {
        #expect(try self.fill(schema) == value)
    }

    @Test func `a schema that contains itself comes to an end`() throws {
        let tree =
            ##"{"type":"object","properties":{"left":{"$ref":"#"},"all":{"type":"array","items":{"$ref":"#"}}}}"##
        #expect(try self.fill(##"{"$ref":"#"}"##) == "null")
        #expect(try self.fill(tree).utf8.count < 1_000_000)
    }
}

@Suite struct EmbeddingTests {
    @Test func `vectors are one unit long and near where words are shared`() {
        let vectors = [["red", "cat"], ["red", "dog"], ["blue", "sky"]].map { Embeddings.vector($0, dimensions: 512) }
        func product(_ one: Int, _ other: Int) -> Float {
            zip(vectors[one], vectors[other]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        #expect(abs(product(0, 0) - 1) < 0.001)
        #expect(product(0, 1) > 0.3)
        #expect(abs(product(0, 2)) < 0.2)
    }

    @Test(arguments: [
        #"{}"#, #"{"input":[]}"#, #"{"input":""}"#, #"{"input":5}"#, #"{"input":[true]}"#,
        #"{"input":"x","dimensions":0}"#,
        #"{"input":"x","encoding_format":"hex"}"#, #"{"input":[[]]}"#,
    ])
    func `bad embedding requests are refused`(body: String) throws {
        let json = try JSONParser.parse(body)
        #expect(throws: APIFailure.self) { try Embeddings.answer(json, model: "sim") }
    }
}

@Suite struct RouteTests {
    private func model(_ uri: String) -> String? {
        Dialects.endpoint(of: Target(uri)).model(.object([.init("model", .string("named"))]))
    }

    private func flavour(_ uri: String) -> Flavour? {
        (Dialects.endpoint(of: Target(uri)).dialect as? OpenAIDialect)?.flavour
    }

    private func leadsNowhere(_ uri: String) -> Bool { Dialects.endpoint(of: Target(uri)).methods.isEmpty }

    @Test func `paths lead where they should`() {
        #expect(self.flavour("/v1/chat/completions") == .openAI)
        #expect(self.model("/v1/chat/completions?x=1") == "named")
        #expect(self.flavour("/api/v1/embeddings") == .openRouter)
        #expect(self.flavour("/openai/v1/chat/completions") == .azure)
        #expect(self.model("/openai/deployments/a%2Fb/chat/completions?api-version=1") == "a/b")
        #expect(self.leadsNowhere("/openai/deployments/a/chat/completions?api-version="))
        #expect(self.leadsNowhere("/openai/deployments/a?api-version=1"))
        #expect(self.flavour("/openai/deployments/a") == .azure)
        #expect(self.model("/v1/models/org/name%3Fstatus=500") == "org/name?status=500")
        #expect(Control(Target("/sim/record?since=1")) == .record)
        #expect(self.leadsNowhere("/v1/"))
        #expect(self.leadsNowhere("/elsewhere"))
        #expect(self.leadsNowhere("/sim/elsewhere"))
    }
}

@Suite struct KeyTests {
    private func key(_ fields: [(String, String)], _ uri: String = "/", in places: [CallKey.Place]) -> String? {
        CallKey.find(in: HTTPHeaders(fields), target: uri, places: places)
    }

    @Test func `a key in the query is hidden from strangers`() {
        #expect(CallKey.hidden(in: "/v1beta/models?key=sk-1234567&alt=sse") == "/v1beta/models?key=...4567&alt=sse")
        #expect(CallKey.hidden(in: "/v1/models?x=1") == "/v1/models?x=1")
    }

    @Test func `a key is found where its dialect puts it`() {
        #expect(self.key([("authorization", "bearer a b")], in: CallKey.places) == "a b")
        let both = [("x-api-key", "one"), ("authorization", "Bearer two")]
        #expect(self.key([("authorization", "Basic x"), ("api-key", "k")], in: CallKey.places) == "k")
        #expect(self.key(both, in: [.header("x-api-key"), .bearer]) == "one")
        #expect(self.key([("x-api-key", "one")], in: [.bearer]) == nil)
        #expect(self.key([], "/v1beta/models?alt=sse&key=a%2Bb", in: CallKey.places) == "a+b")
        let signature = "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/bedrock/aws4_request, SignedHeaders=host"
        #expect(self.key([("authorization", signature)], in: [.awsCredential]) == "AKID")
        #expect(self.key([("authorization", "AWS4-HMAC-SHA256 nothing")], in: CallKey.places) == nil)
    }
}

@Suite struct GzipTests {
    @Test func `the checksum is that of gzip`() {
        var checksum = CRC32()
        checksum.add(Array("123456789".utf8))
        #expect(checksum.value == 0xCBF4_3926)
    }

    @Test func `a bomb is small whatever it inflates to`() {
        let small = GzipBomb.body(prefix: [1], count: 1 << 20, suffix: [2])
        #expect((6000...8000).contains(small.count))
        #expect(small.prefix(4) == [0x1F, 0x8B, 8, 0])
    }
}
