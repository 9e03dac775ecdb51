import Agents
import Auth
import Core
import HTTP
import Providers
import Testing
import Wire

/// Role × ownership × route, made from the table of routes (rows 44 to 47).
@Suite struct AdminMatrixTests {
    /// The least role for each action, written down a second time on purpose: the table must say the same.
    static func least(_ action: AdminAction) -> Role {
        switch action {
        case .whoami, .usage, .explainRequest, .listExperiments, .listSessions, .createSession, .getSession,
            .updateSession, .deleteSession, .listMessages, .forkSession:
            .member
        case .createGroup, .deleteGroup, .verifyAudit, .listBreakers, .openBreakers, .closeBreakers, .approveTools,
            .callTool:
            .systemAdmin
        case .listGroups, .getGroup, .renameGroup, .listUsers, .createUser, .getUser, .updateUser, .deleteUser,
            .listKeys, .createKey, .getKey, .updateKey, .revokeKey, .rotateKey, .listCredentials, .createCredential,
            .getCredential, .deleteCredential, .deactivateCredential, .activateCredential, .replaceCredential,
            .testCredential, .listBudgets, .createBudget, .getBudget, .updateBudget, .deleteBudget, .listAudit,
            .listAgents, .createAgent, .getAgent, .updateAgent, .deleteAgent,
            .listShadows, .getShadow, .summarizeShadows, .listTools, .getTools:
            .groupAdmin
        }
    }

    /// A body that is good for an action; a new action does not compile without.
    static func body(_ action: AdminAction, number: Int) -> JSONValue? {
        switch action {
        case .whoami, .listGroups, .getGroup, .deleteGroup, .listUsers, .getUser, .deleteUser, .listKeys, .getKey,
            .listCredentials, .getCredential, .deleteCredential, .listBudgets, .getBudget, .deleteBudget, .listAudit,
            .verifyAudit, .usage, .listBreakers, .explainRequest, .listShadows, .getShadow, .summarizeShadows,
            .listExperiments, .listTools, .getTools, .listSessions, .getSession, .deleteSession, .listMessages,
            .listAgents, .getAgent, .deleteAgent:
            nil
        case .createSession: ["title": "New", "history": ["policy": "tokens", "max": 4_000]]
        case .updateSession: ["title": "Other", "model": nil]
        case .forkSession: ["seq": 2]
        case .revokeKey, .deactivateCredential, .activateCredential, .testCredential: [:]
        case .approveTools: [:]
        case .callTool: ["tool": "echo", "arguments": [:]]
        case .openBreakers: ["provider": "openai", "model": "gpt-4o", "seconds": 60]
        case .closeBreakers: ["provider": "openai"]
        case .createGroup: ["id": .string("new-\(number)"), "name": "New"]
        case .renameGroup: ["name": "Other"]
        case .createUser: ["name": "Ada", "email": "ada@example.com", "role": "group_admin"]
        case .updateUser: ["name": "Bob", "disabled": true]
        case .createKey: ["name": "ci", "allowedModels": ["gpt-*"], "expiresAt": "2030-01-01T00:00:00Z"]
        case .updateKey: ["name": "cd", "allowedRoutes": nil]
        case .rotateKey: ["overlapSeconds": 60]
        case .createCredential: ["provider": "openai", "apiKey": .string(AdminRoad.providerKey), "test": true]
        case .replaceCredential: ["apiKey": .string(AdminRoad.providerKey)]
        case .createBudget:
            ["name": "new", "group": "red", "scope": ["model": "*"], "limit": .number("12.5"), "alerts": [50]]
        case .updateBudget: ["limit": "99.5", "mode": "soft", "per": "day"]
        case .createAgent: ["id": .string("new-\(number)"), "group": "red", "model": "gpt-4o", "prompt": "Be brief."]
        case .updateAgent: ["prompt": "Be briefer.", "version": 1]
        }
    }

    static var rows: [(row: RouteRow, action: AdminAction)] {
        Routes.table.compactMap { row in
            if case .admin(let action) = row.action { (row, action) } else { nil }
        }
    }

