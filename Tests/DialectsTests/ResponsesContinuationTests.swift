import Chat
import Core
import NIOCore
import Testing

@testable import Dialects

struct ResponsesContinuationTests {
    private static func continuation(_ text: String) throws -> (ResponsesContinuation, ByteBuffer) {
        let body = ByteBuffer(string: text)
        return (try ResponsesContinuation(body), body)
    }

    @Test func `what went before stands in front of the new input`() throws {
        let (continuation, body) = try Self.continuation(
            #"{"model":"m","previous_response_id":"resp_1","input":"more","temperature":1}"#
        )
        #expect(continuation.previous == JSONString("resp_1"))
        let resumed = continuation.resumed(
            body,
            after: ByteBuffer(string: #"[{"role":"user","content":"q"}]"#),
            ByteBuffer(
                string: #"{"id":"resp_1","output":[{"type":"message","id":"msg_1","role":"assistant","content":[]}]}"#
            )
        )
        let expected = try JSONValue.parse(
            #"""
            {"model":"m","temperature":1,"input":[{"role":"user","content":"q"},
            {"type":"message","id":"msg_1","role":"assistant","content":[]},{"role":"user","content":"more"}]}
            """#
        )
        #expect(try JSONValue.parse(resumed) == expected)
        let whole = try ResponsesContinuation(resumed)
        #expect(whole.previous == nil)
        #expect(try JSONValue.parse(whole.items(of: resumed)) == expected["input"])
    }

    @Test func `input may be a list, empty, or not there`() throws {
        for (text, items) in [
            (
                #"{"input":[{"role":"user","content":"a"}, {"type":"x"}]}"#,
                #"[{"role":"user","content":"a"},{"type":"x"}]"#
            ),
            (#"{"input":[]}"#, "[]"), (#"{"model":"m"}"#, "[]"), (#"{"input":null}"#, "[]"),
            (#"{"input":"a\u00e9"}"#, #"[{"role":"user","content":"aé"}]"#),
        ] {
            let (continuation, body) = try Self.continuation(text)
            #expect(try JSONValue.parse(continuation.items(of: body)) == (try JSONValue.parse(items)))
        }
    }

    @Test func `what the client says about keeping is understood`() throws {
        #expect(try Self.continuation(#"{"input":"x"}"#).0.isStored)
        #expect(try Self.continuation(#"{"input":"x","store":null}"#).0.isStored)
        #expect(try !Self.continuation(#"{"input":"x","store":false}"#).0.isStored)
        #expect(try Self.continuation(#"{"input":"x","background":true}"#).0.isBackground)
        #expect(try Self.continuation(#"{"input":"x","conversation":"c"}"#).0.hasConversation)
        #expect(try Self.continuation(#"{"input":"turnpike:1:x"}"#).0.carriesThoughts)
        #expect(try !Self.continuation(#"{"input":"turnpike:1"}"#).0.carriesThoughts)
        #expect(try Self.continuation(#"{"input":"kkk turnpike turnpike:1:"}"#).0.carriesThoughts)
        #expect(throws: RequestUnreadable.self) { try Self.continuation(#"{"store":"yes"}"#) }
        #expect(throws: RequestUnreadable.self) { try Self.continuation(#"{"previous_response_id":1}"#) }
    }

    @Test func `only the last event of a stream holds the answer`() throws {
        let completed = ByteBuffer(string: #"{"type":"response.completed","response":{"id":"resp_1","output":[]}}"#)
        let created = ByteBuffer(string: #"{"type":"response.created","response":{"id":"resp_1"}}"#)
        let response = try #require(ResponsesWhole.response(endingIn: completed, type: nil))
        #expect(ResponsesWhole.id(of: response) == "resp_1")
        #expect(ResponsesWhole.response(endingIn: completed, type: ByteBuffer(string: "response.completed")) != nil)
        #expect(ResponsesWhole.response(endingIn: created, type: nil) == nil)
        #expect(ResponsesWhole.response(endingIn: completed, type: ByteBuffer(string: "response.created")) == nil)
    }

    @Test(arguments: [#"{"type":"item_reference","id":"msg_1"}"#, #"{"id":"msg_1"}"#])
    func `an item by its id alone cannot be told another than OpenAI`(item: String) throws {
        let body = ByteBuffer(
            string: #"{"model":"m","input":[{"role":"user","content":"q"},ITEM]}"#.replacing("ITEM", with: item)
        )
        let request = try ResponsesRequestReader.read(body)
        let target = TargetTraits(model: JSONString("m"), modelID: "m")
        var losses = Losses()
        var written = ByteBuffer()
        #expect(throws: RequestUnwritable.self) {
            try Codecs.writeRequest(request, as: .anthropic, for: target, losses: &losses, into: &written)
        }
    }

    @Test(arguments: [#""previous_response_id":"resp_x""#, #""conversation":"c""#, #""prompt":{"id":"p"}"#])
    func `what only OpenAI keeps cannot be told another`(member: String) throws {
        let body = ByteBuffer(string: #"{"model":"m","input":"x",MEMBER}"#.replacing("MEMBER", with: member))
        let request = try ResponsesRequestReader.read(body)
        let target = TargetTraits(model: JSONString("m"), modelID: "m")
        var losses = Losses()
        var written = ByteBuffer()
        #expect {
            try Codecs.writeRequest(request, as: .openAIChat, for: target, losses: &losses, into: &written)
        } throws: { error in
            guard let error = error as? RequestUnwritable else { return false }
            return body.withUnsafeReadableBytes { JSONPath.find(error.place, in: $0) }
                == member.split(separator: "\"").first.map(String.init)
        }
        // Its own provider is told.
        try Codecs.writeRequest(request, as: .openAIResponses, for: target, losses: &losses, into: &written)
        #expect(String(buffer: written).contains(member))
    }
}
