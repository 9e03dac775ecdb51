import Auth
import Conversations
import Core
import Database
import Logging
import NIOCore
import Pipeline
import SQLite
import Testing
import Transport

/// `/v1/responses` on the road, with a real store and scripted providers.
@MainActor @Suite struct KeepResponseTests {
    /// A road with a store of responses.
    struct Kit {
        let road: Road
        let book: ResponseBook

        init(_ limits: ResponseLimits = ResponseLimits()) async throws {
            let database = try SQLiteDatabase.inMemory()
            try await MigrationRunner().run(on: database, now: UnixTime(milliseconds: 0))
            try await database.write { session in
                try session.execute("INSERT INTO groups (id, name, created_at, updated_at) VALUES ('demo', 'D', 0, 0)")
            }
            self.book = ResponseBook(
                database: database,
                limits: { limits },
                logger: Logger(label: "test") { _ in CapturedLog() },
                wallClock: { UnixTime(seconds: 1_700_000_000) }
            )
            self.road = try Road(responses: self.book)
        }

        @MainActor func ask(_ body: String, fields: String = "") async -> FakeExchange {
            await self.road.send("POST", "/v1/responses", body: body, fields: fields)
        }

        /// The body of a request to a provider.
        func told(_ index: Int) throws -> JSONValue {
            let request = self.road.transport.requests[index]
            let start = try #require(request.firstRange(of: "\r\n\r\n")?.upperBound)
            return try JSONValue.parse(String(request[start...]))
        }
    }

    private static func answer(_ id: String, _ text: String) -> String {
        #"{"id":"\#(id)","object":"response","status":"completed","model":"gpt-4o-mini","output":["#
            + #"{"id":"msg_\#(id)","type":"message","role":"assistant","content":["#
            + #"{"type":"output_text","text":"\#(text)"}]}"#
            + #"],"usage":{"input_tokens":3,"output_tokens":2}}"#
    }

    private static let chatAnswer =
        #"{"id":"c1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","#
        + #""message":{"role":"assistant","content":"Ada."}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#

