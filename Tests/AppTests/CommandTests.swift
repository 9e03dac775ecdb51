import ArgumentParser
import Core
import NIOCore
import Testing
import Transport

@testable import Engine
@testable import turnpike

@Suite struct CommandTests {
    @Test(
        arguments: [
            (["frobnicate"], 2), (["serve", "--bogus"], 2), (["serve", "--server-listen", "nowhere"], 2),
            (["serve", "--config", "/does/not/exist.yaml"], 2), (["config", "check", "--server-loops", "x"], 2),
            (["simulate", "--listen", "x"], 2), (["simulate", "--pace", "x"], 2), (["chat", "--bogus"], 2),
            (["chat", "--model", "a b", "hi"], 2), (["env", "--shell", "tcsh"], 2), (["version", "extra"], 2),
            (["chat", "--url", "not a url", "hi"], 2),
        ] as [([String], Int32)]
    )
    func `a command that is used wrongly exits with 2`(arguments: [String], code: Int32) async {
        #expect(await Main.run(arguments) == code)
    }

    @Test(arguments: [["version"], ["version", "--json"], ["--help"], ["--version"], ["help", "serve"], []])
    func `asking for help or the version exits with 0`(arguments: [String]) async {
        #expect(await Main.run(arguments) == 0)
    }

    @Test func `a gateway that is not there makes a command fail with 1`() async {
        // Port 1 on loopback is taken by nobody.
        #expect(await Main.run(["chat", "--url", "http://127.0.0.1:1", "hi"]) == 1)
    }

    @Test func `serve takes every flag of the table in any order beside its own`() throws {
        let command = try Turnpike.parseAsRoot([
            "serve", "--simulator", "--json", "--server-listen", "127.0.0.1:1", "--config", "x.yaml",
            "--log-calls=false",
        ])
        let serve = try #require(command as? ServeCommand)
        #expect(serve.json)
        #expect(serve.options.config == "x.yaml")
        #expect(serve.options.settings == ["--simulator", "--server-listen", "127.0.0.1:1", "--log-calls=false"])
    }

    @Test func `every command explains itself`() {
        for command in Turnpike.configuration.subcommands {
            #expect(!command.configuration.abstract.isEmpty)
            #expect(command.helpMessage().contains("USAGE"))
        }
    }

    @Test(arguments: [
        (EnvCommand.Shell.bash, #"export K='a'\''b\c'"#), (.fish, #"set -gx K 'a\'b\\c'"#),
        (.powershell, #"$env:K = 'a''b\c'"#),
    ])
    func `env quotes whatever a key is made of`(shell: EnvCommand.Shell, expected: String) {
        #expect(shell.line("K", #"a'b\c"#) == expected)
    }

    @Test func `a live call is one line in columns`() throws {
        let call = try JSONValue.parse(
            #"{"time":"2026-11-21T03:39:45.856Z","group":"demo","model":"m\u001b[2J","provider":"groq","status":200,"#
                + #""code":null,"tokensIn":9,"tokensOut":56,"ms":1340.9,"ttftMs":202.4,"attempts":2}"#
        )
        let line = TailLine.text(call, terminal: Terminal(descriptor: -1))
        #expect(
            line
                == "03:39:45.856     200     1341      202        9       56  "
                + "demo          groq          m[2J  2 attempts"
        )
        #expect(TailLine.header.hasPrefix("TIME          STATUS"))
    }

    @Test(arguments: [
        ("gpt-4o-minni", "gpt-4o-mini"), ("anthropic/claude-old-and-gone", "anthropic/claude-new"), ("zzz", "first"),
    ])
    func `doctor proposes the nearest model, one of the same maker, or the first`(model: String, expected: String) {
        let known = ["first", "anthropic/claude-new", "gpt-4o-mini"]
        #expect(ProviderChecks.proposal(for: model, known: known)?.contains("=\(expected),") == true)
        #expect(ProviderChecks.proposal(for: model, known: []) == nil)
    }

    @Test func `a request of a command cannot be split by what is put into it`() throws {
        let endpoint = try Endpoint(url: "http://127.0.0.1:1/v1", allowPrivate: true)
        var request = CommandRequest(method: "GET", endpoint: endpoint, path: "/models")
        request.authorize(Secret("key"))
        let text = String(buffer: try CommandClient.bytes(of: request))
        #expect(
            text == "GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1:1\r\naccept-encoding: identity\r\n"
                + "user-agent: turnpike/\(Version.text)\r\nauthorization: Bearer key\r\n\r\n"
        )
        request.fields.append(("x", "a\r\nb: c"))
        #expect(throws: CommandFailure.self) { try CommandClient.bytes(of: request) }
        request.fields = []
        request.path = "/a b"
        #expect(throws: CommandFailure.self) { try CommandClient.bytes(of: request) }
    }
}

