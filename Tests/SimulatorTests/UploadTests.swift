import Crypto
import NIOCore
import Testing

@testable import Simulator

@Suite struct MultipartTests {
    private static let type = "multipart/form-data; boundary=\"xyz\""

    /// Reads `text` in pieces of `size` bytes.
    private func read(_ text: String, by size: Int, type: String = type) throws -> Upload {
        var reader = try #require(MultipartReader(contentType: type))
        var rest = ByteBuffer(string: text)
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            reader.take(piece)
        }
        return reader.finish()
    }

    private static func part(_ disposition: String, _ body: String) -> String {
        "--xyz\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n\(body)\r\n"
    }

    private static func digest(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map {
            String($0, radix: 16).count < 2 ? "0\(String($0, radix: 16))" : String($0, radix: 16)
        }
        .joined()
    }

    @Test(arguments: [1, 2, 3, 7, 16, 1000])
    func `a form is read alike in whatever pieces it comes`(size: Int) throws {
        // What looks like a boundary and is none belongs to the file.
        let sound = "a\r\n--xy\r\n-\r\n--\r\r\n\n--xy z"
        let text =
            Self.part("name=\"model\"", "sim") + Self.part("name=\"file\"; filename=\"a;b.wav\"", sound)
            + Self.part("name=prompt", "") + "--xyz--\r\nbehind"
        let upload = try self.read(text, by: size)
        #expect(upload.problem == nil)
        #expect(upload.fields.map(\.name) == ["model", "prompt"])
        #expect(upload.fields.map(\.text) == ["sim", ""])
        let file = try #require(upload.files.first)
        #expect(file.field == "file")
        #expect(file.size == sound.utf8.count)
        #expect(file.digest == Self.digest(sound))
    }

    @Test(arguments: [
        "", "--xyz", "--xyz\r\n", "nothing of the kind", "--xyz\r\nContent-Disposition: form-data\r\n\r\na\r\n--xyz--",
        "--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nno end", "--xyz?\r\n",
    ])
    func `a form that is not whole says so`(text: String) throws {
        #expect(try self.read(text, by: 4).problem != nil)
    }

    @Test func `what has no end is not held`() throws {
        #expect(try self.read(String(repeating: "a", count: 1 << 20), by: 4096).problem == "there is no boundary.")
        let field = Self.part("name=a", String(repeating: "b", count: 2 << 20))
        #expect(try self.read(field, by: 65_536).problem == "the field a is too long.")
        let head = "--xyz\r\n" + String(repeating: "c", count: 1 << 20)
        #expect(try self.read(head, by: 4096).problem == "the head of a part is too long.")
    }

    @Test(arguments: [
        "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a",
    ])
    func `what is no form has no reader`(type: String) {
        #expect(MultipartReader(contentType: type) == nil)
    }
}

@Suite(.timeLimit(.minutes(2))) struct MediaTests {
    private static func ask(_ bench: Bench, _ path: String, _ body: String) async throws -> RawClient.Reply {
        try await RawClient.exchange(bench.simulator, Bench.post(path, body, headers: "Connection: close\r\n"))
    }

    @Test func `the record knows the files of an upload`() async throws {
        try await Bench.with { bench in
            let form =
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.wav\"\r\n\r\nabc\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nsim?text=hi\r\n--b--\r\n"
            let text = Bench.post(
                "/v1/audio/transcriptions",
                form,
                headers: "Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n"
            )
            let reply = try await RawClient.exchange(bench.simulator, text)
            #expect(try JSONParser.parse(reply.body)["text"] == .string("hi"))
            let call = try await bench.nextEnded()
            let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            #expect(call.files == [.init(field: "file", name: "x.wav", size: 3, digest: digest)])
            #expect(call.bodyBytes == form.utf8.count)
            #expect(call.model == "sim?text=hi")
            #expect(call.completionTokens == 1)
        }
    }

    @Test func `bytes flow in pieces that faults can count`() async throws {
        try await Bench.with { bench in
            let body = #"{"model":"sim?chunks=3&chunk_bytes=100","input":"a","voice":"v","response_format":"pcm"}"#
            let whole = try await Self.ask(bench, "/v1/audio/speech", body)
            #expect(whole.head.contains("content-type: audio/pcm"))
            // A tenth of a second at 24,000 samples, two bytes each, in hundreds; then the three that were asked for.
            #expect(try await bench.nextEnded().eventsWritten == 48 + 3)
            let cut = body.replacing("chunks=3", with: "cut_after_events=2")
            _ = try await Self.ask(bench, "/v1/audio/speech", cut)
            let call = try await bench.nextEnded()
            #expect(call.eventsWritten == 2)
            #expect(call.ending == .cut)
        }
    }

    @Test func `ranks go down, and equal ones keep their order`() {
        let ranked = Ranking.rank(["x", "red cat", "y", "red"], by: "red cat")
        #expect(ranked.map(\.index) == [1, 3, 0, 2])
        #expect(ranked.map(\.score) == [1, 0.5, 0, 0])
        #expect(Ranking.rank(["a"], by: "?").map(\.score) == [0])
    }
}
