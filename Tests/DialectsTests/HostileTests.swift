import Chat
import Core
import NIOCore
import Testing
import Wire

@testable import Dialects

/// What clients and providers may send that is meant to hurt, or might as well be (rows 17, 34).
struct HostileTests {
    // MARK: - Paths

    private func paths(of needles: [String], in text: String) -> [String] {
        let bytes = Array(text.utf8)
        var losses = Losses()
        for needle in needles {
            let wanted = Array(needle.utf8)
            losses.drop(at: bytes.indices.first { bytes[$0...].starts(with: wanted) })
        }
        return losses.paths(in: ByteBuffer(string: text))
    }

    @Test func `lost values are named in the order they were met, however they lie in each other`() {
        let text = #" {"a":[{"b":{"c":1}},[2,{"d":{"e":3}}]],"f":4}"#
        let needles = ["4}", "3}", #"{"e""#, "1}", #"{"b""#, #"[{"b""#, "2,"]
        #expect(
            self.paths(of: needles, in: text) == ["f", "a[1][1].d.e", "a[1][1].d", "a[0].b.c", "a[0]", "a", "a[1][0]"]
        )
    }

    @Test func `a path is short and of one line, whatever its keys are called`() {
        let long = String(repeating: "k", count: 1 << 20)
        let text = #"{"a\r\nx-injected: 1":1,"b,c":2,"\#(long)":3,"\#(String(repeating: "é", count: 50))":4}"#
        let paths = self.paths(of: ["1,", "2,", "3,", "4}"], in: text)
        #expect(paths.first == "a__x-injected:_1")
        #expect(paths.dropFirst().first == "b_c")
        #expect(paths.count == 4)
        #expect(paths.allSatisfy { $0.utf8.count <= 80 && $0.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2C } })
    }

    // MARK: - Requests

    @Test func `many results in the opposite order find their calls, those with the same id in theirs`() throws {
        let count = 1_000
        func id(_ index: Int) -> String { "c\(index / 2)" }
        let calls = (0..<count).map {
            #"{"id":"\#(id($0))","type":"function","function":{"name":"f\#($0)","arguments":"{}"}}"#
        }
        // Both of a pair have one id: the first result of it is for the first call.
        let results = (0..<count).reversed().map {
            #"{"role":"tool","tool_call_id":"\#(id($0))","content":"r\#($0 ^ 1)"}"#
        }
        let messages =
            [
                #"{"role":"user","content":"x"}"#,
                #"{"role":"assistant","tool_calls":[\#(calls.joined(separator: ","))]}"#,
            ] + results
        let body = ByteBuffer(string: #"{"model":"m","messages":[\#(messages.joined(separator: ","))]}"#)
        let request = try Codecs.readRequest(body, as: .openAIChat)
        let written = try ProviderSide.write(request, as: .gemini, model: "gemini-2.5-flash").body
        for index in stride(from: 0, to: count, by: 97) {
            let name = #""name":"f\#(index)","response":{"output":"r\#(index)"}"#
            #expect(written.contains(name), "\(name)")
        }
    }

    // MARK: - Streams

    @Test func `an answer with more tool calls than anybody makes is garbled`() throws {
        let calls = (0...ChatParts.callsMax).map { #"{"index":\#($0),"id":"i\#($0)","function":{"name":"f"}}"# }
        let stream = #"data: {"choices":[{"delta":{"tool_calls":[\#(calls.joined(separator: ","))]}}]}"# + "\n\n"
        #expect(try ProviderSide.steps(of: stream, as: .openAIChat).last == "threw garbled")
    }

    @Test func `arguments for another block or item than the open one are not the open one's`() throws {
        let reader = ConverseStreamReader()
        func read(_ type: String, _ data: String) throws {
            let event = ServerSentEvent(data: ByteBuffer(string: data), type: ByteBuffer(string: type))
            try reader.read(event) { _ in }
        }
        try read("contentBlockStart", #"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"a","name":"f"}}}"#)
        try read("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{"}}}"#)
        #expect(throws: AnswerUnreadable.garbled) {
            let index = "9223372036854775807"
            try read("contentBlockDelta", #"{"contentBlockIndex":\#(index),"delta":{"toolUse":{"input":"}"}}}"#)
        }
        let item = #"{"type":"function_call","call_id":"a","name":"f","arguments":""}"#
        let stream = """
            data: {"type":"response.output_item.added","output_index":0,"item":\(item)}

            data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{}"}


            """
        #expect(try ProviderSide.steps(of: stream, as: .openAIResponses).last == "threw garbled")
    }

    @Test func `a writer of streams keeps nothing of the conversation`() throws {
        let body = ByteBuffer(
            string: #"{"model":"m","stream_options":{"include_usage":true},"stream":true,"messages":[]}"#
        )
        var request = try Codecs.readRequest(body, as: .openAIChat)
        request.messages = [ChatMessage(.user, [ContentPart(.text(JSONString("x")))])]
        let context = AnswerContext(id: "1", created: 0, model: JSONString("m"), request: request).withoutConversation
        #expect(context.request.messages.isEmpty && context.request.tools.isEmpty)
        #expect(context.request.isStream && context.request.wantsUsage)
    }
}
