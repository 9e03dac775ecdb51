import Core

/// What `turnpike serve` says once it listens: who answers, and how to call.
struct StartupText: Sendable {
    private let loaded: LoadedSettings
    private let answerer: Answerer
    /// The key to show; nil where the operator brought the keys, which are not repeated.
    private let firstKey: Secret<String>?

    init(_ loaded: LoadedSettings, input: SettingsInput, firstKey: Secret<String>?) {
        self.loaded = loaded
        self.answerer = Answerer(loaded, input: input)
        self.firstKey = firstKey
    }

    private func url(_ address: ListenAddress) -> String {
        let scheme = self.loaded.settings.server.tls == nil ? "http" : "https"
        let host = address.isWildcard ? "127.0.0.1" : address.urlHost
        return "\(scheme)://\(host):\(address.port)"
    }

    /// For people; `address` is the one in use.
    func text(_ address: ListenAddress, terminal: Terminal = .output) -> String {
        let url = self.url(address)
        let settings = self.loaded.settings
        let shownKey = self.firstKey?.reveal { $0 }
        let key = shownKey ?? "$TURNPIKE_KEY"
        let pythonKey = shownKey.map { "\"\($0)\"" } ?? "os.environ[\"TURNPIKE_KEY\"]"
        let keyPlace =
            shownKey == nil
            ? "one of bootstrap.groups[].keys" : "\(key)  (kept in \(FirstKey.path(in: settings.dataDirectory)))"
        let model = self.answerer.model
        var text = "\n" + terminal.styled("Turnpike \(Version.text) is listening on \(url)", .bold) + "\n\n"
        text += "  Answers   \(self.answerer.sentence)\n"
        if let advice = self.answerer.advice { text += "            " + terminal.styled(advice, .yellow) + "\n" }
        text += "  Base URL  \(url)/v1\n"
        text += "  Key       \(keyPlace)\n"
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
            from openai import OpenAI\(shownKey == nil ? "; import os" : "")
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
        let key = self.firstKey.map { JSONValue.string($0.reveal { $0 }) } ?? .null
        return .object([
            ("event", "listening"), ("version", .string(Version.text)), ("url", .string(url)),
            ("baseURL", .string(url + "/v1")), ("key", key),
            ("provider", .string(self.answerer.provider)), ("model", .string(self.answerer.model)),
            ("why", .string(self.answerer.why)), ("canAnswer", .bool(self.answerer.canAnswer)),
            ("simulator", .bool(self.loaded.settings.simulator)),
            ("settingsFile", self.loaded.file.map { .string($0) } ?? .null),
            ("warnings", .array(self.warnings.map { .string($0) })),
        ])
    }

    private var warnings: [String] {
        var warnings = self.loaded.warnings
        let server = self.loaded.settings.server
        if !server.listen.isLoopback, server.tls == nil, !server.isBehindProxy {
            warnings.append("keys and prompts travel unencrypted to \(server.listen); set server.tls")
        }
        return warnings
    }
}