@Suite struct StartupTextTests {
    private func text(
        _ environment: [String: String] = [:],
        flags: [String] = [],
        yaml: String? = nil,
        isFirstStart: Bool = true
    ) throws -> (text: String, json: JSONValue) {
        let input = Given.input(yaml, environment, flags: flags)
        let loaded = try Settings.load(input)
        let key = loaded.settings.needsFirstKey ? Secret("tp_abcdefghjkmn_secret") : nil
        let account = StartupText.Account(firstKey: key, isFirstKeyNew: isFirstStart)
        let startup = StartupText(loaded, input: input, account: account)
        let address = ListenAddress(host: "127.0.0.1", port: 9)
        return (startup.text(address, terminal: Terminal(descriptor: -1)), startup.json(address))
    }

    @Test func `it says which provider answers and why`() throws {
        let (text, json) = try self.text(["OPENAI_API_KEY": "sk-hidden"])
        #expect(text.contains("Answers   openai, model gpt-4o-mini (OPENAI_API_KEY is set)"))
        #expect(json["canAnswer"] == true)
        #expect(json["baseURL"] == "http://127.0.0.1:9/v1")
        #expect(json["key"] == "tp_abcdefghjkmn_secret")
        #expect(!text.contains("sk-hidden"))
    }

    @Test func `the first key is shown once, and comes from its file afterwards`() throws {
        let first = try self.text(flags: ["--simulator"])
        #expect(first.text.contains("Key       tp_abcdefghjkmn_secret"))
        let (text, json) = try self.text(flags: ["--simulator"], isFirstStart: false)
        #expect(!text.contains("tp_abcdefghjkmn_secret"))
        #expect(text.contains("Bearer $(cat './data/first-key')"))
        #expect(text.contains("api_key=open(\"./data/first-key\").read().strip()"))
        #expect(json["key"] == .null)
        #expect(json["keyFile"] == "./data/first-key")
    }

    @Test func `it says plainly that the simulator answers`() throws {
        let (text, json) = try self.text(flags: ["--simulator"])
        #expect(text.contains("SIMULATOR"))
        #expect(json["provider"] == "simulator")
        #expect(json["simulator"] == true)
    }

    @Test func `it says what to do where nobody can answer`() throws {
        let (text, json) = try self.text()
        #expect(text.contains("nobody yet: openrouter needs a key"))
        #expect(text.contains("turnpike serve --simulator"))
        #expect(json["canAnswer"] == false)
    }

    @Test func `an alias as default model is followed to its first target`() throws {
        let yaml = "models: { fast: { targets: [ { provider: groq, model: m } ] } }\ndefaults: { model: fast }"
        let (text, _) = try self.text(["GROQ_API_KEY": "k"], yaml: yaml)
        #expect(text.contains("Answers   groq, model m (the alias fast leads there)"))
    }

    /// Row 39: keys that the operator brought are not repeated.
    @Test func `a key of bootstrap is not shown`() throws {
        let yaml = "bootstrap: { groups: [ { id: g, keys: [ { name: n, secret: abcdefghijklmnopqrstu } ] } ] }"
        let (text, json) = try self.text(yaml: yaml)
        #expect(!text.contains("abcdefghijklmnopqrstu"))
        #expect(text.contains("api_key=os.environ[\"TURNPIKE_KEY\"]"))
        #expect(json["key"] == .null)
    }

    @Test func `the Python example is five lines that can be pasted`() throws {
        let lines = try self.text(flags: ["--simulator"]).text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("from openai") })
        let code = lines[start..<(start + 5)]
        #expect(code.allSatisfy { !$0.isEmpty && !$0.hasPrefix(" ") })
        #expect(lines[start + 5].isEmpty)
        #expect(code.last == "print(answer.choices[0].message.content)")
    }

    @Test func `a listener beyond this machine without TLS is warned about`() throws {
        #expect(try self.text(flags: ["--server-listen", ":80"]).text.contains("travel unencrypted"))
        #expect(try !self.text(flags: ["--server-listen", "127.0.0.1:80"]).text.contains("travel unencrypted"))
    }
}
