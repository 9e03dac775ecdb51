import Audit
import Core
import Database
import HTTP
import NIOConcurrencyHelpers
import SQLite
import Testing
import Wire

@testable import Metering

/// What the API answers about budgets.
@Suite struct BudgetAPITests {
    @Test func `a budget is made, stands, is changed and ends, and amounts stay exact`() async throws {
        let road = try await AdminRoad()
        let text = #"{"scope":{"user":"*"},"limit":0.1,"per":"day","alerts":[80,50]}"#
        let made = await road.send(
            "POST",
            "/api/v1/budgets",
            text: text,
            secret: Caller.adminOfRed.secret,
            fields: "content-type: application/json\r\n"
        )
        let budget = try #require(made.json?["data"])
        let id = try #require(budget["id"]?.stringValue)
        #expect(made.status == 201 && made.field("location") == "/api/v1/budgets/\(id)")
        #expect(made.sent.contains(#""limit":0.10,"per":"day","mode":"hard","alerts":[50,80],"spent":0.00,"#))
        #expect(budget["name"] == "red-each-user-day" && budget["group"] == "red" && budget["scope"] == ["user": "*"])
        #expect(budget["unit"] == "usd" && budget["source"] == "api" && budget["managedBy"] == "group")
        #expect(budget["windowStart"] == "2023-11-14T00:00:00.000Z" && budget["renewsAt"] == "2023-11-15T00:00:00.000Z")
        #expect(budget["subjects"] == [] && budget["subjectCount"] == 0 && budget["createdBy"] == "adminOfRed")

        let rule = try await road.database.read { try BudgetStore().all(in: $0) }[0]
        #expect(rule.limit == 100_000)
        road.standings.withLockedValue {
            $0 = [
                BudgetBook.Standing(
                    rule: rule,
                    subject: Scope.Subject(values: ["red", "ann", "", "", ""]),
                    spent: 60_000,
                    reserved: 15_000,
                    windowStart: AdminRoad.now.startOfDay
                )
            ]
        }
        let path = "/api/v1/budgets/\(id)"
        let seen = await road.send("GET", path, as: .adminOfRed)
        #expect(
            seen.sent.contains(
                #""subjects":[{"user":"ann","spent":0.06,"reserved":0.015,"remaining":0.025}],"subjectCount":1"#
            )
        )
        // A decimal text is as good as a number; both are exact to the millionth.
        for (limit, expected) in [
            (JSONValue.string("0.3"), 300_000), (.number("1e1"), 10_000_000), (.integer(7), 7_000_000),
            (.number("0.0000014"), 1), (.number("123456789.123457"), 123_456_789_123_457),
        ] as [(JSONValue, Int64)] {
            let changed = await road.send("PATCH", path, ["limit": limit], as: .adminOfRed)
            #expect(changed.status == 200, "\(changed.sent)")
            #expect(try await road.database.read { try BudgetStore().get(id, in: $0) }.rule.limit == expected)
        }
        #expect(await road.send("DELETE", path, as: .adminOfRed).status == 204)
        #expect(await road.send("GET", path, as: .adminOfRed).status == 404)
        #expect(try await road.audit().map(\.action).filter { $0.hasPrefix("budget.") }.count == 7)
    }

    @Test(
        arguments: [
            (["limit": "x"], "limit"), (["limit": -1], "limit"), (["limit": .number("1e30")], "limit"),
            (["limit": true], "limit"), ([:], "limit"), (["limit": .number("1.5"), "unit": "requests"], "limit"),
            (["limit": 1, "unit": "eur"], "unit"), (["limit": 1, "per": "year"], "per"),
            (["limit": 1, "scope": ["team": "a"]], "scope"), (["limit": 1, "scope": ["user": 5]], "scope"),
            (["limit": 1, "scope": ["user": ""]], "user"), (["limit": 1, "alerts": [0]], "alerts"),
            (["limit": 1, "alerts": ["80"]], "alerts"),
            (["limit": 1, "group": "*", "scope": ["group": "red"]], "scope"),
            (["limit": 1, "group": "blue", "scope": ["group": "red"]], "scope"), (["limit": 1, "spent": 0], "spent"),
        ] as [(JSONValue, String)]
    )
    func `a body that is no budget is refused with the name of what is wrong`(body: JSONValue, field: String)
        async throws
    {
        let road = try await AdminRoad()
        let answer = await road.send("POST", "/api/v1/budgets", body)
        #expect(answer.status == 400 && answer.json?["details"]?["field"] == .string(field), "\(answer.sent)")
        #expect(try await road.database.read { try BudgetStore().all(in: $0) }.isEmpty)
    }

    @Test func `budgets of requests and tokens are whole, and each group can be one subject`() async throws {
        let road = try await AdminRoad()
        let body: JSONValue = ["group": "*", "unit": "tokens", "limit": .number("1e6"), "per": "total", "mode": "soft"]
        let made = await road.send("POST", "/api/v1/budgets", body)
        let budget = try #require(made.json?["data"])
        #expect(budget["limit"] == 1_000_000 && budget["group"] == .null && budget["scope"] == ["group": "*"])
        #expect(budget["renewsAt"] == .null && budget["windowStart"] == .null && budget["managedBy"] == "system")
        #expect(await road.send("POST", "/api/v1/budgets", body, as: .adminOfRed).status == 403)
        // The group sees it, and cannot change it.
        let path = "/api/v1/budgets/\(budget["id"]?.stringValue ?? "")"
        #expect(await road.send("GET", path, as: .adminOfBlue).status == 200)
        #expect(await road.send("PATCH", path, ["limit": 5], as: .adminOfBlue).status == 403)
    }

    @Test func `a budget of the settings file is shown with the rest, and says where to change it`() async throws {
        let road = try await AdminRoad()
        _ = try await road.objects(of: AdminRoad.red)
        let list = await road.send("GET", "/api/v1/budgets?limit=1", as: .adminOfRed)
        #expect(list.json?["data"]?.arrayValue?.count == 1 && list.json?["data"]?[0]?["source"] == "settings")
        #expect(list.json?["data"]?[0]?["id"] == "settings:file" && list.json?["data"]?[0]?["managedBy"] == nil)
        let cursor = try #require(list.json?["nextCursor"]?.stringValue)
        let rest = await road.send("GET", "/api/v1/budgets?cursor=\(cursor)", as: .adminOfRed)
        #expect(rest.json?["data"]?.arrayValue?.map { $0["source"] } == ["api"] && rest.json?["nextCursor"] == .null)
        let path = "/api/v1/budgets/settings%3Afile"
        #expect(await road.send("GET", path, as: .adminOfRed).json?["data"]?["limit"] == .number("5.00"))
        let refused = await road.send("PATCH", path, ["limit": 9])
        #expect(refused.status == 409 && refused.json?["code"] == "CONFLICT")
        #expect(refused.json?["error"]?.stringValue?.contains("budgets.file") == true)
        #expect(await road.send("DELETE", path, as: .adminOfRed).status == 409)
        #expect(await road.send("DELETE", path, as: .adminOfBlue).status == 404)
        #expect(await road.send("GET", path, as: .adminOfBlue).status == 404)
        for query in ["source=api", "per=total", "unit=tokens", "mode=soft"] {
            let answer = await road.send("GET", "/api/v1/budgets?\(query)", as: .adminOfRed)
            #expect(answer.json?["data"]?.arrayValue?.count == (query == "source=api" ? 1 : 0), "\(query)")
        }
        #expect(await road.send("GET", "/api/v1/budgets?unit=money").status == 400)
    }

    @Test func `an absent budget and another group's are answered with the same bytes (row 44)`() async throws {
        let road = try await AdminRoad()
        let foreign = try await road.objects(of: AdminRoad.blue).budget
        let before = try await road.revision()
        for (method, body) in [("GET", nil), ("PATCH", ["limit": 1]), ("DELETE", nil)] as [(String, JSONValue?)] {
            func send(_ id: String) async -> String {
                await road.send(
                    method,
                    "/api/v1/budgets/\(id)",
                    body,
                    as: .adminOfRed,
                    fields: "x-request-id: same\r\n"
                ).sent
            }
            let none = await send("bud_404")
            #expect(none.contains("NOT_FOUND"))
            for id in [foreign, "%C3%A9", "settings:none", "b'--"] {
                #expect(await send(id) == none, "\(method) \(id)")
            }
        }
        #expect(try await road.revision() == before)
    }
}
