import Core
import Testing

@testable import Engine
@testable import turnpike

@Suite struct SettingsTableTests {
    @Test func `every default can be read, and is written the way the docs show it`() throws {
        for row in SettingsTable.rows {
            guard let standard = row.standard else { continue }
            let value = try row.kind.parse(standard)
            switch (row.kind, value) {
            case (.size, .integer(let bytes)): #expect(try row.kind.parse(SettingKind.sizeText(bytes)) == value)
            case (.duration, .duration(let time)):
                #expect(try row.kind.parse(SettingKind.durationText(time)) == value)
            default: break
            }
        }
    }

    @Test func `no two settings share a variable or a flag`() {
        let names = SettingsTable.rows.compactMap(\.environmentName)
        let flags = SettingsTable.rows.compactMap(\.flag)
        #expect(Set(names).count == names.count)
        #expect(Set(flags).count == flags.count)
        #expect(Set(SettingsTable.rows.map(\.path)).count == SettingsTable.rows.count)
    }

    @Test func `no flag of the table is one that the commands have for themselves`() {
        let own: Set = ["--config", "--json", "--all", "--offline", "--help", "--version"]
        #expect(own.isDisjoint(with: SettingsTable.rows.compactMap(\.flag)))
    }

    /// A file in which the setting has its example, and everything around it that a good file needs.
    private static func file(with row: Setting) -> String {
        let value = row.example
        let key = String(row.path.split(separator: ".").last ?? "")
        for section in ["timeouts", "retry", "breaker"] where row.path.hasPrefix("providers.<name>.\(section).") {
            return "providers: { mine: { base_url: https://a.example/v1, \(section): { \(key): \(value) } } }"
        }
        if row.path == "providers.<name>.urls" {
            return "providers: { azure: { base_url: https://a.openai.azure.com, api_version: v1, urls: \(value) } }"
        }
        if row.path == "providers.<name>.region" { return "providers: { bedrock: { region: \(value) } }" }
        if row.path == "providers.<name>.kind" {
            return "providers: { mine: { base_url: https://a.example/v1, kind: \(value) } }"
        }
        if row.path == "providers.<name>.base_url" { return "providers: { mine: { base_url: \(value) } }" }
        if row.path.hasPrefix("providers.<name>.probe.") {
            let every = key == "every" ? "" : "every: 9s, "
            return "providers: { mine: { base_url: https://a.example/v1, probe: { \(every)\(key): \(value) } } }"
        }
        if row.path.hasPrefix("providers.") {
            return "providers: { mine: { base_url: https://a.example/v1, \(key): \(value) } }"
        }
        if row.path.hasPrefix("prices.<name>.") {
            let missing = ["input", "output"].filter { $0 != key }.map { "\($0): 9, " }.joined()
            return "prices: { mine: { \(missing)\(key): \(value) } }"
        }
        if row.path.hasPrefix("models.<alias>.targets[].") {
            var target = ["provider": "groq", "model": "m", "weight": "1"]
            target[key] = value
            let text = target.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            return "models: { fast: { targets: [ { \(text) } ] } }"
        }
        if row.path.hasPrefix("models.<alias>.split.") || row.path == "models.<alias>.sticky" {
            return Self.routingFile(with: row, key: key)
        }
        if row.path.hasPrefix("models.<alias>.shadow.") || key == "hedge_budget" {
            return Self.racingFile(with: row, key: key)
        }
        if row.path.hasPrefix("models.<alias>.timeouts.") {
            return "models: { fast: { targets: [ { provider: groq, model: m } ], timeouts: { \(key): \(value) } } }"
        }
        if row.path.hasPrefix("models.<alias>.on_") {
            let targets = "targets: [ { provider: groq, model: m } ]"
            return "models: { fast: { \(targets), \(key): \(value) }, \(value): { \(targets) } }"
        }
        if row.path.hasPrefix("models.") {
            return "models: { fast: { targets: [ { provider: groq, model: m } ], \(key): \(value) } }"
        }
        if row.path.hasPrefix("tools.servers.<name>.") { return Self.toolFile(with: row) }
        if row.path.hasPrefix("agents.<name>.") { return Self.agentFile(with: row, key: key) }
        if row.path.hasPrefix("limits.<name>.") {
            var entry = key == "rpm" ? "" : "rpm: 1, "
            if key == "queue_max" { entry += "queue: 1s, " }
            return "limits: { l: { \(entry)\(key): \(value) } }"
        }
        if row.path.hasPrefix("budgets.<name>.") {
            let list = key == "alerts" ? "[\(value)]" : value
            return "budgets: { b: { \(key == "usd" ? "" : "usd: 1, ")\(key): \(list) } }"
        }
        return Self.bootstrapFile(with: row) ?? Self.issuerFile(with: row) ?? Self.nested(row.path, value)
    }

