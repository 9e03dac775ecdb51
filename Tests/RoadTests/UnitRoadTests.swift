import Core
import Database
import Metering
import NIOCore
import SQLite
import Testing
import Transport

/// From what a provider says to the row in the ledger, for what is paid for by other units than plain tokens.
@MainActor @Suite struct UnitRoadTests {
    nonisolated static let claude = Rates(
        input: 3_000_000,
        output: 15_000_000,
        cachedInput: 300_000,
        cacheWrite: 3_750_000,
        source: "test"
    )
    nonisolated static let spoken = Rates(input: 0, output: 0, characters: 15_000_000, source: "test")
    nonisolated static let heard = Rates(input: 0, output: 0, minute: 6_000, source: "test")
    nonisolated static let ranked = Rates(input: 0, output: 0, searches: 2_000_000, source: "test")

    /// What the ledger says of the last attempt besides its cost.
    struct Figures: Equatable {
        var cost: Int64
        var source: String
        var long: Int64?
        var characters: Int64?
        var sound: Int64?
        var searches: Int64?
    }

    private static func figures(_ road: RaceRoad) async throws -> Figures {
        _ = try await road.rows()
        let figures = try await road.database.read { session in
            try session.rows("SELECT * FROM ledger ORDER BY attempt_id DESC LIMIT 1").map { row in
                Figures(
                    cost: try row.integer("cost"),
                    source: try row.text("usage_source"),
                    long: try row.optionalInteger("cache_write_long_tokens"),
                    characters: try row.optionalInteger("characters"),
                    sound: try row.optionalInteger("sound_ms"),
                    searches: try row.optionalInteger("searches")
                )
            }
        }
        let verdict = try await road.database.read { try LedgerStore().verify(in: $0) }
        #expect(verdict.isSound, "\(verdict.faults)")
        return try #require(figures.first)
    }

    /// A road whose group may spend so many millionths of a dollar.
    private static func road(limit: Int64) async throws -> RaceRoad {
        let scope = Scope([.group: .one("demo")])
        return try await RaceRoad(budgets: [BudgetRule(name: "b", scope: scope, limit: limit, window: .total)])
    }

    private static func call(
        _ road: RaceRoad,
        _ path: String,
        _ body: String,
        fields: String = "",
        _ script: FakeUpstream.Script
    ) async -> FakeExchange {
        road.transport.scripts = [script]
        let exchange = road.begin(body, path: path, fields: fields)
        await road.finish()
        return exchange
    }

    // MARK: An hour in the cache

    private static let usage =
        #""usage":{"input_tokens":100,"cache_creation_input_tokens":1000,"cache_read_input_tokens":0,"#
        + #""cache_creation":{"ephemeral_5m_input_tokens":600,"ephemeral_1h_input_tokens":400},"output_tokens":10}"#
    private static let message =
        #"{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],"#
        + #""stop_reason":"end_turn","stop_sequence":null,\#(usage)}"#
    private static let events =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
        + "\"role\":\"assistant\",\"model\":\"c\",\"content\":[],\"stop_reason\":null,\(usage)}}\n\n"
        + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
        + "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        + "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
        + "\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
        + "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        + "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
        + "\"usage\":{\"output_tokens\":10}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
    /// 100 x 3, 600 x 3.75, 400 x 6 and 10 x 15.
    private static let priced = Figures(cost: 300 + 2_250 + 2_400 + 150, source: "provider", long: 400)

    private static func ask(_ path: String, stream: Bool) -> String {
        #"{"model":"claude/c","max_tokens":50,"stream":\#(stream),"messages":[{"role":"user","content":"Hello"}]}"#
    }

    @Test(arguments: ["/v1/messages", "/v1/chat/completions"], [false, true])
    func `an hour in the cache is priced as such, whole and in streams, as it came and translated`(
        path: String,
        isStream: Bool
    ) async throws {
        let road = try await RaceRoad()
        let script: FakeUpstream.Script = isStream ? .stream(.bytes(Self.events)) : .json(Self.message)
        let answer = await Self.call(road, path, Self.ask(path, stream: isStream), script)
        #expect(answer.status == 200)
        #expect(try await Self.figures(road) == Self.priced)
    }

