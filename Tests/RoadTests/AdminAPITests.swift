import Audit
import Auth
import Core
import Database
import HTTP
import NIOConcurrencyHelpers
import Operations
import SQLite
import Testing
import Wire

/// What the administrative API answers, end to end over the real router and a real store.
@Suite struct AdminAPITests {
    @Test func `a key is made, shown once, works at once, is rotated, and ends at once (row 43)`() async throws {
        let road = try await AdminRoad()
        let made = await road.send("POST", "/api/v1/groups/red/keys", ["name": "ci"], as: .adminOfRed)
        #expect(made.status == 201 && made.field("cache-control") == "no-store")
        let key = try #require(made.json?["data"])
        let (id, secret) = (try #require(key["id"]?.stringValue), try #require(key["secret"]?.stringValue))
        #expect(secret.hasPrefix("tp_\(id)_") && key["scopes"] == ["inference"])
        #expect(key["createdBy"] == "adminOfRed" && key["createdAt"] == "2023-11-14T22:13:20.000Z")
        #expect(await road.send("GET", "/v1/models", secret: secret).status == 200)
        let seen = await road.send("GET", "/api/v1/groups/red/keys/\(id)", as: .adminOfRed)
        #expect(seen.json?["data"]?["secret"] == nil && !seen.sent.contains(secret))

        let rotated = await road.send(
            "POST",
            "/api/v1/groups/red/keys/\(id)/rotate",
            ["overlapSeconds": 60],
            as: .adminOfRed
        )
        let next = try #require(rotated.json?["data"]?["secret"]?.stringValue)
        #expect(rotated.json?["data"]?["replaces"]?["expiresAt"] == "2023-11-14T22:14:20.000Z")
        for working in [secret, next] { #expect(await road.send("GET", "/v1/models", secret: working).status == 200) }
        let again = await road.send("POST", "/api/v1/groups/red/keys/\(id)/rotate", as: .adminOfRed)
        #expect(again.status == 409 && again.json?["code"] == "CONFLICT")

        let ended = await road.send("POST", "/api/v1/groups/red/keys/\(id)/revoke", as: .adminOfRed)
        #expect(ended.json?["data"]?["active"] == false)
        #expect(await road.send("GET", "/v1/models", secret: secret).status == 401)
        #expect(await road.send("GET", "/v1/models", secret: next).status == 200)
        let actions = try await road.audit().map(\.action)
        #expect(actions == ["key.create", "key.rotate", "key.rotate", "key.revoke"])
        let text = try await road.audit().map(\.details).joined()
        #expect(!text.contains(secret) && !text.contains(next))
    }

    @Test func `a person who is kept out takes their keys with them`() async throws {
        let road = try await AdminRoad()
        let made = await road.send("POST", "/api/v1/groups/red/users", ["name": "Ada"], as: .adminOfRed)
        let user = try #require(made.json?["data"]?["id"]?.stringValue)
        let key = await road.send(
            "POST",
            "/api/v1/groups/red/keys",
            ["name": "ada", "userId": .string(user)],
            as: .adminOfRed
        )
        let secret = try #require(key.json?["data"]?["secret"]?.stringValue)
        let who = await road.send("GET", "/api/v1/whoami", secret: secret)
        #expect(who.json?["data"]?["user"]?["name"] == "Ada" && who.json?["data"]?["role"] == "member")
        let path = "/api/v1/groups/red/users/\(user)"
        #expect(await road.send("PATCH", path, ["disabled": true], as: .adminOfRed).status == 200)
        #expect(await road.send("GET", "/api/v1/whoami", secret: secret).status == 401)
        #expect(await road.send("PATCH", path, ["disabled": false], as: .adminOfRed).status == 200)
        #expect(await road.send("GET", "/api/v1/whoami", secret: secret).status == 200)
        #expect(await road.send("DELETE", path, as: .adminOfRed).status == 204)
        #expect(await road.send("GET", "/api/v1/whoami", secret: secret).status == 401)
    }

    @Test func `a credential is stored, hinted at, replaced, tested and deleted, and its key is never seen (row 51)`()
        async throws
    {
        let road = try await AdminRoad()
        let base = "/api/v1/groups/red/credentials"
        var sent = ""
        func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async -> FakeExchange {
            let answer = await road.send(method, path, body, as: .adminOfRed)
            sent += answer.sent + answer.fields
            return answer
        }
        let draft: JSONValue = ["provider": "openai", "apiKey": .string(AdminRoad.providerKey)]
        let made = await send("POST", base, draft)
        let id = try #require(made.json?["data"]?["id"]?.stringValue)
        #expect(made.json?["data"]?["keyHint"] == "sk-canar…tail" && made.json?["data"]?["test"] == nil)
        let twice = await send("POST", base, draft)
        #expect(twice.status == 409 && twice.json?["code"] == "DUPLICATE_CREDENTIAL")

        road.test.withLockedValue { $0 = .refused(status: 401) }
        let refused = await send("POST", "\(base)/\(id)/replace", ["apiKey": "sk-canary-other-0000", "test": true])
        #expect(refused.status == 424 && refused.json?["code"] == "CREDENTIAL_REJECTED")
        #expect(await send("GET", "\(base)/\(id)").json?["data"]?["active"] == true)
        let marked = await send("POST", "\(base)/\(id)/test", [:])
        #expect(marked.json?["data"]?["test"]?["outcome"] == "refused")
        #expect(marked.json?["data"]?["rejectedAt"] == "2023-11-14T22:13:20.000Z")

        road.test.withLockedValue { $0 = .accepted(after: .milliseconds(3)) }
        let replaced = await send("POST", "\(base)/\(id)/replace", ["apiKey": "sk-canary-other-0000", "test": true])
        #expect(replaced.status == 201 && replaced.json?["data"]?["test"]?["latencyMs"] == 3)
        let active = await send("GET", "\(base)?active=true&provider=openai").json?["data"]?.arrayValue ?? []
        #expect(active.count == 1 && active.first?["id"] == replaced.json?["data"]?["id"])
        #expect(await send("PATCH", "\(base)/\(id)/activate").json?["code"] == "DUPLICATE_CREDENTIAL")
        #expect(await send("DELETE", "\(base)/\(id)").status == 204)
        let gone = await send("GET", "\(base)/\(id)")
        #expect(gone.status == 404 && gone.json?["code"] == "CREDENTIAL_NOT_FOUND")

        #expect(road.tested.withLockedValue { $0 }.contains("openai \(AdminRoad.providerKey)"))
        let audit = try await road.audit()
        #expect(audit.filter { $0.outcome == "failed" }.map(\.action) == ["credential.replace"])
        for canary in [AdminRoad.providerKey, "sk-canary-other"] {
            #expect(!sent.contains(canary) && !road.logged.text.contains(canary))
            #expect(!audit.map(\.details).joined().contains(canary))
        }
    }

    @Test func `an unknown provider is named with the nearest known one`() async throws {
        let road = try await AdminRoad()
        let answer = await road.send(
            "POST",
            "/api/v1/groups/red/credentials",
            ["provider": "opnai", "apiKey": "sk-123456789"]
        )
        #expect(answer.status == 400 && answer.json?["details"]?["field"] == "provider")
        #expect(answer.json?["error"]?.stringValue?.contains("'openai'") == true)
        #expect(answer.json?["details"]?["expected"] == "openai, mistral")
    }

    @Test func `lists come in pages, filtered, and whoever is not asked for is not there`() async throws {
        let road = try await AdminRoad()
        for number in 0..<5 {
            let body: JSONValue = ["name": .string("k\(number)"), "agentId": "bot"]
            #expect(await road.send("POST", "/api/v1/groups/blue/keys", body).status == 201)
        }
        var names: [String] = []
        var cursor: String?
        repeat {
            let next = cursor.map { "&cursor=\($0)" } ?? ""
            let page = await road.send("GET", "/api/v1/groups/blue/keys?limit=2&agentId=bot\(next)")
            names += page.json?["data"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            cursor = page.json?["nextCursor"]?.stringValue
        } while cursor != nil && names.count < 20
        #expect(names.sorted() == ["k0", "k1", "k2", "k3", "k4"])
        for bad in [
            "limit=0", "limit=201", "limit=x", "cursor=zz", "limit=1&limit=2", "colour=red", "active=yes", "active=",
            "userId=a&agentId=b", "x=%FF",
        ] {
            let answer = await road.send("GET", "/api/v1/groups/blue/keys?\(bad)")
            #expect(answer.status == 400 && answer.json?["code"] == "INVALID_REQUEST", "\(bad)")
        }
        let own = await road.send("GET", "/api/v1/groups", as: .adminOfBlue)
        #expect(own.json?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["blue"])
        let admins = await road.send("GET", "/api/v1/groups/blue/users?role=group_admin")
        #expect(admins.json?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["adminOfBlue"])
    }

    @Test func `the audit log tells what was done and what was tried, to each admin of their own group`() async throws {
        let road = try await AdminRoad()
        let request = "x-request-id: look-here\r\n"
        _ = await road.send("POST", "/api/v1/groups/blue/users", ["name": "Eve"], fields: request)
        _ = await road.send("DELETE", "/api/v1/groups/red", as: .adminOfBlue)
        _ = await road.send("DELETE", "/api/v1/groups/red", as: .adminOfRed)
        let all = await road.send("GET", "/api/v1/audit").json?["data"]?.arrayValue ?? []
        #expect(all.map { $0["outcome"] } == ["refused", "refused", "done"])
        #expect(all.last?["requestId"] == "look-here" && all.last?["actor"] == "systemAdmin")
        #expect(all.first?["details"]?["code"] == "FORBIDDEN" && all.first?["actor"] == "adminOfRed")
        let own = await road.send("GET", "/api/v1/audit", as: .adminOfRed).json?["data"]?.arrayValue ?? []
        #expect(own.count == 2 && own.allSatisfy { $0["groupId"] == "red" })
        #expect(await road.send("GET", "/api/v1/audit?group=blue", as: .adminOfRed).status == 404)
        let found = await road.send("GET", "/api/v1/audit?requestId=look-here&action=user.create")
        #expect(found.json?["data"]?.arrayValue?.count == 1)
        let verdict = await road.send("GET", "/api/v1/audit/verify").json?["data"]
        #expect(verdict?["intact"] == true && verdict?["records"] == 3)
        let head = try #require(verdict?["head"]?.stringValue)
        #expect(await road.send("GET", "/api/v1/audit/verify?head=\(head)").json?["data"]?["intact"] == true)
        try await road.database.write { session in
            try session.execute("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2")
        }
        let broken = await road.send("GET", "/api/v1/audit/verify").json?["data"]
        #expect(broken?["intact"] == false && broken?["fault"]?["seq"] == 2)
    }

    @Test func `what cannot be recorded is not done: 503, and calls to models go on (row 54)`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        try await road.database.write { try $0.execute("DROP TABLE audit_log") }
        let before = try await road.revision()
        for (row, action) in AdminMatrixTests.rows
        where action.bodyProperties != nil || "\(row.method.text)" == "DELETE" {
            // Of conversations of one's own there is no record.
            if action == .createSession { continue }
            let path = AdminMatrixTests.path(row, group: AdminRoad.red, objects)
            let answer = await road.send("\(row.method.text)", path, AdminMatrixTests.body(action, number: 1))
            #expect(answer.status == 503 && answer.json?["code"] == "AUDIT_UNAVAILABLE", "\(path): \(answer.sent)")
            #expect(answer.field("retry-after") != nil)
        }
        #expect(try await road.revision() == before)
        #expect(await road.send("GET", "/v1/models", as: .application).status == 200)
        #expect(road.logged.text.contains("AUDIT_UNAVAILABLE"))
        // A refusal needs no record to be one.
        #expect(await road.send("DELETE", "/api/v1/groups/red", as: .adminOfRed).status == 403)
    }

    @Test func `bodies that are no JSON, too large, or of another type are refused`() async throws {
        let road = try await AdminRoad()
        let path = "/api/v1/groups"
        func post(_ text: String, _ fields: String = "") async -> FakeExchange {
            await road.send("POST", path, text: text, secret: Caller.systemAdmin.secret, fields: fields)
        }
        #expect(await post("{").json?["code"] == "INVALID_JSON")
        #expect(await post("[]").json?["code"] == "INVALID_REQUEST")
        #expect(await post("{\"id\":\"a\",\"id\":\"b\"}").json?["code"] == "INVALID_REQUEST")
        #expect(await post("{\"id\":\"a\"}", "content-type: text/plain\r\n").status == 415)
        #expect(await post("{\"id\":\"\(String(repeating: "a", count: 1_000_001))\"}").status == 413)
        #expect(await post("{\"id\":\"a\"}", "content-type: application/json; charset=utf-8\r\n").status == 201)
        let taken = await post("{\"id\":\"a\"}")
        #expect(taken.status == 409 && taken.json?["code"] == "CONFLICT")
        #expect(await road.send("DELETE", "/api/v1/groups/a", ["force": true]).status == 400)
    }

    @Test func `a key's own list of routes holds here too (row 39)`() async throws {
        let road = try await AdminRoad()
        let made = await road.send(
            "POST",
            "/api/v1/groups/blue/keys",
            [
                "name": "narrow", "userId": "systemAdmin", "scopes": ["inference", "admin"],
                "allowedRoutes": ["/api/v1/audit*", "/v1/models"],
            ]
        )
        let secret = try #require(made.json?["data"]?["secret"]?.stringValue)
        for (path, status) in [
            ("/api/v1/audit", 200), ("/api/v1/audit/verify", 200), ("/v1/models", 200), ("/v1/models?x=1", 200),
            ("/v1/models/gpt-4o", 403), ("/api/v1/groups", 403), ("/api/v1/whoami", 403), ("/metrics", 403),
        ] {
            for carrier in ["authorization: Bearer", "x-api-key:", "api-key:"] {
                let answer = await road.send("GET", path, text: "", secret: nil, fields: "\(carrier) \(secret)\r\n")
                #expect(answer.status == status, "\(carrier) \(path)")
            }
        }
    }

    @Test func `the same code answers a command without a gateway`() async throws {
        let road = try await AdminRoad()
        let api = AdminAPI(road.administration)
        let id = RequestID(high: 1, low: 2)
        let made = await api.answer(
            AdminRequest(.post, "/api/v1/groups", body: ["id": "cli"]),
            by: .command(requestID: id.text),
            requestID: id
        )
        #expect(made.status == 201 && made.location == "/api/v1/groups/cli" && made.failure == nil)
        let none = await api.answer(AdminRequest(.get, "/api/v1/groups/no"), by: .command(), requestID: id)
        #expect(none.status == 404 && none.json?["code"] == "NOT_FOUND" && none.json?["requestId"] == .string(id.text))
        for (method, target, status) in [
            (HTTPMethod.get, "/v1/models", 404), (.put, "/api/v1/groups", 405), (.get, "/api//v1", 400),
            (.get, "/nothing", 404),
        ] {
            let answer = await api.answer(AdminRequest(method, target), by: .command(), requestID: id)
            #expect(answer.status == status && answer.json?["statusCode"] == .integer(Int64(status)), "\(target)")
        }
        #expect(try await road.audit().map(\.actor) == ["command"])
    }
}