    private static func routingFile(with row: Setting, key: String) -> String {
        let targets = "targets: [ { provider: groq, model: m } ]"
        let value = row.example
        switch key {
        case "sticky": return "models: { fast: { strategy: weighted, sticky: \(value), \(targets) } }"
        case "by": return "models: { fast: { \(targets), split: { by: \(value), variants: [ { name: a } ] } } }"
        default:
            let name = key == "name" ? "" : "name: a, "
            let more = key == "model" ? ", \(value): { \(targets) }" : ""
            return "models: { fast: { \(targets), split: { variants: [ { \(name)\(key): \(value) } ] } }\(more) }"
        }
    }

    private static func agentFile(with row: Setting, key: String) -> String {
        let value = if case .list = row.kind { "[\(row.example)]" } else { row.example }
        let parts = row.path.dropFirst("agents.<name>.".count).split(separator: ".").map(String.init)
        switch parts[0] {
        case "intents[]":
            var entry = key == "tool" ? "" : "tool: a/b, "
            if key != "patterns" { entry += "patterns: [do it], " }
            return "agents: { a: { intents: [ { \(entry)\(key): \(value) } ] } }"
        case "history" where key != "policy":
            let policy = ["count": "messages", "max": "tokens"][key] ?? "summary"
            return "agents: { a: { history: { policy: \(policy), \(key): \(value) } } }"
        case "parameters", "limits", "history": return "agents: { a: { \(parts[0]): { \(key): \(value) } } }"
        case "provider": return "agents: { a: { model: m, provider: \(value) } }"
        default: return "agents: { a: { \(key): \(value) } }"
        }
    }

    private static func racingFile(with row: Setting, key: String) -> String {
        let targets = "targets: [ { provider: groq, model: m } ]"
        if key == "hedge_budget" { return "models: { fast: { \(targets), hedge: on, hedge_budget: \(row.example) } }" }
        let target = key == "target" ? "" : "target: mistral/m, "
        return "models: { fast: { \(targets), shadow: { \(target)\(key): \(row.example) } } }"
    }

    private static func toolFile(with row: Setting) -> String {
        let key = String(row.path.dropFirst("tools.servers.<name>.".count))
        let isOfProgram = ["command", "args"].contains(key) || key.hasPrefix("env.") || key.hasPrefix("max_")
        var entry = isOfProgram ? "command: /bin/x" : "url: 'https://a.example/mcp'"
        switch key {
        case "url", "command": entry = "\(key): '\(row.example)'"
        case "args": entry += ", args: ['\(row.example)']"
        case "headers.<field>": entry += ", headers: { authorization: '\(row.example)' }"
        case "env.<variable>": entry += ", env: { PATH: '\(row.example)' }"
        case "pins.<tool>": entry += ", pins: { read: '\(row.example)' }"
        default: entry += ", \(key): \(row.example)"
        }
        return "tools: { servers: { mine: { \(entry) } } }"
    }

    private static func bootstrapFile(with row: Setting) -> String? {
        let secret = "sixteen-and-more-characters"
        switch row.path {
        case "bootstrap.groups[].id": return "bootstrap: { groups: [ { id: \(row.example) } ] }"
        case "bootstrap.groups[].name": return "bootstrap: { groups: [ { id: g, name: \(row.example) } ] }"
        case "bootstrap.groups[].credentials[].provider":
            return "bootstrap: { groups: [ { id: g, credentials: [ { provider: \(row.example), api_key: k } ] } ] }"
        case "bootstrap.groups[].credentials[].api_key":
            return "bootstrap: { groups: [ { id: g, credentials: [ { provider: groq, api_key: \(row.example) } ] } ] }"
        case "bootstrap.groups[].keys[].name":
            return "bootstrap: { groups: [ { id: g, keys: [ { name: \(row.example), secret: \(secret) } ] } ] }"
        case "bootstrap.groups[].keys[].secret":
            return "bootstrap: { groups: [ { id: g, keys: [ { name: n, secret: \(row.example) } ] } ] }"
        case let path where path.hasPrefix("bootstrap.groups[].users[]."):
            let key = path.split(separator: ".").last ?? ""
            let id = key == "id" ? "" : "id: u, "
            return "bootstrap: { groups: [ { id: g, users: [ { \(id)\(key): \(row.example) } ] } ] }"
        case "bootstrap.groups[].keys[].user":
            return "bootstrap: { groups: [ { id: g, users: [ { id: anna } ], keys: [ { name: n, secret: \(secret), "
                + "user: anna } ] } ] }"
        case "bootstrap.groups[].keys[].scopes":
            return "bootstrap: { groups: [ { id: g, users: [ { id: anna } ], keys: [ { name: n, secret: \(secret), "
                + "user: anna, scopes: [\(row.example)] } ] } ] }"
        default: return nil
        }
    }

