import Core
import NIOCore
import Providers
import Testing

@testable import Engine
@testable import turnpike

@Suite struct SettingsLoadTests {
    @Test func `without anything the embedded defaults hold`() throws {
        let settings = try Given.settings()
        #expect(settings.environment == .development)
        #expect(settings.server.listen == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(settings.server.bodyBytesMax == 20_000_000)
        #expect(settings.server.heartbeat == .seconds(15))
        #expect(settings.defaults.provider == "openrouter")
        #expect(settings.defaults.model == "anthropic/claude-3-haiku-20240307")
        let provider = try #require(settings.provider("openrouter"))
        #expect(provider.baseURL == "https://openrouter.ai/api/v1")
        #expect(provider.timeouts == Timeouts())
        #expect(provider.retriesMax == 2)
        #expect(settings.groups == [])
        #expect(settings.storage.path == "./data/turnpike.db")
        #expect(settings.encryption.key == nil)
        #expect(settings.standardKeyPath == "./data/encryption.key")
        #expect(settings.issuers == [])
        #expect(settings.needsFirstKey)
    }

    @Test func `a flag beats the environment, and the environment beats the file`() throws {
        let yaml = "server: { listen: 127.0.0.1:1, drain: 1s, heartbeat: 1s }"
        let environment = ["TURNPIKE_SERVER_LISTEN": "127.0.0.1:2", "TURNPIKE_SERVER_DRAIN": "2s"]
        let settings = try Given.settings(yaml, environment, flags: ["--server-listen=127.0.0.1:3"])
        #expect(settings.server.listen.port == 3)
        #expect(settings.server.drain == .seconds(2))
        #expect(settings.server.heartbeat == .seconds(1))
    }

    @Test func `an empty variable counts as unset`() throws {
        let settings = try Given.settings("server: { drain: 1s }", ["TURNPIKE_SERVER_DRAIN": "", "OPENAI_API_KEY": ""])
        #expect(settings.server.drain == .seconds(1))
        #expect(settings.groups == [])
    }

    @Test func `what is true or false may be a bare flag, and other flags follow it`() throws {
        let settings = try Given.settings(nil, flags: ["--simulator", "--log-calls", "false", "--server-behind-proxy"])
        #expect(settings.simulator)
        #expect(!settings.log.logsCalls)
        #expect(settings.server.isBehindProxy)
    }

    @Test func `the variables of the contract set the default provider and model`() throws {
        let environment = [
            "AI_GATEWAY_URL": "https://llm.example.com/v1", "AI_DEFAULT_MODEL": "some/model",
            "AI_REQUEST_TIMEOUT_MS": "4500", "AI_MAX_RETRIES": "5",
        ]
        let yaml = "providers: { openrouter: { base_url: https://file.example/v1, timeouts: { total: 60s } } }"
        for file in [nil, yaml] {
            let settings = try Given.settings(file, environment)
            let provider = try #require(settings.provider("openrouter"))
            #expect(provider.baseURL == "https://llm.example.com/v1")
            #expect(provider.timeouts.total == .milliseconds(4_500))
            #expect(provider.timeouts.connect == .seconds(5))
            #expect(provider.retriesMax == 5)
            #expect(settings.defaults.model == "some/model")
            #expect(settings.provider("openai")?.timeouts.total == .seconds(120))
        }
    }

    @Test func `the name made of the path beats the contract's short name`() throws {
        let environment = ["AI_DEFAULT_MODEL": "short", "TURNPIKE_DEFAULTS_MODEL": "long"]
        #expect(try Given.settings(nil, environment).defaults.model == "long")
    }

    @Test func `keys inside chosen names can be set by variable and flag`() throws {
        let yaml = "providers: { my-local: { base_url: 'http://127.0.0.1:1/v1', allow_private: true, auth: none } }"
        let settings = try Given.settings(
            yaml,
            ["TURNPIKE_PROVIDERS_MY_LOCAL_TIMEOUTS_FIRST_BYTE": "7s"],
            flags: ["--providers-my-local-base-url", "http://127.0.0.1:2/v1"]
        )
        let provider = try #require(settings.provider("my-local"))
        #expect(provider.baseURL == "http://127.0.0.1:2/v1")
        #expect(provider.timeouts.firstByte == .seconds(7))
        #expect(settings.providers.count { $0.name.hasPrefix("my") } == 1)
    }

