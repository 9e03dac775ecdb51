import Agents
import Core
import NIOConcurrencyHelpers
import NIOCore
import Pipeline
import Testing
import Tools
import Transport

/// What a round of tools takes along from those before it, and what it has for itself.
@Suite struct ToolRoundTests {
    @Test func `each round may be tried as often as the first`() async throws {
        let kit = try ToolRoad(retriesMax: 1, fallback: "openrouter")
        let turn = ToolRoad.calls([("tasks__list", "{}")])
        let busy = FakeUpstream.Script.json(#"{"error":{"message":"busy"}}"#, status: 503)
        kit.road.transport.scripts = [turn, turn, turn, turn, busy, ToolRoad.says("Done.")]
        let answer = await kit.road.chat(ToolRoad.ask)
        #expect(answer.status == 200, "\(answer.sent)")
        #expect(kit.road.transport.requests.count == 6)
        #expect(kit.road.transport.endpoints.last?.host == "openrouter.ai")
    }

    @Test func `thoughts go back to an OpenAI-compatible provider as it said them`() async throws {
        let kit = try ToolRoad()
        let arguments = #"{\"title\":\"milk\"}"#
        kit.road.transport.scripts = [
            .json(
                #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":"#
                    + #"{"role":"assistant","content":null,"reasoning_content":"Milk it is.","#
                    + #""tool_calls":[{"id":"call_a","#
                    + #""type":"function","function":{"name":"tasks__add","arguments":"\#(arguments)"}}]},"#
                    + #""finish_reason":"tool_calls"}]}"#
            ), ToolRoad.says("Done."),
        ]
        #expect(await kit.road.chat(ToolRoad.ask).status == 200)
        let turn = try #require(try kit.sent(1)["messages"]?[2])
        #expect(turn["reasoning_content"] == "Milk it is.")
        #expect(turn["content"] == .null && turn["reasoning_details"] == nil)
    }

    @Test(arguments: [false, true])
    func `thoughts that Anthropic signed come back to it whole, from a client of another dialect`(
        isStream: Bool
    ) async throws {
        let kit = try ToolRoad(#""parameters":{"reasoningEffort":"low","maxOutputTokens":9000},"#, provider: "claude")
        let thought = #"{"type":"thinking","thinking":"Milk it is.","signature":"c2lnbmVk"}"#
        let use = #"{"type":"tool_use","id":"toolu_1","name":"tasks__add","input":{"title":"milk"}}"#
        let end = #"{"type":"text","text":"Done."}"#
        if isStream {
            kit.road.transport.scripts = [
                .stream(.bytes(Self.events([thought, use], "tool_use"))),
                .stream(.bytes(Self.events([end], "end_turn"))),
            ]
        } else {
            kit.road.transport.scripts = [
                .json(Self.message([thought, use], "tool_use")), .json(Self.message([end], "end_turn")),
            ]
        }
        let answer = await kit.road.chat(
            ToolRoad.ask.dropLast() + #","stream":\#(isStream)}"#,
            fields: "x-turnpike-strict: true\r\n"
        )
        #expect(answer.status == 200 && answer.sent.contains("Done."), "\(answer.sent)")
        let second = try kit.sent(1)
        #expect(second["thinking"]?["type"] != nil, "\(second.text)")
        let turn = try #require(second["messages"]?[1]?["content"]?.arrayValue)
        #expect(turn.map { $0["type"] } == ["thinking", "tool_use"])
        #expect(turn.first?["thinking"] == "Milk it is." && turn.first?["signature"] == "c2lnbmVk")
    }

    private static func message(_ blocks: [String], _ stop: String) -> String {
        #"{"id":"m","type":"message","role":"assistant","model":"x","content":[\#(blocks.joined(separator: ","))],"#
            + #""stop_reason":"\#(stop)","usage":{"input_tokens":5,"output_tokens":3}}"#
    }

    private static func events(_ blocks: [String], _ stop: String) -> String {
        func event(_ type: String, _ rest: String) -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\",\(rest)}\n\n"
        }
        var text = event(
            "message_start",
            #""message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"#
                + #""usage":{"input_tokens":5,"output_tokens":1}}"#
        )
        for (index, block) in blocks.enumerated() {
            let json = try? JSONValue.parse(block)
            func delta(_ delta: String) -> String {
                event("content_block_delta", #""index":\#(index),"delta":\#(delta)"#)
            }
            switch json?["type"] {
            case "thinking":
                text += event(
                    "content_block_start",
                    #""index":\#(index),"content_block":{"type":"thinking","thinking":"","signature":""}"#
                )
                text += delta(#"{"type":"thinking_delta","thinking":"Milk it is."}"#)
                text += delta(#"{"type":"signature_delta","signature":"c2lnbmVk"}"#)
            case "tool_use":
                text += event(
                    "content_block_start",
                    #""index":\#(index),"content_block":{"type":"tool_use","id":"toolu_1","#
                        + #""name":"tasks__add","input":{}}"#
                )
                text += delta(#"{"type":"input_json_delta","partial_json":"{\"title\":\"milk\"}"}"#)
            default:
                text += event("content_block_start", #""index":\#(index),"content_block":{"type":"text","text":""}"#)
                text += delta(#"{"type":"text_delta","text":"Done."}"#)
            }
            text += event("content_block_stop", #""index":\#(index)"#)
        }
        return text + event("message_delta", #""delta":{"stop_reason":"\#(stop)"},"usage":{"output_tokens":3}"#)
            + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    }

    @Test func `calls without an id get one, and their results name it`() async throws {
        let kit = try ToolRoad()
        let call = #"{"type":"function","function":{"name":"tasks__list","arguments":"{}"}}"#
        let turn = FakeUpstream.Script.json(
            #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":"#
                + #"{"role":"assistant","content":null,"tool_calls":[\#(call),\#(call)]},"#
                + #""finish_reason":"tool_calls"}]}"#
        )
        kit.road.transport.scripts = [turn, turn, ToolRoad.says("Done.")]
        #expect(await kit.road.chat(ToolRoad.ask).status == 200)
        let messages = try #require(try kit.sent(2)["messages"]?.arrayValue)
        let asked = messages.flatMap { $0["tool_calls"]?.arrayValue ?? [] }.compactMap { $0["id"]?.stringValue }
        let told = messages.filter { $0["role"] == "tool" }.compactMap { $0["tool_call_id"]?.stringValue }
        #expect(asked.count == 4 && Set(asked).count == 4)
        #expect(told == asked)
    }

    @Test func `where the form of an answer is laid down, only what is said last is in it`() async throws {
        for isStream in [false, true] {
            let kit = try ToolRoad()
            kit.road.transport.scripts =
                isStream
                ? [
                    .stream(.bytes(ToolRoad.streamedCall("tasks__list", "{}", text: "Let me look."))),
                    .stream(.bytes(ToolRoad.streamedText("{}"))),
                ] : [ToolRoad.calls([("tasks__list", "{}")], text: "Let me look."), ToolRoad.says("{}")]
            let more = #","stream":\#(isStream),"response_format":{"type":"json_object"}}"#
            let answer = await kit.road.chat(ToolRoad.ask.dropLast() + more)
            #expect(answer.status == 200)
            #expect(!answer.sent.contains("Let me look."), "\(answer.sent)")
            #expect(answer.sent.contains(#""content":"{}""#), "\(answer.sent)")
        }
    }
}
