import Testing

@testable import Engine
@testable import turnpike

@Suite struct SettingsMistakesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let yaml: String
        let expected: [String]

        init(_ yaml: String, _ expected: String...) {
            self.yaml = yaml
            self.expected = expected
        }

        var testDescription: String { self.yaml }
    }

    static let cases: [Case] = [
        // Keys
        Case("server: { lisen: x }", "turnpike.yaml:1: server.lisen: unknown key; did you mean server.listen?"),
        Case("listen: 127.0.0.1:1", "turnpike.yaml:1: listen: unknown key; did you mean server.listen?"),
        Case("\n\nenvironmnt: production", "turnpike.yaml:3: environmnt: unknown key; did you mean environment?"),
        Case(
            "log:\n  zzzzzz: 1",
            "turnpike.yaml:2: log.zzzzzz: unknown key; known here: level, calls, file"
        ),
        Case(
            "providers: { a: { base_ulr: https://a.example } }",
            "turnpike.yaml:1: providers.a.base_ulr: unknown key; did you mean providers.a.base_url?"
        ),
        Case(
            "models:\n  f:\n    targets:\n      - { provider: groq, model: m, wieght: 2 }",
            "turnpike.yaml:4: models.f.targets[0].wieght: unknown key; did you mean models.f.targets[0].weight?"
        ),
        // Values
        Case(
            "server: { max_body: 20XB }",
            "turnpike.yaml:1: server.max_body: \"20XB\" is not a size (write 20MB, 512KiB or a number of bytes)"
        ),
        Case("server: { max_body: 1B }", "turnpike.yaml:1: server.max_body: \"1B\" is too small (at least 1KiB)"),
        Case(
            "server: { max_body: 9999999999999GB }",
            "turnpike.yaml:1: server.max_body: \"9999999999999GB\" is too large for a size"
        ),
        Case("server: { max_body: 3GB }", "turnpike.yaml:1: server.max_body: \"3GB\" is too large (at most 2GB)"),
        Case(
            "server: { drain: 15 }",
            "turnpike.yaml:1: server.drain: \"15\" is not a duration (write 500ms, 15s, 2m, 1h or 1d)"
        ),
        Case(
            "server: { drain: 15 seconds }",
            "turnpike.yaml:1: server.drain: \"15 seconds\" is not a duration (write 500ms, 15s, 2m, 1h or 1d)"
        ),
        Case("server: { drain: 2d }", "turnpike.yaml:1: server.drain: \"2d\" is too large (at most 1d)"),
        Case("server: { loops: -1 }", "turnpike.yaml:1: server.loops: \"-1\" is too small (at least 0)"),
        Case("server: { loops: two }", "turnpike.yaml:1: server.loops: \"two\" is not a whole number"),
        Case(
            "server: { listen: here }",
            "turnpike.yaml:1: server.listen: \"here\" is not an address (write 127.0.0.1:8080)"
        ),
        Case("simulator: maybe", "turnpike.yaml:1: simulator: \"maybe\" is neither true nor false"),
        Case(
            "server: { half_close: no }",
            "turnpike.yaml:1: server.half_close: \"no\" is not one of refuse, allow"
        ),
        Case(
            "server: { max_body: }",
            "turnpike.yaml:1: server.max_body: has no value (expected: size)"
        ),
        Case(
            "server: { settings_url: example.com }",
            "turnpike.yaml:1: server.settings_url: \"example.com\" is not an http(s) URL"
        ),
        // Shapes
        Case(
            "server: 3",
            "turnpike.yaml:1: server: must be a map (listen, admin_listen, max_body, max_upload, max_inflight_body, "
                + "max_head, max_connections, head_timeout, idle_timeout, heartbeat, drain, half_close, tls, "
                + "behind_proxy, trusted_proxies, settings_url, loops)"
        ),
        Case("server: { listen: [a] }", "turnpike.yaml:1: server.listen: is one value, not a list"),
        Case(
            "server: { listen: { a: b } }",
            "turnpike.yaml:1: server.listen: is one value, not a map (expected: host:port)"
        ),
        Case(
            "models: { f: { targets: groq } }",
            "turnpike.yaml:1: models.f.targets: must be a list of maps (provider, model, weight, max_concurrent)"
        ),
        Case("[1, 2]", "turnpike.yaml:1: must be a map of settings (server:, providers:, …)"),
        Case("a: b: c", "turnpike.yaml:1: is not YAML: mapping values are not allowed in this context"),
        Case("server:\n  drain: 1s\n  drain: 2s", "turnpike.yaml:2: has the key \"drain\" twice in one map"),
        Case("limits: [a]", "turnpike.yaml:1: limits: must be a map of names"),
        Case(
            "auth: { jwt: [ { preset: stack-auth } ] }",
            "turnpike.yaml:1: auth.jwt[0]: a Stack Auth project id has letters, digits and - only"
        ),
        Case(
            "auth: { jwt: [ { issuer: i, jwks_url: https://i.example/k, group: g } ] }",
            "turnpike.yaml:1: auth.jwt[0]: needs an audience: a token made for another service must not be good here"
        ),
        Case(
            "auth: { jwt: [ { issuer: i, audience: a, jwks_url: http://i.example/k, group: g } ] }",
            "turnpike.yaml:1: auth.jwt[0]: the URL of its keys must be https://, or whoever is on the way decides who "
                + "gets in"
        ),
        Case(
            "auth: { jwt: [ { issuer: i, audience: a, jwks_url: https://i.example/k } ] }",
            "turnpike.yaml:1: auth.jwt[0]: needs claims.group, the claim that names the group, or group for everybody"
        ),
        Case(
            "storage: { url: postgres://user:hunter2@host/db }",
            "turnpike.yaml:1: storage.url: this version keeps its data in SQLite only (sqlite:PATH)"
        ),
        Case(
            "credentials: { encryption_key: abc }",
            "turnpike.yaml:1: credentials.encryption_key: the value is not 64 hex digits, or file:PATH, aws-kms:…, "
                + "aws-secret:…, azure-vault:…"
        ),
        Case(
            "bootstrap: { groups: [ { id: g, keys: [ { name: n, secret: abcdefghijklmnopqrstu, scopes: admin } ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].keys[0].scopes: admin needs a user, whose role says how far it goes"
        ),
        // Variables
        Case(
            "defaults: { model: \"${NOPE}\" }",
            "turnpike.yaml:1: defaults.model: needs the environment variable NOPE, which is not set "
                + "(write ${NOPE:-} if it may be missing)"
        ),
        Case(
            "defaults: { model: ${1A} }",
            "turnpike.yaml:1: defaults.model: has '${1A}', which is not the name of a variable"
        ),
        // TLS
        Case(
            "server: { tls: { key_file: k } }",
            "turnpike.yaml:1: server.tls.key_file: needs server.tls.certificate_file beside it"
        ),
        Case(
            "server: { tls: { certificate_file: k } }",
            "turnpike.yaml:1: server.tls.certificate_file: needs server.tls.key_file beside it"
        ),
    ]

    static let sectionCases: [Case] = [
        Case("providers: { mine: { } }", "turnpike.yaml:1: providers.mine: needs a base_url"),
        Case(
            "providers: { 'a b': { } }",
            "turnpike.yaml:1: providers.a b: is not a name (letters, digits, '-', '_' and '.', at most 64)"
        ),
        Case(
            "providers: { agent: { base_url: https://a.example } }",
            "turnpike.yaml:1: providers.agent: is a name that Turnpike keeps for itself"
        ),
        Case(
            "providers: { claude: { kind: anthropic, region: eu-west-1 } }",
            "turnpike.yaml:1: providers.claude.region: is for Bedrock only"
        ),
        Case(
            "providers: { a: { base_url: \"http://10.0.0.1/v1\" } }",
            "turnpike.yaml:1: providers.a.base_url: is at a private address, which is refused unless the entry says "
                + "allow_private: true"
        ),
        Case(
            "providers: { a: { base_url: \"http://localhost:1/v1\" } }",
            "turnpike.yaml:1: providers.a.base_url: is at a private address, which is refused unless the entry says "
                + "allow_private: true"
        ),
        Case(
            "providers: { ollama: { } }",
            "turnpike.yaml:1: providers.ollama: is at a private address, which is refused unless the entry says "
                + "allow_private: true"
        ),
        Case(
            "providers: { a: { base_url: ftp://a } }",
            "turnpike.yaml:1: providers.a.base_url: \"ftp://a\" is not an http(s) URL"
        ),
        Case(
            "providers: { a: { base_url: https://a.example, urls: deployments } }",
            "turnpike.yaml:1: providers.a.urls: is for Azure only"
        ),
        Case(
            "providers: { azure: { base_url: https://a.openai.azure.com, urls: deployments } }",
            "turnpike.yaml:1: providers.azure.urls: \"deployments\" needs an api_version"
        ),
        Case("models: { f: { } }", "turnpike.yaml:1: models.f: needs at least one target"),
        Case(
            "models: { f: { targets: [ { provider: openruter, model: m } ] } }",
            "turnpike.yaml:1: models.f.targets[0].provider: \"openruter\" is not a provider; did you mean openrouter?"
        ),
        Case(
            "models: { f: { targets: [ { provider: groq } ] } }",
            "turnpike.yaml:1: models.f.targets[0]: needs model: The model's name there."
        ),
        Case(
            "models: { f: { strategy: cheapest, sticky: user, targets: [ { provider: groq, model: m } ] } }",
            "turnpike.yaml:1: models.f.sticky: cannot go with strategy cheapest, whose order is fixed (weighted, "
                + "round_robin, least_latency and least_busy can)"
        ),
        Case(
            "models: { f: { targets: [ { provider: groq, model: m, weight: 0 } ] } }",
            "turnpike.yaml:1: models.f.targets: not all weights can be 0"
        ),
        Case(
            "models: { agent/x: { targets: [ { provider: groq, model: m } ] } }",
            "turnpike.yaml:1: models.agent/x: an alias cannot begin with agent/"
        ),
        Case(
            "defaults: { provider: opnai }",
            "turnpike.yaml:1: defaults.provider: \"opnai\" is not a provider; did you mean openai?"
        ),
        Case(
            "defaults: { provider: simulator }",
            "turnpike.yaml:1: defaults.provider: \"simulator\" is not a provider"
        ),
        Case(
            "bootstrap: { groups: [ { id: 'a b' } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].id: \"a b\" is not a group id (letters, digits, '-', '_')"
        ),
        Case(
            "bootstrap: { groups: [ { id: a }, { id: a } ] }",
            "turnpike.yaml:1: bootstrap.groups[1].id: the group a is there twice"
        ),
        Case(
            "bootstrap: { groups: [ { id: a, keys: [ { name: n, secret: tooshort } ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].keys[0].secret: the value is not 20 to 200 visible ASCII characters"
        ),
        Case(
            "bootstrap:\n  groups:\n    - { id: a, keys: [ { name: n, secret: abcdefghijklmnopqrstu } ] }\n"
                + "    - { id: b, keys: [ { name: n, secret: abcdefghijklmnopqrstu } ] }",
            "turnpike.yaml:4: bootstrap.groups[1].keys[0].secret: is the same as that of bootstrap.groups[0].keys[0]; "
                + "a key belongs to one group"
        ),
        Case(
            "bootstrap: { groups: [ { id: a, credentials: [ { provider: groq, api_key: k }, "
                + "{ provider: groq, api_key: l } ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].credentials[1].provider: the group a has a second key for groq; "
                + "one is allowed"
        ),
        Case(
            "bootstrap: { groups: [ { id: a, credentials: [ { provider: grok, api_key: k } ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].credentials[0].provider: \"grok\" is not a provider; "
                + "did you mean groq?"
        ),
        Case(
            "bootstrap: { groups: [ { keys: [ ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0]: needs id: The group."
        ),
        Case(
            "bootstrap: { groups: [ { id: a, keys: [ { name: n, secret: ${NOPE} } ] } ] }",
            "turnpike.yaml:1: bootstrap.groups[0].keys[0].secret: needs the environment variable NOPE, which is not "
                + "set (write ${NOPE:-} if it may be missing)"
        ),
    ]

    @Test(arguments: cases + sectionCases)
    func `a mistake says where it is and what to write`(example: Case) {
        #expect(Given.mistakes(example.yaml) == example.expected)
    }

    @Test func `all mistakes come at once, command line first, then the file from top to bottom`() {
        let yaml = "server:\n  drain: x\n  lisen: y\nlimits: { a: 1 }\n"
        let mistakes = Given.mistakes(
            yaml,
            ["TURNPIKE_SERVER_MAX_BODY": "z"],
            flags: ["--server-loops", "w", "--bogus"]
        )
        #expect(mistakes.count == 6)
        #expect(mistakes[0] == "--bogus: unknown flag")
        #expect(mistakes[1] == "--server-loops: \"w\" is not a whole number")
        #expect(mistakes[2].hasPrefix("TURNPIKE_SERVER_MAX_BODY: \"z\" is not a size"))
        #expect(mistakes[3].hasPrefix("turnpike.yaml:2: server.drain"))
        #expect(mistakes[4].hasPrefix("turnpike.yaml:3: server.lisen"))
        #expect(mistakes[5].hasPrefix("turnpike.yaml:4: limits"))
    }

    @Test(arguments: [
        (["--server-lisen", "x"], "--server-lisen: unknown flag; did you mean --server-listen?"),
        (["--server-listen"], "--server-listen: needs a value"),
        (["serve"], "serve: is not a flag (settings are written --name value)"),
        (["--simulator=maybe"], "--simulator: \"maybe\" is neither true nor false"),
    ])
    func `a wrong flag is named`(flags: [String], expected: String) {
        #expect(Given.mistakes(nil, flags: flags) == [expected])
    }

    @Test func `a flag that is wrong makes it misuse, a file that is wrong does not`() {
        func isMisuse(_ yaml: String?, flags: [String]) -> Bool? {
            do throws(SettingsMistakes) {
                _ = try Settings.load(Given.input(yaml, flags: flags))
                return nil
            } catch { return error.isMisuse }
        }
        #expect(isMisuse(nil, flags: ["--bogus"]) == true)
        #expect(isMisuse("a: b", flags: []) == false)
    }

    @Test func `a file that was named must be there, and one that was not need not`() {
        var input = Given.input(nil)
        #expect(throws: Never.self) { try Settings.load(input) }
        input.configPath = "other.yaml"
        #expect(throws: SettingsMistakes.self) { try Settings.load(input) }
    }

    /// Row 39: what a secret holds is in no message.
    @Test func `no mistake shows what a variable or a secret holds`() {
        let secret = "sk-very-secret value"
        let yaml = """
            server: { listen: "${KEY}", max_body: "${KEY}", trusted_proxies: ["${KEY}"] }
            credentials: { encryption_key: "${KEY}", previous_keys: ["${KEY}"] }
            storage: { url: postgres://user:hunter2@host/db }
            redis: { url: "hunter2" }
            defaults: { provider: "${KEY}" }
            bootstrap: { groups: [ { id: "${KEY}", credentials: [ { provider: groq, api_key: "${KEY}" } ],
              keys: [ { name: n, secret: "${KEY}" } ] } ] }
            """
        let text = Given.mistakes(yaml, ["KEY": secret, "OPENAI_API_KEY": secret]).joined(separator: "\n")
        #expect(text.contains("bootstrap.groups[0].credentials[0].api_key"))
        #expect(!text.contains("very-secret"))
        #expect(!text.contains("hunter2"))
    }

    @Test func `aliases of aliases cannot blow up a start`() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...8 {
            let row = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(row)]\n"
        }
        let mistakes = Given.mistakes(yaml)
        #expect(mistakes.contains { $0.contains("the file is too large or nested too deeply") })
    }
}