    @Test func `a variable alone can add a provider`() throws {
        let settings = try Given.settings(nil, ["TURNPIKE_PROVIDERS_MINE_BASE_URL": "https://a.example/v1"])
        #expect(settings.provider("mine")?.baseURL == "https://a.example/v1")
    }

    // MARK: - Who answers

    @Test(arguments: [
        (["OPENAI_API_KEY": "k"], "openai", "gpt-4o-mini"),
        (["OPENAI_API_KEY": "k", "OPENROUTER_API_KEY": "k"], "openrouter", "anthropic/claude-3-haiku-20240307"),
        (["AI_GATEWAY_API_KEY": "k"], "vercel", "openai/gpt-4o-mini"),
        (["ANTHROPIC_API_KEY": "k"], "anthropic", "claude-haiku-4-5"),
        (["GROQ_API_KEY": "k", "AI_DEFAULT_MODEL": "m"], "groq", "m"),
        (["GROQ_API_KEY": "k", "TURNPIKE_DEFAULTS_PROVIDER": "openai"], "openai", "gpt-4o-mini"),
        // A key never goes to another provider's address because only the address was set.
        (
            ["OPENAI_API_KEY": "k", "AI_GATEWAY_URL": "https://openrouter.ai/api/v1"], "openrouter",
            "anthropic/claude-3-haiku-20240307"
        ),
        (["AI_GATEWAY_URL": "https://api.openai.com/v1"], "openai", "gpt-4o-mini"),
        (
            ["OPENAI_API_KEY": "k", "AI_GATEWAY_URL": "https://unknown.example/v1"], "openrouter",
            "anthropic/claude-3-haiku-20240307"
        ),
    ])
    func `the key that is there decides who answers`(
        environment: [String: String],
        provider: String,
        model: String
    ) throws {
        let settings = try Given.settings(nil, environment)
        #expect(settings.defaults.provider == provider)
        #expect(settings.defaults.model == model)
    }

    @Test func `a provider found on this machine answers where no key is set`() throws {
        let found = [DiscoveredProvider(name: "ollama", baseURL: "http://127.0.0.1:11434/v1", model: "llama3")]
        let alone = try Given.settings(nil, flags: ["--simulator"], discovered: found)
        #expect(alone.defaults == .init(model: "llama3", provider: "ollama"))
        let provider = try #require(alone.provider("ollama"))
        #expect(provider.allowPrivate)
        #expect(provider.auth == AuthStyle.none)
        let withKey = try Given.settings(nil, ["GROQ_API_KEY": "k"], discovered: found)
        #expect(withKey.defaults.provider == "groq")
        #expect(withKey.provider("ollama") != nil)
    }

    @Test func `the simulator answers where it is on and nobody else can`() throws {
        #expect(try Given.settings(nil, flags: ["--simulator"]).defaults == .init(model: "sim", provider: "simulator"))
        #expect(try Given.settings("simulator: true", ["XAI_API_KEY": "k"]).defaults.provider == "xai")
    }

    // MARK: - Groups

    @Test func `provider keys of the environment belong to the group default alone`() throws {
        let yaml = "bootstrap: { groups: [ { id: demo, keys: [ { name: n, secret: abcdefghijklmnopqrstu } ] } ] }"
        let settings = try Given.settings(yaml, ["OPENAI_API_KEY": "sk-1", "MISTRAL_API_KEY": "sk-2"])
        #expect(settings.group(GroupID("demo"))?.credentials == [])
        let group = try #require(settings.group(.defaultGroup))
        #expect(group.credentials.map(\.provider) == ["openai", "mistral"])
        #expect(group.credentials.map { $0.key.reveal { $0 } } == ["sk-1", "sk-2"])
    }

    @Test func `what the file says of the group default is not replaced by the environment`() throws {
        let yaml = "bootstrap: { groups: [ { id: default, credentials: [ { provider: openai, api_key: mine } ] } ] }"
        let settings = try Given.settings(yaml, ["OPENAI_API_KEY": "other"])
        #expect(settings.group(.defaultGroup)?.credentials.map { $0.key.reveal { $0 } } == ["mine"])
    }

