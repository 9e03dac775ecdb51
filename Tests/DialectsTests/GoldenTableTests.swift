import Chat
import Core
import Dialects
import Glibc
import NIOCore
import Testing
import Wire

/// Every situation between every two dialects: what is made of it is held against `Fixtures/dialects/golden`.
///
/// `TURNPIKE_GOLDEN=write` rewrites the files (`make golden`); the diff is yours to review.
@Suite struct GoldenTableTests {
    struct Pair: Sendable, CustomTestStringConvertible {
        let client: WireFormat
        let provider: WireFormat
        var testDescription: String { "\(self.client.label) onto \(self.provider.label)" }

        /// Those that are translated; one dialect on both sides passes untouched, byte for byte.
        static let all = WireFormat.clients.flatMap { client in
            WireFormat.allCases.filter { $0 != client }.map { Pair(client: client, provider: $0) }
        }
    }

    static let situations: [String] = {
        var names = Situations.requests
        for name in Situations.answers + Situations.streams + Situations.elsewhere
        where !names.contains(name) { names.append(name) }
        return names
    }()

    private static let isWriting = ["write", "1"].contains(getenv("TURNPIKE_GOLDEN").map { String(cString: $0) } ?? "")

    @Test(arguments: Pair.all)
    func `every cell of the table is converted, refused by name, or not applicable for a reason`(pair: Pair) throws {
        for situation in Self.situations {
            let cell = try GoldenCell(pair.client, pair.provider, situation)
            #expect(cell.gaps.isEmpty, "\(situation): \(cell.gaps.joined(separator: ", "))")
            guard let text = cell.text else {
                #expect(!cell.reasons.isEmpty, "\(situation) is missing without a reason")
                continue
            }
            if Self.isWriting {
                try Self.write(text, to: cell.path)
            } else {
                let golden = (try? Fixture.bytes(cell.path)).map { String(buffer: $0) }
                #expect(golden == text, "\(cell.path) differs; `make golden` rewrites it")
            }
        }
    }

    @Test(arguments: Pair.all)
    func `no file of the table is left over`(pair: Pair) throws {
        let files = Fixture.names(in: "golden/\(pair.client.label)-\(pair.provider.label)", suffix: ".json")
        #expect(files.allSatisfy { Self.situations.contains(String($0.dropLast(5))) })
    }

    @Test(arguments: WireFormat.clients)
    func `what a client asks is written back in its own dialect with nothing lost`(client: WireFormat) throws {
        for situation in Situations.requests where Situations.hasFixture(client, "request-\(situation).json") {
            let body = try Situations.fixture(client, "request-\(situation).json")
            let request = try Codecs.readRequest(body, as: client)
            var target = TargetTraits(model: JSONString("m"), modelID: "m")
            target.outputLimitField = "max_completion_tokens"
            var losses = Losses()
            var written = ByteBuffer()
            try Codecs.writeRequest(request, as: client, for: target, losses: &losses, into: &written)
            #expect(losses.paths(in: body) == [], "\(client.label) \(situation)")
            _ = try JSONValue.parse(written)
        }
    }

    @Test(arguments: WireFormat.allCases)
    func `every stream is in order, the same at every split, and never whole when it is cut`(
        provider: WireFormat
    ) throws {
        let folder = "situations/\(provider.label)"
        for name in Fixture.names(in: folder, prefix: "stream-", suffix: ".sse") where name != "stream-long-stream.sse"
        {
            let bytes = try Fixture.bytes("\(folder)/\(name)")
            let events = try Events.read(bytes)
            for count in 1...(bytes.readableBytes - 1) where count % 97 == 1 || count < 64 {
                #expect(try Events.read(bytes, in: count) == events, "\(name) in pieces of \(count)")
            }
            for client in WireFormat.clients {
                for count in 0...events.count { try Self.checkCut(Array(events[..<count]), name, provider, client) }
            }
        }
    }

    private static func checkCut(
        _ events: [ServerSentEvent],
        _ name: String,
        _ provider: WireFormat,
        _ client: WireFormat
    ) throws {
        let request = try Codecs.readRequest(Situations.fixture(client, "request-stream.json"), as: client)
        var context = AnswerContext(id: "id1", created: 1, model: JSONString("m"), request: request)
        context.source = provider
        let (steps, written) = try GoldenCell.rewrite(events, from: provider, to: client, context)
        try StepOrder.check(steps)
        let isWhole = steps.contains { if case .end = $0 { true } else { false } }
        let saysEnd = written.contains { event in
            let data = String(buffer: event.data)
            return data == "[DONE]" || data.contains(#""type":"message_stop""#)
                || data.contains(#""type":"response.completed""#) || data.contains(#""type":"response.incomplete""#)
        }
        #expect(isWhole == saysEnd, "\(name) of \(provider.label) for \(client.label), cut at \(events.count)")
    }

    private static func write(_ text: String, to path: String) throws {
        let whole = "\(Fixture.folder)/\(path)"
        var folder = ""
        for part in whole.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o755)
        }
        let file = try #require(fopen(whole, "wb"), "\(whole) cannot be written")
        defer { fclose(file) }
        #expect(fputs(text, file) >= 0)
    }
}