    static func path(_ row: RouteRow, group: GroupID, _ objects: AdminRoad.Objects) -> String {
        "\(row.path)".split(separator: "/").map { part in
            switch part {
            case "{group}": "/\(group)"
            case "{user}": "/\(objects.user)"
            case "{key}": "/\(objects.key)"
            case "{credential}": "/\(objects.credential)"
            case "{budget}": "/\(objects.budget)"
            // Of another group than their own, system administrators say which.
            case "{agent}": "/\(objects.agent)?group=\(group)"
            case "{shadow}": "/\(objects.shadow)"
            case "{server}": "/demo"
            case "{session}": "/\(objects.session)"
            case "{id}": "/\(AdminRoad.rememberedID)"
            default: "/\(part)"
            }
        }.joined()
    }

    /// What the contract says a caller gets who asks about the group `red`.
    static func expected(_ caller: Caller, _ row: RouteRow, _ action: AdminAction, success: Int) -> Int {
        if caller == .anonymous { return 401 }
        if caller == .systemAdmin { return success }
        // The call was made by the member of red: nobody else but administrators may know of it.
        if action == .explainRequest { return [.member, .adminOfRed].contains(caller) ? success : 404 }
        // So it is with their session.
        if "\(row.path)".contains("{session}") { return [.member, .adminOfRed].contains(caller) ? success : 404 }
        let isAboutRed = ["{group}", "{budget}", "{shadow}", "{agent}"].contains { "\(row.path)".contains($0) }
        if isAboutRed || action == .createBudget || action == .createAgent, caller.group != AdminRoad.red { return 404 }
        switch Self.least(action) {
        case .member: return success
        case .groupAdmin: return caller.role == .groupAdmin ? success : 403
        case .systemAdmin: return 403
        }
    }

    static func success(_ action: AdminAction) -> Int {
        switch action {
        case .createGroup, .createUser, .createKey, .rotateKey, .createCredential, .replaceCredential,
            .createBudget, .createAgent, .createSession, .forkSession:
            201
        case .deleteGroup, .deleteUser, .deleteCredential, .deleteBudget, .deleteAgent, .deleteSession: 204
        default: 200
        }
    }

    @Test func `the table has each action once, with its role (rows 45, 46)`() {
        #expect(Self.rows.map(\.action.rawValue).sorted() == AdminAction.allCases.map(\.rawValue).sorted())
        for (row, action) in Self.rows {
            #expect(row.policy == .admin(Self.least(action)), "\(row.path)")
        }
    }

