import Chat
import Core
import Dialects
import NIOCore
import Testing

struct RerankTests {
    private let body =
        #"{"model":"m","query":"q","documents":["a",{"text":"b"},{"x":1}],"top_n":2,"#
        + #""return_documents":true,"max_tokens_per_doc":9,"rank_fields":["x"]}"#

    @Test func `documents are told as texts, and what nobody takes is named`() throws {
        let request = try RerankRequest.read(ByteBuffer(string: self.body))
        var losses = Losses()
        var out = ByteBuffer()
        let target = TargetTraits(model: JSONString("rerank-v3.5"), modelID: "rerank-v3.5")
        request.write(as: .cohere, for: target, losses: &losses, into: &out)
        #expect(
            String(buffer: out) == #"{"model":"rerank-v3.5","query":"q","top_n":2,"max_tokens_per_doc":9,"#
                + #""documents":["a","b","{\"x\":1}"]}"#
        )
        #expect(losses.paths(in: ByteBuffer(string: self.body)) == ["rank_fields"])
        out.clear()
        request.write(as: .cohereOnBedrock, for: target, losses: &losses, into: &out)
        #expect(String(buffer: out).hasPrefix(#"{"api_version":2,"query":"q","top_n":2,"documents""#))
    }

    @Test func `results get their documents back`() throws {
        let request = try RerankRequest.read(ByteBuffer(string: self.body))
        var out = ByteBuffer()
        let answer =
            #"{"id":"i","results":[{"index":2,"relevance_score":0.9},{"relevance_score":1e-3,"index":0}],"#
            + #""meta":{"billed_units":{"search_units":1}}}"#
        let usage = try request.answer(from: ByteBuffer(string: answer), model: JSONString("m"), into: &out)
        #expect(
            String(buffer: out) == #"{"id":"i","model":"m","results":[{"index":2,"relevance_score":0.9,"document":"#
                + #"{"x":1}},{"index":0,"relevance_score":1e-3,"document":{"text":"a"}}],"#
                + #""meta":{"billed_units":{"search_units":1}}}"#
        )
        #expect(usage == TokenUsage(searches: 1))
        for results in ["[{}]", #"[{"index":3,"relevance_score":1}]"#, #"[{"index":0,"relevance_score":"1"}]"#, "{}"] {
            #expect(throws: AnswerUnreadable.garbled) {
                var out = ByteBuffer()
                let body = ByteBuffer(string: #"{"results":"# + results + "}")
                _ = try request.answer(from: body, model: JSONString("m"), into: &out)
            }
        }
    }

    @Test(arguments: [
        "{}", #"{"query":"q"}"#, #"{"query":1,"documents":["a"]}"#, #"{"query":"q","documents":[]}"#,
        #"{"query":"q","documents":[1]}"#, #"{"query":"q","documents":["a"],"top_n":0}"#,
    ])
    func `what is no request is refused`(_ body: String) {
        #expect(throws: RequestUnreadable.self) { try RerankRequest.read(ByteBuffer(string: body)) }
    }
}
