import Agents
import Audit
import Core
import Database
import HTTP
import Testing
import Wire

/// What the API answers about agents.
@Suite struct AgentAPITests {
    @Test func `an agent is made, used at once, changed, and ends`() async throws {
        let road = try await AdminRoad()
        let made = await road.send(
            "POST",
            "/api/v1/agents",
            [
                "id": "writer", "model": "gpt-4o", "prompt": "You write.",
                "parameters": ["temperature": .number("0.2")],
                "intents": [["tool": "tasks/add", "patterns": ["add {title}"], "reply": "Added {title}."]],
            ],
            as: .adminOfRed
        )
        #expect(made.status == 201, "\(made.sent)")
        #expect(made.field("location") == "/api/v1/agents/writer?group=red")
        let agent = try #require(made.json?["data"])
        #expect(agent["group"] == "red" && agent["version"] == 1 && agent["source"] == "api")
        #expect(agent["mode"] == "both" && agent["createdBy"] == "adminOfRed")
        #expect(agent["parameters"] == ["temperature": .number("0.2")])
        #expect(agent["limits"]?["rounds"] == 8 && agent["limits"]?["timeMs"] == 60_000)
        // In force when the API has answered.
        let models = await road.send("GET", "/v1/models", as: .application)
        #expect(models.sent.contains("agent/writer") && models.sent.contains("agent/common"))

        let path = "/api/v1/agents/writer"
        let changed = await road.send(
            "PATCH",
            path,
            ["prompt": nil, "parameters": ["topP": 1], "version": 1],
            as: .adminOfRed
        )
        #expect(changed.status == 200, "\(changed.sent)")
        #expect(changed.json?["data"]?["prompt"] == "" && changed.json?["data"]?["version"] == 2)
        #expect(changed.json?["data"]?["parameters"] == ["temperature": .number("0.2"), "topP": 1])
        let late = await road.send("PATCH", path, ["name": "Late", "version": 1], as: .adminOfRed)
        #expect(late.status == 409 && late.json?["details"]?["expected"] == "2")
        #expect(await road.send("GET", path, as: .adminOfRed).json?["data"]?["name"] == "writer")

        #expect(await road.send("DELETE", path, as: .adminOfRed).status == 204)
        #expect(await road.send("GET", path, as: .adminOfRed).status == 404)
        #expect(!(await road.send("GET", "/v1/models", as: .application).sent.contains("agent/writer")))
        let deeds = try await road.audit().filter { $0.objectKind == "agent" }
        #expect(deeds.map(\.action) == ["agent.create", "agent.update", "agent.update", "agent.delete"])
        #expect(deeds.allSatisfy { $0.objectID == "writer" && $0.group == "red" })
        // What is said to models is nobody's business there.
        #expect(!deeds.contains { $0.details.contains("You write.") })
    }

    @Test(
        arguments: [
            (["id": "a b"], "id"), (["id": "a", "mode": "tools"], "intents"),
            (["id": "a", "parameters": ["temperature": 9]], "parameters.temperature"),
            (["id": "a", "intents": [["tool": "a/b", "patterns": ["x", "{y}"]]]], "intents[0].patterns[1]"),
            (["id": "a", "provider": "opanai", "model": "m"], "provider"), (["id": "a", "tools": ["x"]], "tools[0]"),
            (["id": "a", "history": ["policy": "x"]], "history"), (["model": "m"], "id"),
        ] as [(JSONValue, String)]
    )
    func `a mistake names the field`(body: JSONValue, field: String) async throws {
        let road = try await AdminRoad()
        let answer = await road.send("POST", "/api/v1/agents", body, as: .adminOfRed)
        #expect(answer.status == 400)
        #expect(answer.json?["code"] == "INVALID_REQUEST")
        #expect(answer.json?["details"]?["field"] == .string(field))
        #expect(answer.json?["details"]?["expected"]?.stringValue?.isEmpty == false)
    }

    @Test func `what the settings file has is shown, and changed there alone`() async throws {
        let road = try await AdminRoad()
        _ = await road.send("POST", "/api/v1/agents", ["id": "own", "model": "m"], as: .adminOfRed)
        let list = await road.send("GET", "/api/v1/agents", as: .adminOfRed)
        let listed = list.json?["data"]?.arrayValue ?? []
        #expect(listed.map { $0["id"] } == ["common", "file", "own"])
        #expect(listed.map { $0["source"] } == ["settings", "settings", "api"])
        let blue = await road.send("GET", "/api/v1/agents", as: .adminOfBlue)
        #expect(blue.json?["data"]?.arrayValue?.map { $0["id"] } == ["common"])
        let first = await road.send("GET", "/api/v1/agents?limit=1", as: .adminOfRed)
        let cursor = try #require(first.json?["nextCursor"]?.stringValue)
        let rest = await road.send("GET", "/api/v1/agents?limit=5&cursor=\(cursor)", as: .adminOfRed)
        #expect(rest.json?["data"]?.arrayValue?.map { $0["id"] } == ["file", "own"])
        for id in ["file", "common"] {
            #expect(await road.send("GET", "/api/v1/agents/\(id)", as: .adminOfRed).status == 200)
            let changed = await road.send("PATCH", "/api/v1/agents/\(id)", ["name": "x"], as: .adminOfRed)
            #expect(changed.status == 409 && changed.sent.contains("agents.\(id)"))
            #expect(await road.send("DELETE", "/api/v1/agents/\(id)", as: .adminOfRed).status == 409)
        }
        // A group may have its own in the place of one of every group, but not of its own in the file.
        let over = await road.send("POST", "/api/v1/agents", ["id": "common", "model": "mine"], as: .adminOfRed)
        #expect(over.status == 201)
        #expect(await road.send("GET", "/api/v1/agents/common", as: .adminOfRed).json?["data"]?["model"] == "mine")
        #expect(
            await road.send("GET", "/api/v1/agents/common", as: .adminOfBlue).json?["data"]?["source"] == "settings"
        )
        #expect(await road.send("POST", "/api/v1/agents", ["id": "file"], as: .adminOfRed).status == 409)
        #expect(await road.send("POST", "/api/v1/agents", ["id": "own"], as: .adminOfRed).status == 409)
    }

    @Test func `another group's agent is like one that was never there (row 44)`() async throws {
        let road = try await AdminRoad()
        _ = await road.send("POST", "/api/v1/agents", ["id": "secret", "group": "red"])
        func send(_ id: String, _ method: String, _ body: JSONValue?) async -> FakeExchange {
            await road.send(method, "/api/v1/agents/\(id)", body, as: .adminOfBlue, fields: "x-request-id: same\r\n")
        }
        for (method, body) in [("GET", nil), ("PATCH", ["name": "x"]), ("DELETE", nil)] as [(String, JSONValue?)] {
            let there = await send("secret", method, body)
            let absent = await send("nothing", method, body)
            #expect(there.status == 404 && there.sent == absent.sent)
        }
        let other = await road.send("GET", "/api/v1/agents/secret?group=red", as: .adminOfBlue)
        let nowhere = await road.send("GET", "/api/v1/agents/secret?group=nowhere", as: .adminOfBlue)
        #expect(other.status == 404 && other.json?["error"] == nowhere.json?["error"])
    }
}