    @Test func `a conversation goes on at a provider of another dialect`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.answer("resp_1", "Hello.")), .json(Self.chatAnswer)]
        let first = await kit.ask(#"{"model":"openai/gpt-4o-mini","input":"I am Ada."}"#)
        #expect(first.sent == Self.answer("resp_1", "Hello."))
        let second = await kit.ask(
            #"{"model":"mistral/small","input":"Who am I?","previous_response_id":"resp_1"}"#
        )
        #expect(second.status == 200, "\(second.sent)")
        #expect(second.json?["previous_response_id"]?.stringValue == "resp_1")
        let messages = try kit.told(1)["messages"]?.arrayValue
        #expect(messages?.map { $0["content"]?.stringValue } == ["I am Ada.", "Hello.", "Who am I?"])
        #expect(try kit.told(1)["previous_response_id"] == nil)
        // And on from there, back at the first.
        let id = try #require(second.json?["id"]?.stringValue)
        kit.road.transport.scripts = [.json(Self.answer("resp_3", "Bye."))]
        let third = await kit.ask(
            #"{"model":"openai/gpt-4o-mini","previous_response_id":"\#(id)","#
                + #""input":[{"role":"user","content":"Bye."}]}"#
        )
        #expect(third.status == 200)
        #expect(try kit.told(2)["input"]?.arrayValue?.count == 5)
        #expect(try kit.told(2)["previous_response_id"] == nil)
    }

    @Test func `an id that is not known here goes to a provider that may know it, and to no other`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.answer("resp_2", "Hello."))]
        let body = #"{"model":"openai/gpt-4o-mini","input":"x","previous_response_id":"resp_theirs"}"#
        #expect(await kit.ask(body).status == 200)
        #expect(try kit.told(0)["previous_response_id"]?.stringValue == "resp_theirs")
        // Nobody here knows what led to it.
        #expect(await kit.road.send("GET", "/v1/responses/resp_2").status == 404)
        let refused = await kit.ask(
            #"{"model":"mistral/small","input":"x","previous_response_id":"resp_theirs"}"#
        )
        #expect(refused.status == 400)
        #expect(refused.json?["error"]?["param"]?.stringValue == "previous_response_id")
    }

    @Test(arguments: [
        (#""store":false,"#, ""), ("", "x-turnpike-cache: no-store\r\n"), (#""conversation":"c","#, ""),
    ])
    func `what is not to be kept is not`(member: String, fields: String) async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.answer("resp_1", "Hello."))]
        let body = #"{"model":"openai/gpt-4o-mini",MEMBER"input":"x"}"#.replacing("MEMBER", with: member)
        #expect(await kit.ask(body, fields: fields).status == 200)
        #expect(await kit.road.send("GET", "/v1/responses/resp_1").status == 404)
    }

    @Test func `a kept answer is given, listed and deleted`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.answer("resp_1", "Hello."))]
        let input = #"[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#
        _ = await kit.ask(#"{"model":"openai/gpt-4o-mini","input":INPUT}"#.replacing("INPUT", with: input))
        await kit.book.write()
        #expect(await kit.road.send("GET", "/v1/responses/resp_1").sent == Self.answer("resp_1", "Hello."))
        let page = await kit.road.send("GET", "/v1/responses/resp_1/input_items?limit=2").json
        #expect(page?["data"]?.arrayValue?.map { $0["content"]?[0]?["text"]?.stringValue } == ["c", "b"])
        #expect(page?["has_more"]?.boolValue == true)
        let last = try #require(page?["last_id"]?.stringValue)
        let rest = await kit.road.send("GET", "/v1/responses/resp_1/input_items?after=\(last)").json
        #expect(rest?["data"]?.arrayValue?.count == 1)
        #expect(rest?["has_more"]?.boolValue == false)
        for query in ["limit=0", "limit=101", "limit=x", "order=up", "after=nobody"] {
            #expect(await kit.road.send("GET", "/v1/responses/resp_1/input_items?\(query)").status == 400, "\(query)")
        }
        #expect(await kit.road.send("POST", "/v1/responses/resp_1/cancel").status == 400)
        #expect(await kit.road.send("GET", "/v1/responses/resp_1?stream=true").status == 400)
        #expect(await kit.road.send("DELETE", "/v1/responses/resp_1").json?["deleted"]?.boolValue == true)
        #expect(await kit.road.send("DELETE", "/v1/responses/resp_1").status == 404)
        #expect(await kit.road.send("GET", "/v1/responses/resp_1/input_items").status == 404)
    }

    @Test func `a streamed answer is kept when it is whole, and not when it was cut`() async throws {
        let kit = try await Kit()
        func event(_ type: String, _ more: String) -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\",\(more)}\n\n"
        }
        let begin = event("response.created", #""response":{"id":"resp_1","output":[]}"#)
        let delta = event("response.output_text.delta", #""output_index":0,"delta":"Hi""#)
        let response = Self.answer("resp_1", "Hi")
        let end = event("response.completed", "\"response\":\(response)")
        let body = #"{"model":"openai/gpt-4o-mini","input":"x","stream":true}"#
        kit.road.transport.scripts = [.stream(.bytes(begin + delta))]
        _ = await kit.ask(body)
        #expect(await kit.road.send("GET", "/v1/responses/resp_1").status == 404)
        kit.road.transport.scripts = [.stream(.bytes(begin + delta), .bytes(end))]
        let answer = await kit.ask(body)
        #expect(answer.status == 200)
        #expect(answer.sent == begin + delta + end)
        #expect(await kit.road.send("GET", "/v1/responses/resp_1").sent == response)
    }

    @Test func `an answer in the background is refused, without a call`() async throws {
        let kit = try await Kit()
        let answer = await kit.ask(#"{"model":"openai/gpt-4o-mini","input":"x","background":true}"#)
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["param"]?.stringValue == "background")
        #expect(kit.road.transport.requests.isEmpty)
    }

    @Test func `another provider's thoughts do not reach OpenAI, and the client is told`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.answer("resp_1", "Hello."))]
        let answer = await kit.ask(
            #"""
            {"model":"openai/gpt-4o-mini","input":[{"role":"user","content":"q"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"turnpike:1:anthropic:signature:Er="},
            {"role":"assistant","content":"a"},{"role":"user","content":"q"}]}
            """#
        )
        #expect(answer.status == 200, "\(answer.sent)")
        #expect(try kit.told(0)["input"]?.arrayValue?.count == 3)
        #expect(answer.field("x-turnpike-dropped") == "input[1]")
    }

    @Test func `answers to requests of one name are different ones`() async throws {
        let kit = try await Kit()
        kit.road.transport.scripts = [.json(Self.chatAnswer), .json(Self.chatAnswer)]
        var ids: Set<String> = []
        for _ in 0..<2 {
            let answer = await kit.ask(#"{"model":"mistral/small","input":"x"}"#, fields: "x-request-id: mine\r\n")
            ids.insert(answer.json?["id"]?.stringValue ?? "")
        }
        #expect(ids.count == 2)
    }
}