    private static func issuerFile(with row: Setting) -> String? {
        guard row.path.hasPrefix("auth.jwt[].") else { return nil }
        let key = row.path.dropFirst("auth.jwt[].".count)
        let value = row.example
        var entry = "issuer: i, audience: a, jwks_url: https://i.example/jwks"
        switch key {
        case "preset", "project": entry = "preset: stack-auth, project: demo"
        case "base_url": entry = "preset: stack-auth, project: demo, base_url: \(value)"
        case "issuer", "audience", "jwks_url": entry += ", group: g"
        case "group": entry += ", group: \(value)"
        case "claims.group": entry += ", claims: { group: \(value) }"
        case "roles.<value>": entry += ", group: g, claims: { role: r }, roles: { boss: \(value) }"
        case _ where key.hasPrefix("claims."):
            entry += ", group: g, claims: { \(key.dropFirst("claims.".count)): \(value) }"
        default: entry += ", group: g, \(key): \(value)"
        }
        return "auth: { jwt: [ { \(entry) } ] }"
    }

    private static func nested(_ path: String, _ value: String) -> String {
        let parts = path.split(separator: ".")
        let opening = parts.dropLast().map { "\($0): { " }.joined()
        let beside: String
        switch path {
        case "server.tls.certificate_file": beside = ", key_file: k.pem"
        case "alerts.authorization", "alerts.allow_private": beside = ", webhook: 'https://a.example/x'"
        case "server.tls.key_file": beside = ", certificate_file: c.pem"
        case "environment":
            beside = "\ncredentials: { encryption_key: 'file:k' }"
        default: beside = ""
        }
        let closing = String(repeating: " }", count: parts.count - 1)
        return opening + "\(parts.last ?? ""): \(value)" + beside + closing
    }

    @Test(arguments: SettingsTable.rows.filter { $0.availability == .now }.map(\.path))
    func `every setting changes what the program sees`(path: String) throws {
        let row = try #require(SettingsTable.row(path))
        let environment = ["OPENROUTER_API_KEY": "sk-or-1", "TURNPIKE_DEV_KEY": "twenty-characters-at-least"]
        let changed = try Given.settings(Self.file(with: row), environment)
        #expect(try changed != Given.settings(nil, environment), "\(path) has no effect")
    }

    @Test(arguments: SettingsTable.rows.filter { $0.availability == .later }.map(\.path))
    func `a setting that does nothing yet is refused`(path: String) throws {
        let row = try #require(SettingsTable.row(path))
        let mistakes = Given.mistakes(Self.nested(row.path, row.example))
        #expect(mistakes.count == 1)
        #expect(mistakes.first?.contains("\(path): not available in this version") == true, "\(mistakes)")
    }

    @Test(arguments: SettingsTable.rows.filter { $0.availability == .later && $0.standard != nil }.map(\.path))
    func `the default of a setting that does nothing yet is accepted`(path: String) throws {
        let row = try #require(SettingsTable.row(path))
        #expect(Given.mistakes(Self.nested(row.path, "\"\(row.standard ?? "")\"")) == [])
    }

    @Test func `docs settings is what the table says`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = "/\(root)/docs/settings.md"
        let page = try SmallFile.read(path, bytesMax: 1 << 20)
        #expect(page == SettingsDocs.markdown, "run: turnpike docs --write docs")
    }

    @Test func `help lists every setting that works`() {
        let help = SettingsOptions.help
        for row in SettingsTable.rows where row.availability == .now {
            guard let flag = row.flag else { continue }
            #expect(help.contains("\n  \(flag) ") || help.contains("\n  \(flag)\n"))
        }
    }
}
