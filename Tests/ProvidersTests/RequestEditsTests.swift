import Chat
import Core
import NIOCore
import Providers
import Testing

@Suite struct RequestEditsTests {
    static func edit(
        _ body: String,
        model: String? = "up/model",
        quirks: Quirks = Quirks(),
        operation: Providers.Operation = .chat
    ) throws -> (body: String, edits: RequestEdits) {
        let bytes = ByteBuffer(string: body)
        let index = try RequestIndex(bytes)
        let json = model.map { ByteBuffer(string: JSONValue.string($0).text) }
        let edits = RequestEdits(body: bytes, index: index, operation: operation, model: json, quirks: quirks)
        var out = ByteBuffer()
        edits.write(bytes, into: &out)
        #expect(out.readableBytes == edits.length(of: bytes))
        let joined = edits.pieces(of: bytes).map { String(buffer: $0) }.joined()
        #expect(joined == String(buffer: out))
        return (String(buffer: out), edits)
    }

    // MARK: What a budget pays for

    static func limited(
        _ body: String,
        _ limit: Int?,
        format: WireFormat = .anthropic
    ) throws -> (body: String, edits: RequestEdits) {
        let bytes = ByteBuffer(string: body)
        let edits = RequestEdits(
            body: bytes,
            index: try RequestIndex(bytes),
            operation: .chat,
            format: format,
            model: nil,
            outputLimit: limit,
            isPaidAhead: true,
            quirks: Quirks()
        )
        var out = ByteBuffer()
        edits.write(bytes, into: &out)
        return (String(buffer: out), edits)
    }

    @Test(
        arguments: [
            (8_000, 6_000, 3_000), (8_000, 8_000, 4_000), (1_500, 1_500, 1_024), (1_500, 1_025, 1_024),
            (7_999, 8_000, nil), (1_024, 1_025, nil),
        ] as [(Int, Int, Int?)]
    )
    func `thinking that the limit does not leave room for is lowered with it`(
        budget: Int,
        limit: Int,
        lowered: Int?
    ) throws {
        let (body, edits) = try Self.limited(
            #"{"thinking":{"type":"enabled","budget_tokens":\#(budget)},"max_tokens":20000}"#,
            limit
        )
        let expected = lowered ?? budget
        #expect(body == #"{"thinking":{"type":"enabled","budget_tokens":\#(expected)},"max_tokens":\#(limit)}"#)
        #expect(edits.dropped == (lowered == nil ? [] : ["thinking.budget_tokens"]))
        #expect(!edits.leavesNoRoomToThink)
    }