    @Test func `a variable that looks like a setting is a warning with the nearest name`() throws {
        let loaded = try Settings.load(Given.input(nil, ["TURNPIKE_SERVER_LISTN": "x", "TURNPIKE_KEY": "y"]))
        #expect(loaded.warnings == ["TURNPIKE_SERVER_LISTN is not a setting; did you mean TURNPIKE_SERVER_LISTEN?"])
    }

    @Test func `aliases take what they do not say from the providers they lead to`() throws {
        let yaml = """
            providers:
              groq: { timeouts: { total: 9s }, max_retries: 1 }
              openai: { timeouts: { idle: 1s, connect: 2s } }
            models:
              fast: { strategy: weighted, timeouts: { idle: 3s },
                      targets: [ { provider: groq, model: a, weight: 3 }, { provider: openai, model: b } ] }
              plain: { targets: [ { provider: groq, model: a } ], max_retries: 0 }
            """
        let routes = try Given.settings(yaml).routeEntries
        #expect(routes.map(\.name) == ["fast", "plain"])
        #expect(routes[0].strategy == .weighted)
        #expect(routes[0].targets.map(\.weight) == [3, 1])
        #expect(routes[0].retriesMax == 1)
        #expect(routes[0].targets[0].timeouts == Timeouts(idle: .seconds(3), total: .seconds(9)))
        #expect(routes[0].targets[1].timeouts == Timeouts(connect: .seconds(2), idle: .seconds(3)))
        #expect(routes[1].retriesMax == 0)
        #expect(routes[1].targets[0].timeouts == nil)
    }

    // MARK: - The example of the contract

    @Test func `references in braces are values, and comments are not read`() throws {
        let yaml = """
            # ${NOT_READ}
            bootstrap:
              groups:
                - { id: demo, credentials: [ { provider: openrouter, api_key: ${OPENROUTER_API_KEY} } ],
                    keys: [ { name: dev, secret: ${TURNPIKE_DEV_KEY} } ] }
            """
        let key = "a: b } ] # \\\"$${X} 0123456789".replacing(" ", with: "_")
        let settings = try Given.settings(yaml, ["OPENROUTER_API_KEY": "sk-or-1", "TURNPIKE_DEV_KEY": key])
        #expect(settings.group(GroupID("demo"))?.keys.map { $0.secret.reveal { $0 } } == [key])
    }

    @Test(arguments: [
        ("a${A}c", "abc"), ("${A}${A}", "bb"), ("${NONE:-x}", "x"), ("${EMPTY:-x}", "x"), ("${A:-x}", "b"),
        ("$$", "$"), ("$${A}", "${A}"), ("$A", "$A"), ("100$", "100$"), ("${LOOP}", "${A}"), ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
    ])
    func `references become values once`(text: String, expected: String) throws {
        let environment = ["A": "b", "EMPTY": "", "LOOP": "${A}"]
        #expect(try EnvironmentExpansion.expand(text, environment) == expected)
    }

    @Test(arguments: ["${NONE}", "${", "${}", "${A B}", "${1}", "${A"])
    func `a reference to nothing is a mistake`(text: String) {
        #expect(throws: BadValue.self) { try EnvironmentExpansion.expand(text, ["A": "b"]) }
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("[::1]:80", "::1", 80), (":9", "0.0.0.0", 9),
        ("localhost:0", "localhost", 0),
    ])
    func `an address is a host and a port`(text: String, host: String, port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
    }

    @Test(arguments: [
        "", "8080", "host", "host:", ":99999", "::1:80", "[x]:80", "a b:80", "host:-1", "host:+1", "a/b:1",
    ])
    func `what is no address is refused`(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.8.8", true), ("::1", true), ("localhost", true), ("0.0.0.0", false),
        ("10.0.0.1", false), ("127.example.com", false),
    ])
    func `only this machine is loopback`(host: String, isLoopback: Bool) {
        #expect(ListenAddress(host: host, port: 1).isLoopback == isLoopback)
    }
}