    @Test(arguments: Caller.allCases)
    func `each caller gets exactly what their role gives them, on every route (rows 44, 45, 46)`(
        caller: Caller
    ) async throws {
        for (number, (row, action)) in Self.rows.enumerated() {
            // A gateway for each cell: some of them end the group.
            let road = try await AdminRoad()
            let objects = try await road.objects(of: AdminRoad.red)
            let before = try await road.revision()
            let answer = await road.send(
                "\(row.method.text)",
                Self.path(row, group: AdminRoad.red, objects),
                Self.body(action, number: number),
                as: caller
            )
            let expected = Self.expected(caller, row, action, success: Self.success(action))
            #expect(answer.status == expected, "\(caller) \(row.method.text) \(row.path): \(answer.sent)")
            if expected >= 400 {
                #expect(try await road.revision() == before, "\(row.path) changed something for \(caller)")
                #expect(answer.json?["code"]?.stringValue?.isEmpty == false)
                #expect(caller != .anonymous || !answer.wasBodyRead)
            }
            let location = answer.field("location")
            #expect((location != nil) == (answer.status == 201), "\(row.path)")
            if let location { #expect(await road.send("GET", location).status == 200, "\(location)") }
        }
    }

    @Test(arguments: Caller.allCases)
    func `every other route refuses strangers, and lets each key in that may (row 45)`(caller: Caller) async throws {
        let road = try await AdminRoad()
        for row in Routes.table {
            let path = "\(row.path)".replacing("{id}", with: "gpt-4o").replacing("{response}", with: "resp_1")
                .replacing("{server}", with: "tasks").replacing("{session}", with: "ses_1")
            let answer = await { () async -> FakeExchange in
                await road.send("\(row.method.text)", path, as: caller) { $0.isDraining = true }
            }()
            switch row.policy {
            case .admin: continue
            case .open: #expect(![401, 403, 404].contains(answer.status), "\(path)")
            case .road, .key, .keyOrLoopback:
                // A drain ends calls with 503 before their key is looked at; they have a test of their own.
                if case .call = row.action { continue }
                #expect((answer.status == 401) == (caller == .anonymous), "\(path)")
                #expect(answer.status != 403, "\(path)")
            }
        }
    }

    @Test func `an object of another group is like one that was never there (row 44)`() async throws {
        let road = try await AdminRoad()
        let foreign = try await road.objects(of: AdminRoad.blue)
        let absent = AdminRoad.Objects(user: "u404", key: "k404", credential: "cred_404", provider: "")
        let malformed = AdminRoad.Objects(user: "%C3%A9", key: "k'--", credential: "a%20b", provider: "")
        let before = try await road.revision()
        for (row, action) in Self.rows where Routes.parameterNames(of: row.path).count == 2 {
            func send(_ objects: AdminRoad.Objects, in group: GroupID) async -> FakeExchange {
                await road.send(
                    "\(row.method.text)",
                    Self.path(row, group: group, objects),
                    Self.body(action, number: 0),
                    as: .adminOfRed,
                    fields: "x-request-id: same\r\n"
                )
            }
            let other = await send(foreign, in: AdminRoad.red)
            let none = await send(absent, in: AdminRoad.red)
            #expect(other.status == 404 && other.sent == none.sent, "\(row.path): \(other.sent)")
            #expect(await send(malformed, in: AdminRoad.red).sent == none.sent, "\(row.path)")
            let elsewhere = await send(foreign, in: AdminRoad.blue)
            let nowhere = await send(foreign, in: GroupID("nowhere"))
            #expect(elsewhere.status == 404 && elsewhere.sent == nowhere.sent, "\(row.path)")
        }
        #expect(try await road.revision() == before)
    }

    @Test func `no body binds a property that is not offered, whatever its name (row 47)`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        let before = try await road.revision()
        var random = SystemRandomNumberGenerator()
        let letters = Array("abcdefghijklmnopqrstuvwxyz_")
        let forbidden = [
            "id", "role", "group_id", "groupId", "created_at", "createdAt", "updatedAt", "createdBy", "budget", "spent",
            "digest", "secret", "revokedAt", "replacedBy", "lastUsedAt", "isActive", "active", "keyHint", "enc_key",
            "key_id", "issuer", "subject", "scopes", "userId", "disabledAt", "__proto__", "Name", "name ", "",
        ]
        for (row, action) in Self.rows {
            guard let offered = action.bodyProperties else { continue }
            let made = (0..<20).map { _ in String((0..<8).map { _ in letters.randomElement(using: &random) ?? "x" }) }
            let body = Self.body(action, number: 1)?.objectValue ?? []
            for name in forbidden + made where !offered.contains(name) {
                let answer = await road.send(
                    "\(row.method.text)",
                    Self.path(row, group: AdminRoad.red, objects),
                    .object(body + [(name, "x")])
                )
                #expect(answer.status == 400, "\(row.path) took '\(name)'")
                #expect(answer.json?["code"] == "INVALID_REQUEST")
                #expect(answer.json?["details"]?["field"] == .string(name))
            }
        }
        #expect(try await road.revision() == before)
    }

    @Test func `every property is of its kind, or the answer names it`() async throws {
        let road = try await AdminRoad()
        let objects = try await road.objects(of: AdminRoad.red)
        let before = try await road.revision()
        let wrong: [JSONValue] = [5, true, "x", [], [1], [:], nil, "2030-02-30T00:00:00Z"]
        for (row, action) in Self.rows {
            guard let offered = action.bodyProperties, !offered.isEmpty else { continue }
            let body = Self.body(action, number: 1)?.objectValue ?? []
            for name in offered {
                let rest = body.filter { $0.0 != name }
                var refused = 0
                for value in wrong where !Self.mayBeGood(value, as: name) {
                    let answer = await road.send(
                        "\(row.method.text)",
                        Self.path(row, group: AdminRoad.red, objects),
                        .object(rest + [(name, value)])
                    )
                    #expect(answer.status == 400, "\(row.path) \(name) = \(value.text): \(answer.sent)")
                    refused += 1
                }
                #expect(refused > 0)
            }
        }
        #expect(try await road.revision() == before)
    }

