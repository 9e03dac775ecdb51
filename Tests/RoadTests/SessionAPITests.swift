import Auth
import Conversations
import Core
import Database
import HTTP
import NIOCore
import SQLite
import Testing
import Wire

/// What the API answers about sessions.
@Suite struct SessionAPITests {
    @Test func `a session is made, seen, changed, forked and deleted`() async throws {
        let road = try await AdminRoad()
        let body: JSONValue = [
            "title": "Plans", "model": "openai/gpt-4o", "system": "Be brief.",
            "history": ["policy": "summary", "keep": 12, "model": nil],
        ]
        // Any key will do: it is the holder's own affair.
        let made = await road.send("POST", "/api/v1/sessions", body, as: .application)
        let session = try #require(made.json?["data"])
        let id = try #require(session["id"]?.stringValue)
        #expect(made.status == 201 && made.field("location") == "/api/v1/sessions/\(id)")
        #expect(id.hasPrefix("ses_") && id.utf8.count == 30)
        #expect(
            session["groupId"] == "red" && session["keyId"] == "key-application" && session["userId"] == JSONValue.null
        )
        #expect(session["title"] == "Plans" && session["system"] == "Be brief." && session["messageCount"] == 0)
        #expect(session["history"] == ["policy": "summary", "keep": 12, "model": nil])
        #expect(session["createdAt"] == "2023-11-14T22:13:20.000Z" && session["lastUsedAt"] == JSONValue.null)
        let path = "/api/v1/sessions/\(id)"
        #expect(await road.send("GET", path, as: .application).json?["data"] == session)
        let changed = await road.send("PATCH", path, ["title": nil, "history": nil], as: .application)
        #expect(changed.status == 200 && changed.json?["data"]?["title"] == "")
        #expect(
            changed.json?["data"]?["history"] == JSONValue.null && changed.json?["data"]?["model"] == "openai/gpt-4o"
        )
        let fork = await road.send("POST", path + "/fork", ["title": "Copy"], as: .application)
        #expect(fork.status == 201 && fork.json?["data"]?["title"] == "Copy")
        #expect(fork.json?["data"]?["forkedFrom"] == ["sessionId": .string(id), "seq": 0])
        let list = await road.send("GET", "/api/v1/sessions", as: .application)
        #expect(list.json?["data"]?.arrayValue?.count == 2 && list.json?["nextCursor"] == JSONValue.null)
        let gone = await road.send("DELETE", path, as: .application)
        #expect(gone.status == 204 && gone.json == nil)
        #expect(await road.send("GET", path, as: .application).status == 404)
        #expect(try await road.audit().isEmpty)
    }

    @Test func `a list is one's own, page by page, and administrators ask for others'`() async throws {
        let road = try await AdminRoad()
        for caller in [Caller.member, .member, .member, .application] {
            #expect(await road.send("POST", "/api/v1/sessions", as: caller).status == 201)
        }
        func count(_ query: String, as caller: Caller) async -> Int? {
            await road.send("GET", "/api/v1/sessions" + query, as: caller).json?["data"]?.arrayValue?.count
        }
        #expect(await count("", as: .member) == 3)
        #expect(await count("", as: .adminOfRed) == 0)
        #expect(await count("?user=*", as: .adminOfRed) == 4)
        #expect(await count("?user=member", as: .adminOfRed) == 3)
        #expect(await count("?key=key-application", as: .adminOfRed) == 1)
        #expect(await count("?group=red", as: .systemAdmin) == 4)
        #expect(await road.send("GET", "/api/v1/sessions?user=*", as: .member).status == 403)
        #expect(await road.send("GET", "/api/v1/sessions?group=red", as: .adminOfBlue).status == 404)
        let first = await road.send("GET", "/api/v1/sessions?limit=2", as: .member)
        let cursor = try #require(first.json?["nextCursor"]?.stringValue)
        let second = await road.send("GET", "/api/v1/sessions?limit=2&cursor=\(cursor)", as: .member)
        #expect(first.json?["data"]?.arrayValue?.count == 2 && second.json?["data"]?.arrayValue?.count == 1)
        #expect(second.json?["nextCursor"] == JSONValue.null)
    }

    /// Row 44: not a byte tells another's session from one that was never there.
    @Test func `another's session answers like none`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        let far = try await road.objects(of: AdminRoad.blue)
        let rows = AdminMatrixTests.rows.filter { "\($0.row.path)".contains("{session}") }
        #expect(rows.count == 5)
        for (row, action) in rows {
            func send(_ id: String, as caller: Caller) async -> FakeExchange {
                await road.send(
                    "\(row.method.text)",
                    "\(row.path)".replacing("{session}", with: id),
                    AdminMatrixTests.body(action, number: 0),
                    as: caller,
                    fields: "x-request-id: same\r\n"
                )
            }
            for caller in [Caller.application, .adminOfBlue, .administratorsApplication] {
                let none = await send("ses_404", as: caller).sent
                #expect(none.contains("\"NOT_FOUND\""))
                for id in [objects.session, "%C3%A9", "ses_'--", "a%20b"] {
                    #expect(await send(id, as: caller).sent == none, "\(row.path) \(id) \(caller)")
                }
            }
            let none = await send("ses_404", as: .adminOfRed).sent
            #expect(await send(far.session, as: .adminOfRed).sent == none)
        }
        #expect(try await road.database.read { try $0.rows("SELECT id FROM sessions").count } == 2)
    }

    @Test func `messages come by number, in both directions`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        let path = "/api/v1/sessions/\(objects.session)/messages"
        let all = await road.send("GET", path, as: .member)
        let messages = try #require(all.json?["data"]?.arrayValue)
        #expect(messages.map { $0["seq"] } == [1, 2] && messages.map { $0["role"] } == ["user", "assistant"])
        #expect(messages[0]["content"] == "What time is it?" && messages[0]["requestId"] == "req_1")
        #expect(messages[1]["content"]?[0]?["text"] == "Twelve." && messages[1]["status"] == "complete")
        #expect(
            messages[1]["model"] == "m" && messages[1]["provider"] == "openai" && messages[1]["finishReason"] == "stop"
        )
        #expect(messages[0]["id"] == .string(SessionMessage.id(of: objects.session, 1)))
        #expect(all.field("x-content-type-options") == "nosniff" && all.field("cache-control") == "no-store")
        #expect(all.field("content-type") == "application/json")
        func seqs(_ query: String) async -> [Int?]? {
            await road.send("GET", path + query, as: .member).json?["data"]?.arrayValue?.map { $0["seq"]?.intValue }
        }
        #expect(await seqs("?order=desc") == [2, 1])
        #expect(await seqs("?after=1") == [2])
        #expect(await seqs("?before=2") == [1])
        let first = await road.send("GET", path + "?order=desc&limit=1", as: .member)
        #expect(first.json?["nextCursor"] == "2")
        #expect(await seqs("?order=desc&limit=1&cursor=2") == [1])
        #expect(await seqs("?limit=1&cursor=1") == [2])
        for query in ["?order=up", "?limit=0", "?limit=201", "?cursor=x", "?cursor=0", "?after=-1", "?page=2"] {
            let refused = await road.send("GET", path + query, as: .member)
            #expect(refused.status == 400 && refused.json?["code"] == "INVALID_REQUEST", "\(query)")
        }
    }

    @Test(
        arguments: [
            (["title": 5], "title"), (["title": .string(String(repeating: "x", count: 201))], "title"),
            (["title": "a\u{202E}b"], "title"), (["system": .string(String(repeating: "x", count: 65_537))], "system"),
            (["history": "messages"], "history"), (["history": ["policy": "messages", "count": 5_000]], "history"),
            (["id": "ses_mine"], "id"), (["userId": "member"], "userId"), (["nextSeq": 5], "nextSeq"),
        ] as [(JSONValue, String)]
    )
    func `a body that is no session is refused with the name of what is wrong`(body: JSONValue, field: String)
        async throws
    {
        let road = try await AdminRoad()
        let refused = await road.send("POST", "/api/v1/sessions", body, as: .member)
        #expect(refused.status == 400 && refused.json?["details"]?["field"] == .string(field), "\(refused.sent)")
        #expect(try await road.database.read { try $0.rows("SELECT id FROM sessions") }.isEmpty)
    }

    @Test func `a fork has the messages up to one, and no other number`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        let path = "/api/v1/sessions/\(objects.session)/fork"
        let one = await road.send("POST", path, ["seq": 1], as: .member)
        #expect(one.json?["data"]?["messageCount"] == 1)
        #expect(await road.send("POST", path, ["seq": 3], as: .member).status == 404)
        #expect(await road.send("POST", path, ["seq": -1], as: .member).status == 400)
        #expect(await road.send("POST", path, as: .member).json?["data"]?["messageCount"] == 2)
    }

    @Test func `sessions are served on both listeners`() async throws {
        let road = try await AdminRoad(hasAdminListener: true)
        for isAdministrative in [false, true] {
            let answer = await road.send("GET", "/api/v1/sessions", as: .member) {
                $0.isAdministrative = isAdministrative
            }
            #expect(answer.status == 200)
        }
    }

    // MARK: - Row 106

    /// What would be dangerous where somebody took it for a page, a path, a format or a terminal's command.
    static let payloads: [String] = {
        let marks = ["<", ">", "\"", "'", "&", "/", "\\", "`", "=", "(", ")", "{", "}", "[", "]", ";", "%", "$", "#"]
        let tags = [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "</script><script>",
            "javascript:alert(1)", "<iframe srcdoc='<script>alert(1)</script>'>", "<!--", "-->", "]]>", "<![CDATA[",
            "{{7*7}}", "${7*7}", "<%= 7*7 %>", "![x](https://evil.example/?q=1)", "[x](javascript:alert(1))",
            "\u{1B}[2J\u{1B}]0;owned\u{7}", "\u{202E}txt.exe", "\u{2028}\u{2029}", "\u{FEFF}", "\u{0}\u{1}\u{7F}\u{9B}",
            "%00%0a%0d", "\r\nset-cookie: a=b", "data: x\n\nevent: done", "'; DROP TABLE sessions; --",
            "../../etc/passwd",
            "e\u{301} and é", "👩‍👩‍👧‍👦 🇩🇪", "\u{FFFD}\u{FFFE}", "null", "true", "0", "{\"a\":1}", "[]",
            "\\u0041", "\\",
        ]
        let pairs = marks.flatMap { one in marks.prefix(9).map { one + $0 } }
        return tags + marks + pairs
    }()

    /// Stored and given back byte for byte, whatever escapes it was written with.
    @Test func `what was said comes back byte for byte, as JSON alone`() async throws {
        let road = try await AdminRoad()
        #expect(Self.payloads.count >= 200)
        let objects = try await road.objects(of: AdminRoad.red)
        let (store, owner) = (SessionStore(), SessionOwner.user(UserID(Caller.member.rawValue)))
        let texts = Self.payloads.flatMap { payload -> [String] in
            // As JSON has it, with every sign escaped, and as a part of an answer.
            let escaped = payload.utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            return [
                JSONValue.string(payload).text, "\"\(escaped.joined())\"",
                "[ {\"type\" : \"text\",\t\"text\":\(JSONValue.string(payload).text) , \"x\":1.50e+0} ]",
            ]
        }
        var seq = 2
        for text in texts {
            let content = ByteBuffer(string: text)
            let new = NewMessage(
                session: objects.session,
                access: .own(owner, in: AdminRoad.red),
                content: content,
                tokens: 1,
                requestID: "r",
                epoch: 1
            )
            try await road.database.write(.process) { session in
                let turn = try store.begin(new, now: AdminRoad.now, in: session) { _ in HistoryTerms() }
                let end = AnswerEnd(.complete, content: content, tokens: 1, model: "m")
                try store.finish(turn.answerSeq, of: objects.session, end, now: AdminRoad.now, in: session)
            }
            for number in [seq + 1, seq + 2] {
                let path = "/api/v1/sessions/\(objects.session)/messages?after=\(number - 1)&before=\(number + 1)"
                let answer = await road.send("GET", path, as: .member)
                #expect(answer.sent.contains("\"content\":\(text),\"usage\""), "\(text)")
                #expect(answer.field("content-type") == "application/json")
                #expect(answer.field("x-content-type-options") == "nosniff")
                #expect(answer.json?["data"]?.arrayValue?.count == 1, "\(text)")
            }
            seq += 2
        }
        // So do titles, prompts and names, as far as they are lines of text.
        for payload in Self.payloads {
            let body: JSONValue = ["title": .string(payload), "system": .string(payload), "model": .string(payload)]
            let answer = await road.send("POST", "/api/v1/sessions", body, as: .member)
            guard answer.status == 201 else {
                #expect(answer.status == 400 && answer.json?["details"]?["field"]?.stringValue != nil)
                continue
            }
            // White space around a title says nothing; within a prompt it may.
            let title = payload.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(answer.json?["data"]?["title"] == .string(title), "\(payload)")
            #expect(answer.json?["data"]?["system"] == .string(payload), "\(payload)")
            #expect(answer.json?["data"]?["model"] == .string(payload), "\(payload)")
            #expect(answer.field("x-content-type-options") == "nosniff")
        }
    }
}