    @Test func `what passes through is priced the same way`() async throws {
        let road = try await RaceRoad()
        let fields = "content-type: application/json\r\n"
        let body = #"{"model":"c","max_tokens":50,"messages":[]}"#
        let answer = await Self.call(road, "/p/claude/v1/messages", body, fields: fields, .json(Self.message))
        #expect(answer.status == 200)
        #expect(try await Self.figures(road) == Self.priced)
    }

    @Test func `a hard budget sets aside what an hour in the cache can cost, where it is asked for`() async throws {
        func isLetThrough(_ mark: String) async throws -> Bool {
            let road = try await Self.road(limit: 7_000)
            let text = #"{"type":"text","text":"x","cache_control":{"type":"ephemeral"\#(mark)}}"#
            let body = #"{"model":"claude/c","max_tokens":1,"messages":[{"role":"user","content":[\#(text)]}]}"#
            return await Self.call(road, "/v1/messages", body, .json(Self.message)).status == 200
        }
        // A body of some 150 bytes and the frame of 1,000 tokens: $0.0043 at 3.75, $0.0069 at 6.
        #expect(try await isLetThrough(""))
        #expect(try await isLetThrough(#","ttl":"1h""#))
        #expect(try await isLetThrough(#","ttl":"5m""#))
        #expect(try await !isLetThrough(#","ttl":"1h","x":"\#(String(repeating: "y", count: 100))""#))
        #expect(try await !isLetThrough(#","ttl":"\#("\\")u0031h","x":"\#(String(repeating: "y", count: 100))""#))
        #expect(try await isLetThrough(#","ttl":"5m","x":"\#(String(repeating: "y", count: 100))""#))
    }

    // MARK: Sound and searches

    private static let sound = FakeUpstream.Script(
        head: "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n",
        steps: [.bytes("ID3")]
    )

    @Test func `speech is paid for by its characters, escapes and all`() async throws {
        let road = try await RaceRoad()
        // Four characters: two in escapes, one of those in two halves.
        let body = #"{"model":"openai/spoken","input":"a\u00e9\ud83d\ude00b","voice":"x"}"#
        #expect(await Self.call(road, "/v1/audio/speech", body, Self.sound).status == 200)
        #expect(try await Self.figures(road) == Figures(cost: 60, source: "provider", characters: 4))
        let fields = "content-type: application/json\r\n"
        let own = #"{"model":"spoken","input":"abc","voice":"x"}"#
        #expect(await Self.call(road, "/p/openai/v1/audio/speech", own, fields: fields, Self.sound).status == 200)
        #expect(try await Self.figures(road) == Figures(cost: 45, source: "provider", characters: 3))
    }

    @Test func `a hard budget pays for exactly the characters there are`() async throws {
        func status(_ limit: Int64) async throws -> Int {
            let road = try await Self.road(limit: limit)
            let body = #"{"model":"openai/spoken","input":"hello","voice":"x"}"#
            return await Self.call(road, "/v1/audio/speech", body, Self.sound).status
        }
        #expect(try await status(75) == 200)
        #expect(try await status(74) != 200)
    }

    private static func form(_ sound: Int) -> String {
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nopenai/heard\r\n--b\r\n"
            + "content-disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n"
            + String(repeating: "x", count: sound) + "\r\n--b--\r\n"
    }