    @Test func `thinking that cannot be lowered far enough is told`() throws {
        for limit in [1, 1_023, 1_024] {
            let body = #"{"max_tokens":20000,"thinking":{"budget_tokens":1024,"type":"enabled"}}"#
            #expect(try Self.limited(body, limit).edits.leavesNoRoomToThink)
            #expect(try !Self.limited(body, limit, format: .openAIChat).edits.leavesNoRoomToThink)
        }
        let huge = #"{"max_tokens":9,"thinking":{"budget_tokens":99999999999999999999}}"#
        #expect(try Self.limited(huge, 5).edits.leavesNoRoomToThink)
        for other in [#"{"type":"adaptive"}"#, "null", "[]", #"{"budget_tokens":null}"#, #"{"type":"disabled"}"#] {
            let (body, edits) = try Self.limited(#"{"max_tokens":9,"thinking":\#(other)}"#, 5)
            #expect(body == #"{"max_tokens":5,"thinking":\#(other)}"# && !edits.leavesNoRoomToThink)
        }
    }

    @Test func `other words for a limit are left out where an answer is paid for, whether it is lowered or not`() throws
    {
        let body = #"{"n_predict":-1,"max_tokens":5,"max_new_tokens":900,"seed":1,"num_generations":8}"#
        for limit in [nil, 5] {
            let (written, edits) = try Self.limited(body, limit, format: .openAIChat)
            #expect(written == #"{"max_tokens":5,"seed":1}"#)
            #expect(edits.dropped == ["n_predict", "max_new_tokens", "num_generations"])
        }
        #expect(try Self.edit(body, model: nil).body == body)
    }

    static var mistral: Quirks { Family.row(named: "mistral", host: nil).quirks }

    @Test func `what nobody has to change stays as it is, byte for byte`() throws {
        let body = "\n{ \"model\" :\"m\" , \"x\":[1.50,1e400,\"\\u00e9\"] }\r\n"
        #expect(try Self.edit(body, model: nil).body == body)
        #expect(try Self.edit(body).body == body.replacing("\"m\"", with: "\"up/model\""))
    }

    @Test func `a missing model is put first`() throws {
        #expect(try Self.edit("{\"a\":1}").body == "{\"model\":\"up/model\",\"a\":1}")
        #expect(try Self.edit(" { } ").body == " {\"model\":\"up/model\" } ")
    }

    @Test(arguments: [
        (#"{"stream":true}"#, #"{"model":"up/model","stream_options":{"include_usage":true},"stream":true}"#),
        (
            #"{"model":"m","stream":true}"#,
            #"{"stream_options":{"include_usage":true},"model":"up/model","stream":true}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":null}"#,
            #"{"model":"up/model","stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{}}"#,
            #"{"model":"up/model","stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":false,"a":1}}"#,
            #"{"model":"up/model","stream":true,"stream_options":{"include_usage":true,"a":1}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{ "a":{}}}"#,
            #"{"model":"up/model","stream":true,"stream_options":{ "include_usage":true,"a":{}}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            #"{"model":"up/model","stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (#"{"model":"m","stream":false}"#, #"{"model":"up/model","stream":false}"#),
    ])
    func `usage is asked for in streams, whatever stands there already`(body: String, expected: String) throws {
        #expect(try Self.edit(body).body == expected)
    }

    @Test func `usage is asked for only where it has to be`() throws {
        let body = #"{"model":"m","stream":true}"#
        #expect(try Self.edit(body).edits.addsUsage)
        #expect(try !Self.edit(body, quirks: Family.row(named: "openrouter", host: nil).quirks).edits.addsUsage)
        #expect(try !Self.edit(body, quirks: Self.mistral).edits.addsUsage)
        #expect(try !Self.edit(body, operation: .embeddings).edits.addsUsage)
    }

    @Test(arguments: [
        (#"{"user":"u","model":"m"}"#, #"{"model":"up/model"}"#, "user"),
        (#"{"model":"m","user":"u"}"#, #"{"model":"up/model"}"#, "user"),
        (#"{"model":"m", "user":"u" ,"a":1}"#, #"{"model":"up/model" ,"a":1}"#, "user"),
        (#"{"user":"u","store":true,"logit_bias":{},"model":"m"}"#, #"{"model":"up/model"}"#, "user,store,logit_bias"),
        (
            #"{"model":"m","user":"u","a":1,"store":true,"logprobs":true}"#, #"{"model":"up/model","a":1}"#,
            "user,store,logprobs"
        ),
        (#"{"user":"u"}"#, #"{"model":"up/model"}"#, "user"),
        (#"{"model":"m","max_completion_tokens":5}"#, #"{"model":"up/model","max_tokens":5}"#, ""),
        (
            #"{"model":"m","max_completion_tokens":5,"max_tokens":6}"#, #"{"model":"up/model","max_tokens":6}"#,
            "max_completion_tokens"
        ),
        (#"{"model":"m","tool_choice":"required"}"#, #"{"model":"up/model","tool_choice":"any"}"#, ""),
        (
            #"{"model":"m","tool_choice":{"type":"function"}}"#,
            #"{"model":"up/model","tool_choice":{"type":"function"}}"#, ""
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            #"{"model":"up/model","stream":true}"#, "stream_options"
        ),
        (
            #"{"model":"m","messages":[{"role":"user","name":"n"},"x",{"refusal":null,"role":"a"}]}"#,
            #"{"model":"up/model","messages":[{"role":"user"},"x",{"role":"a"}]}"#,
            "messages[0].name,messages[2].refusal"
        ),
        (#"{"model":"m","\u0075ser":"u"}"#, #"{"model":"up/model"}"#, "user"),
        (
            #"{"model":"m","messages":[{"role":"assistant","tool_calls":null,"reasoning":"x"}]}"#,
            #"{"model":"up/model","messages":[{"role":"assistant"}]}"#,
            "messages[0].reasoning"
        ),
        (
            #"{"model":"m","tools":[{"function":{}},{"function":{"name":"f"}},{"function":{"parameters":null}},3]}"#,
            #"{"model":"up/model","tools":[{"function":{"parameters":{"type":"object","properties":{}}}},"#
                + #"{"function":{"name":"f","parameters":{"type":"object","properties":{}}}},"#
                + #"{"function":{"parameters":{"type":"object","properties":{}}}},3]}"#,
            ""
        ),
    ])
    func `what Mistral refuses is taken out, renamed or named`(body: String, expected: String, dropped: String) throws {
        let result = try Self.edit(body, quirks: Self.mistral)
        #expect(result.body == expected)
        #expect(result.edits.dropped.joined(separator: ",") == dropped)
    }

    @Test func `ids of calls that Mistral refuses are hashed, the same in calls and results`() throws {
        let ids = ["toolu_01A09q90qw90lq917835lq9", "toolu_01A09q90qw90lq917835lq8", "D681PevKs", "call_1", ""]
        let calls = ids.map { #"{"id":"\#($0)","type":"function","function":{"name":"f","arguments":"{}"}}"# }
        let results = ids.map { #"{"role":"tool","tool_call_id":"\#($0)","content":"r"}"# }
        let body =
            #"{"model":"m","messages":[{"role":"assistant","tool_calls":[\#(calls.joined(separator: ","))]},"#
            + results.joined(separator: ",") + "]}"
        let value = try JSONValue.parse(try Self.edit(body, quirks: Self.mistral).body)
        var told: Set<String> = []
        for index in ids.indices {
            let id = try #require(value["messages"]?[0]?["tool_calls"]?[index]?["id"]?.stringValue)
            #expect(id.utf8.count == 9 && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
            #expect(value["messages"]?[index + 1]?["tool_call_id"]?.stringValue == id)
            told.insert(id)
        }
        #expect(told.count == ids.count && told.contains("D681PevKs"))
        #expect(try Self.edit(body).body.contains("toolu_01A09q90qw90lq917835lq9"))
    }

    @Test func `unknown fields survive every change (row 17)`() throws {
        for seed in 1...3000 as ClosedRange<UInt64> {
            var random = RandomJSON(seed: seed)
            var own = [("model", "\"m\"")]
            if random.below(2) == 0 { own.append(("stream", "true")) }
            if random.below(3) == 0 { own.append(("user", random.value())) }
            if random.below(3) == 0 { own.append(("logit_bias", random.value())) }
            if random.below(3) == 0 { own.append(("stream_options", ["null", "{}", #"{"a":1}"#][random.below(3)])) }
            let body = random.object(with: own)
            let before = try JSONValue.parse(body)

            let plain = try JSONValue.parse(try Self.edit(body).body)
            #expect(plain["model"] == "up/model")
            let known = ["model", "stream_options"]
            #expect(plain.without(known[0], known[1]).hasSameMembers(as: before.without(known[0], known[1])))
            if before["stream"] == true { #expect(plain["stream_options"]?["include_usage"] == true) }
            if let other = before["stream_options"]?["a"] { #expect(plain["stream_options"]?["a"] == other) }

            let strict = try JSONValue.parse(try Self.edit(body, quirks: Self.mistral).body)
            let left = before.without("user", "logit_bias", "stream_options", "model")
            #expect(strict.without("model").hasSameMembers(as: left))
        }
    }

    @Test func `what policy reads is what a provider's parser reads (row 17)`() throws {
        for seed in 1...3000 as ClosedRange<UInt64> {
            var random = RandomJSON(seed: seed)
            let limit = random.below(1000)
            let body = random.object(with: [
                ("mod\\u0065l", "\"a\\u00e9b\""), ("stream", ["true", "false"][random.below(2)]),
                ("max_tokens", "\(limit)"), ("n", "\(1 + random.below(8))"),
            ])
            let bytes = ByteBuffer(string: body)
            let index = try RequestIndex(bytes)
            let tree = try JSONValue.parse(body)
            #expect(tree["stream"] == .bool(index.isStream))
            #expect(tree["max_tokens"]?.intValue == index.outputTokensMax)
            #expect(tree["n"]?.intValue == index.choices)
            let slice = try #require(index.model)
            let model = bytes.withUnsafeReadableBytes { JSONScanner($0).string(slice) }
            #expect(tree["model"]?.stringValue == model)
        }
    }
}
