import Core
import NIOCore
import Testing
import Wire

@testable import Engine
@testable import turnpike

@Suite struct ChatTests {
    @Test(arguments: [
        ("hello", ChatInput.question("hello")), ("  hi  ", .question("hi")), ("", .nothing), ("   ", .nothing),
        ("//slash", .question("/slash")), ("/help", .help), ("/model", .model(nil)), ("/model a/b", .model("a/b")),
        ("/system be brief", .system("be brief")), ("/system off", .system("")), ("/system", .system(nil)),
        ("/clear", .clear), ("/save x.md", .save("x.md")), ("/save", .mistake("/save needs a file name")),
        ("/usage", .usage), ("/quit", .quit), ("/exit", .quit),
        ("/modle x", .mistake("/modle is no command; did you mean /model?")),
        ("/zzzzzzz", .mistake("/zzzzzzz is no command; see /help")),
    ])
    func `a line is a question or a command`(line: String, expected: ChatInput) {
        #expect(ChatInput(line) == expected)
    }

    private func answer(_ events: String...) -> (ChatAnswer, [ChatAnswer.Piece]) {
        var answer = ChatAnswer()
        let pieces = events.map { answer.take(ServerSentEvent(data: ByteBuffer(string: $0))) }
        return (answer, pieces)
    }

    @Test func `an answer is put together from its chunks`() {
        let (answer, pieces) = self.answer(
            #"{"model":"m-1","choices":[{"delta":{"role":"assistant","content":""}}],"usage":null}"#,
            #"{"choices":[{"delta":{"reasoning":"hm"}}]}"#,
            #"{"choices":[{"delta":{"content":"Grü"}}]}"#,
            #"{"choices":[{"delta":{"content":"ße"},"finish_reason":null}]}"#,
            #"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
            #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
            "[DONE]"
        )
        #expect(pieces == [.nothing, .thought("hm"), .text("Grü"), .text("ße"), .nothing, .nothing, .nothing])
        #expect(answer.text == "Grüße")
        #expect(answer.isComplete)
        #expect(answer.summary == "3 tokens in · 2 out · m-1 · ended by length")
    }

    @Test func `an error inside the stream is kept, and the stream is not complete`() {
        let (answer, _) = self.answer(
            #"{"choices":[{"delta":{"content":"a"}}]}"#,
            #"{"error":{"message":"gone","code":502}}"#
        )
        #expect(answer.error == "gone")
        #expect(!answer.isComplete)
        #expect(answer.text == "a")
    }

    @Test func `what is no chunk is passed over`() {
        let (answer, pieces) = self.answer("not json", "[]", "{}", #"{"choices":[]}"#, #"{"choices":[{}]}"#)
        #expect(pieces.allSatisfy { $0 == .nothing })
        #expect(answer.text == "")
    }

    @Test func `the history goes with each question, after the system prompt`() {
        var session = ChatSession(model: "fast", system: "be brief")
        session.keep("one", self.answer(#"{"choices":[{"delta":{"content":"1"}}]}"#).0)
        // An answer without text leaves no trace.
        session.keep("lost", ChatAnswer())
        let body = session.request(asking: "two").text
        #expect(
            body
                == #"{"model":"fast","stream":true,"stream_options":{"include_usage":true},"messages":["#
                + #"{"role":"system","content":"be brief"},{"role":"user","content":"one"},"#
                + #"{"role":"assistant","content":"1"},{"role":"user","content":"two"}]}"#
        )
        #expect(session.totals.answers == 2)
        session.clear()
        #expect(session.messages == [])
        #expect(session.system == "be brief")
    }

    @Test func `without a model the gateway chooses`() {
        #expect(ChatSession().request(asking: "x")["model"] == nil)
    }

    @Test func `a transcript is Markdown, or JSON where the name says so`() {
        var session = ChatSession(model: "m")
        session.keep("q", self.answer(#"{"choices":[{"delta":{"content":"a"}}]}"#).0)
        #expect(session.transcript(for: "x.md") == "# Chat with m\n\n**You:**\n\nq\n\n**Model:**\n\na\n")
        #expect(
            session.transcript(for: "x.JSON")
                == #"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
                + "\n"
        )
    }

    @Test(arguments: [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (1_249, "1.2 s"), (61_000, "61.0 s")])
    func `times are short to read`(milliseconds: Int, expected: String) {
        #expect(ChatAnswer.text(.milliseconds(milliseconds)) == expected)
    }

    /// Row 52: what a model says cannot move the cursor or turn the text around.
    @Test func `control characters do not reach the terminal`() {
        #expect(Terminal.printable("a\u{1B}[31mb\u{7}\u{9B}c\u{202E}d\te\nf👋") == "a[31mbcd\te\nf👋")
    }
}
