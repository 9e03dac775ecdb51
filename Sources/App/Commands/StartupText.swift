import Core
import Engine

/// What `turnpike serve` says once it listens: who answers, and how to call.
struct StartupText: Sendable {
    /// What there is to tell of the store.
    struct Account: Sendable {
        /// Nil where the operator brought the keys, which are not repeated.
        var firstKey: Secret<String>?
        /// Whether it was made now: it is shown once.
        var isFirstKeyNew = true
        /// The providers that the store has a key of the group `default` for.
        var providers: Set<String> = []
        var store = ""
        /// Where the encryption key is, and its id; never the key.
        var encryptionKey = ""
        var isEncryptionKeyNew = false
        var warnings: [String] = []
    }

    private let loaded: LoadedSettings
    private let answerer: Answerer
    private let account: Account

    init(_ loaded: LoadedSettings, input: SettingsInput, account: Account) {
        self.loaded = loaded
        self.answerer = Answerer(loaded, input: input, stored: account.providers, usesFirstKey: account.firstKey != nil)
        self.account = account
    }

    /// The key, if it is to be shown.
    private var shownKey: String? { self.account.isFirstKeyNew ? self.account.firstKey?.reveal { $0 } : nil }

    /// How a shell and Python get the key: written out the first time, then from its file, then from a variable.
    private func keyExpressions() -> (place: String, shell: String, python: String) {
        let path = FirstKey.path(in: self.loaded.settings.dataDirectory)
        if let key = self.shownKey {
            return ("\(key)  (shown once; kept in \(path))", key, "\"\(key)\"")
        }
        guard self.account.firstKey == nil else {
            let quoted = "'" + path.replacing("'", with: "'\\''") + "'"
            return ("kept in \(path)", "$(cat \(quoted))", "open(\(JSONValue.string(path).text)).read().strip()")
        }
        return (
            "one of bootstrap.groups[].keys, or of turnpike key create", "$TURNPIKE_KEY", "os.environ[\"TURNPIKE_KEY\"]"
        )
    }

    private func url(_ address: ListenAddress) -> String {
        let scheme = self.loaded.settings.server.tls == nil ? "http" : "https"
        let host = address.isWildcard ? "127.0.0.1" : address.urlHost
        return "\(scheme)://\(host):\(address.port)"
    }

    /// For people; `address` is the one in use.
    func text(_ address: ListenAddress, terminal: Terminal = .output) -> String {
        let url = self.url(address)
        let (keyPlace, key, pythonKey) = self.keyExpressions()
        let model = self.answerer.model
        var text = "\n" + terminal.styled("Turnpike \(Version.text) is listening on \(url)", .bold) + "\n\n"
        text += "  Answers   \(self.answerer.sentence)\n"
        if let advice = self.answerer.advice { text += "            " + terminal.styled(advice, .yellow) + "\n" }
        text += "  Base URL  \(url)/v1\n"
        if let admin = self.loaded.settings.server.adminListen { text += "  Admin     \(self.url(admin))\n" }
        text += "  Key       \(keyPlace)\n"
        text += "  Store     \(self.account.store), sealed with \(self.account.encryptionKey)\n"
        if self.account.isEncryptionKeyNew {
            text +=
                "            "
                + terminal.styled("Keep a copy of that key elsewhere: without it no backup helps.", .yellow)
            text += "\n"
        }
        if let file = self.loaded.file { text += "  Settings  \(file)\n" }
        for warning in self.warnings { text += "  Note      " + terminal.styled(warning, .yellow) + "\n" }
        // No indentation from here on: these lines are made to be pasted.
        text += "\n" + terminal.styled("Call it:", .bold) + "\n\n"
        text += """
            curl \(url)/v1/chat/completions -H "Authorization: Bearer \(key)" -H "Content-Type: application/json" \
            -d '{"model":"\(model)","messages":[{"role":"user","content":"Say hello in five languages."}]}'

            """
        text += "\n" + terminal.styled("Or in Python (pip install openai):", .bold) + "\n\n"
        text += """
            from openai import OpenAI\(pythonKey.hasPrefix("os.") ? "; import os" : "")
            client = OpenAI(base_url="\(url)/v1", api_key=\(pythonKey))
            messages = [{"role": "user", "content": "Say hello in five languages."}]
            answer = client.chat.completions.create(model="\(model)", messages=messages)
            print(answer.choices[0].message.content)

            """
        text += "\nOr talk to it:      turnpike chat\nWatch the calls:    turnpike tail\n\n"
        return text
    }

    /// For programs.
    func json(_ address: ListenAddress) -> JSONValue {
        let url = self.url(address)
        let key = self.shownKey.map { JSONValue.string($0) } ?? .null
        let keyFile = FirstKey.path(in: self.loaded.settings.dataDirectory)
        return .object([
            ("event", "listening"), ("version", .string(Version.text)), ("url", .string(url)),
            ("baseURL", .string(url + "/v1")), ("key", key),
            ("keyFile", self.account.firstKey == nil ? .null : .string(keyFile)),
            ("store", .string(self.account.store)),
            ("encryptionKey", .string(self.account.encryptionKey)),
            ("provider", .string(self.answerer.provider)), ("model", .string(self.answerer.model)),
            ("why", .string(self.answerer.why)), ("canAnswer", .bool(self.answerer.canAnswer)),
            ("simulator", .bool(self.loaded.settings.simulator)),
            ("settingsFile", self.loaded.file.map { .string($0) } ?? .null),
            ("warnings", .array(self.warnings.map { .string($0) })),
        ])
    }

    private var warnings: [String] {
        var warnings = self.loaded.warnings + self.account.warnings
        let server = self.loaded.settings.server
        if !server.listen.isLoopback, server.tls == nil, !server.isBehindProxy {
            warnings.append("keys and prompts travel unencrypted to \(server.listen); set server.tls")
        }
        return warnings
    }
}