    private static func mayBeGood(_ value: JSONValue, as name: String) -> Bool {
        switch value {
        // An empty list or object is one.
        case .array(let elements) where elements.isEmpty && name == "tools": true
        case .object(let members) where members.isEmpty && name == "arguments": true
        case .null:
            [
                "email", "allowedModels", "allowedRoutes", "expiresAt", "title", "agentId", "model", "system",
                "history",
            ].contains(name) || AgentProfile.authored.contains(name)
        case .bool: ["test", "disabled"].contains(name)
        case .integer: ["overlapSeconds", "limit", "seconds", "seq", "version"].contains(name)
        // What a text has to look like is for the stores to say.
        case .string:
            ![
                "role", "scopes", "expiresAt", "test", "disabled", "overlapSeconds", "scope", "unit", "limit", "per",
                "mode", "alerts", "seconds", "seq", "version", "parameters", "tools", "intents", "limits", "history",
                "fallbackText", "moderation", "postProcessing", "arguments",
            ].contains(name)
        case .array: ["alerts", "tools", "intents"].contains(name)
        case .object:
            ["scope", "parameters", "limits", "fallbackText", "moderation", "postProcessing"].contains(name)
        default: false
        }
    }

    @Test func `a key for administration alone calls no model, and every other key may (row 46)`() async throws {
        let road = try await AdminRoad()
        let body: JSONValue = ["name": "console", "userId": "systemAdmin", "scopes": ["admin"]]
        let made = await road.send("POST", "/api/v1/groups/blue/keys", body)
        let console = try #require(made.json?["data"]?["secret"]?.stringValue)
        let call: JSONValue = ["model": "gpt-4o", "messages": [["role": "user", "content": "x"]], "input": "x"]
        for row in Routes.table {
            guard case .call(let operation, _) = row.action else { continue }
            let path = "\(row.path)".replacing("{provider}", with: "openai").replacing("{rest}", with: "files")
            let text = operation.isForm ? FormTests.form("gpt-4o") : call.text
            let fields = operation.isForm ? FormTests.type : ""
            for caller in Caller.allCases {
                let secret = caller.secret
                let answer = await road.send(
                    "\(row.method.text)",
                    path,
                    text: text,
                    secret: secret,
                    fields: fields
                )
                // Nobody has a provider key here, which is the first thing that is asked of a caller who is let in.
                #expect(answer.status == (caller == .anonymous ? 401 : 424), "\(caller) \(row.path): \(answer.sent)")
            }
            let refused = await road.send("\(row.method.text)", path, call, secret: console)
            #expect(refused.status == 403 && !refused.wasBodyRead)
        }
        #expect(await road.send("GET", "/v1/models", secret: console).status == 403)
        #expect(await road.send("GET", "/api/v1/groups", secret: console).status == 200)
    }

    @Test func `the API's description names each parameter, property and role's refusal`() async throws {
        let road = try await AdminRoad()
        let document = try #require(await road.send("GET", "/openapi.json", as: .anonymous).json)
        var names: Set<String> = []
        for (row, action) in Self.rows {
            let operation = document["paths"]?["\(row.path)"]?["\(row.method.text)".lowercased()]
            let isNew = names.insert(operation?["operationId"]?.stringValue ?? "").inserted
            #expect(isNew, "\(row.path)")
            let parameters = operation?["parameters"]?.arrayValue ?? []
            let inPath = parameters.filter { $0["in"] == "path" }.compactMap { $0["name"]?.stringValue }
            #expect(inPath == Routes.parameterNames(of: row.path), "\(row.path)")
            let schema = operation?["requestBody"]?["content"]?["application/json"]?["schema"]
            let properties = schema?["properties"]?.objectValue?.map(\.0) ?? []
            #expect(properties == action.bodyProperties ?? [], "\(row.path)")
            if schema != nil { #expect(schema?["additionalProperties"] == false) }
            #expect(operation?["responses"]?["\(Self.success(action))"] != nil, "\(row.path)")
            #expect((operation?["responses"]?["403"] != nil) == (Self.least(action) != .member))
        }
    }
}