    @Test(
        arguments: [
            (#"{"text":"a","usage":{"type":"duration","seconds":12}}"#, 1_200, 12_000),
            (#"{"text":"a","duration":8.4701}"#, 847, 8_471),
            (#"{"text":"a","duration":"8.47","usage":{"seconds":9}}"#, 900, 9_000),
        ] as [(String, Int64, Int64)]
    )
    func `sound is paid for by the time that the provider says`(answer: String, cost: Int64, sound: Int64) async throws
    {
        let road = try await RaceRoad()
        let fields = "content-type: multipart/form-data; boundary=b\r\n"
        let status = await Self.call(road, "/v1/audio/transcriptions", Self.form(64), fields: fields, .json(answer))
            .status
        #expect(status == 200)
        #expect(try await Self.figures(road) == Figures(cost: cost, source: "provider", sound: sound))
    }

    @Test func `sound of a length that nobody says is guessed by its file, and marked`() async throws {
        let road = try await RaceRoad()
        let fields = "content-type: multipart/form-data; boundary=b\r\n"
        let form = Self.form(160_000)
        let status = await Self.call(road, "/v1/audio/transcriptions", form, fields: fields, .json(#"{"text":"a"}"#))
            .status
        #expect(status == 200)
        let guess = Int64(form.utf8.count * 1_000 / 16_000)
        #expect(
            try await Self.figures(road) == Figures(cost: (guess + 5) / 10, source: "estimated", sound: guess)
        )
    }

    @Test func `reranking is paid for by searches, as told or else by documents`() async throws {
        let road = try await RaceRoad()
        let documents = Array(repeating: #""d""#, count: 101).joined(separator: ",")
        let body = #"{"model":"openai/ranked","query":"q","documents":[\#(documents)]}"#
        let told = #"{"results":[],"meta":{"billed_units":{"search_units":5}}}"#
        #expect(await Self.call(road, "/v1/rerank", body, .json(told)).status == 200)
        #expect(try await Self.figures(road) == Figures(cost: 10_000, source: "provider", searches: 5))
        #expect(await Self.call(road, "/v1/rerank", body, .json(#"{"results":[]}"#)).status == 200)
        #expect(try await Self.figures(road) == Figures(cost: 4_000, source: "estimated", searches: 2))
    }

    @Test func `a price for sound alone is none for a chat`() async throws {
        let road = try await RaceRoad()
        let body = #"{"model":"openai/heard","messages":[{"role":"user","content":"Hello"}]}"#
        #expect(await Self.call(road, "/v1/chat/completions", body, .json(TryTargetsTests.answer)).status == 200)
        _ = try await road.rows()
        let text = try await road.database.read { try $0.first("SELECT rates FROM ledger")?.text("rates") }
        #expect(text?.hasSuffix("@unpriced") == true)
    }

    // MARK: Thinking that cannot be paid for

    private static func thinking(_ budget: Int, limit: Int64) async throws -> (RaceRoad, FakeExchange) {
        let road = try await Self.road(limit: limit)
        let body =
            #"{"model":"claude/c","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":\#(budget)},"#
            + #""messages":[{"role":"user","content":"Hello"}]}"#
        return (road, await Self.call(road, "/v1/messages", body, .json(Self.message)))
    }

    @Test func `where a budget lowers the answer, thinking is lowered with it, and named`() async throws {
        // Some 4,300 for the request, the rest pays for less than 3,100 tokens of answer.
        let (road, answer) = try await Self.thinking(8_000, limit: 50_000)
        #expect(answer.status == 200)
        let sent = try JSONValue.parse(road.transport.body())
        let most = try #require(sent["max_tokens"]?.intValue)
        let budget = try #require(sent["thinking"]?["budget_tokens"]?.intValue)
        #expect((2_048..<9_000).contains(most))
        #expect(budget == most / 2)
        #expect(answer.field("x-turnpike-dropped") == "thinking.budget_tokens")
        let (other, _) = try await Self.thinking(1_024, limit: 50_000)
        #expect(other.transport.body().contains(#""budget_tokens":1024}"#))
    }

    @Test func `where not even the least thinking fits, the budget refuses and says why`() async throws {
        let (road, answer) = try await Self.thinking(2_000, limit: 15_000)
        #expect(answer.status != 200)
        #expect(answer.sent.contains("thinking"))
        #expect(road.transport.requests.isEmpty)
        let rows = try await road.rows()
        #expect(rows.allSatisfy { $0.charged == 0 && $0.outcome == "refused" })
        #expect(road.meter.counts.open == 0)
    }
}
