import Core
import NIOCore
import Providers
import Transport

/// Makes the typed settings from checked values, and checks what concerns more than one of them.
struct SettingsBuilder {
    let values: SettingsValues
    let input: SettingsInput
    private(set) var mistakes: [SettingsMistake] = []
    private(set) var warnings: [String] = []

    init(values: SettingsValues, input: SettingsInput) {
        self.values = values
        self.input = input
    }

    mutating func note(_ path: SettingPath, _ text: String) {
        self.mistakes.append(SettingsMistake(origin: self.values.origin(path), path: path, text: text))
    }

    mutating func note(_ origin: SettingOrigin, _ text: String) {
        self.mistakes.append(SettingsMistake(origin: origin, path: .root, text: text))
    }

    mutating func warn(_ text: String) { self.warnings.append(text) }

    /// The settings.
    ///
    /// Only good if `mistakes` is empty afterwards.
    mutating func build(defaultProvider: String) -> Settings {
        let providers = self.providers(defaultProvider: defaultProvider)
        var settings = Settings(
            environment: Settings.Environment(rawValue: self.values.text("environment")) ?? .development,
            dataDirectory: self.values.text("data_dir"),
            simulator: self.values.bool("simulator"),
            server: self.server(),
            upstream: self.upstream(),
            log: Settings.Log(
                level: self.values.text("log.level"),
                logsCalls: self.values.bool("log.calls"),
                file: self.values.optionalText("log.file")
            ),
            defaults: Settings.Defaults(model: self.values.text("defaults.model"), provider: defaultProvider),
            providers: providers,
            models: [],
            agents: self.agents(),
            groups: [],
            storage: self.storage(dataDirectory: self.values.text("data_dir")),
            encryption: self.encryption(),
            ledger: self.ledger(),
            limits: self.limits(),
            budgets: self.budgets(),
            prices: self.prices(),
            unpriced: self.unpriced(),
            idempotency: self.idempotency(),
            responses: self.responses(),
            chat: self.chat(),
            translation: self.translation(),
            structure: self.structureRule(),
            health: self.health(isProduction: self.values.text("environment") == "production"),
            tools: self.toolServers(isProduction: self.values.text("environment") == "production"),
            failureLimit: self.values.integer("auth.failure_limit"),
            issuers: self.issuers()
        )
        let found = self.input.discovered.first { $0.name == defaultProvider }?.model
        let model = found ?? KnownProviders.firstModel(at: defaultProvider)
        if self.values.entries["defaults.model"] == nil, let model { settings.defaults.model = model }
        // One whose entry has a mistake is still a name that others may use.
        var names = self.values.names(under: "providers")
        names += providers.map(\.name).filter { !names.contains($0) }
        if settings.simulator { names.append(Settings.simulatorName) }
        settings.models = self.models(providers: names)
        settings.groups = self.groups(providers: names)
        if !names.contains(defaultProvider) {
            let hint = NearestName.find(defaultProvider, in: names).map { "; did you mean \($0)?" } ?? ""
            self.note("defaults.provider", "\"\(defaultProvider)\" is not a provider" + hint)
        }
        self.addCredentialsFromEnvironment(to: &settings)
        if settings.environment == .production { self.checkProduction(settings) }
        return settings
    }

    // MARK: - Server

    private mutating func server() -> Settings.Server {
        let listen = ListenAddress(self.values.text("server.listen"))
        return Settings.Server(
            listen: listen ?? ListenAddress(host: "127.0.0.1", port: 8080),
            adminListen: self.values.optionalText("server.admin_listen").flatMap { ListenAddress($0) },
            bodyBytesMax: self.values.integer("server.max_body"),
            uploadBytesMax: self.values.integer("server.max_upload"),
            inflightBodyBytesMax: self.values.integer("server.max_inflight_body"),
            headBytesMax: self.values.integer("server.max_head"),
            connectionsMax: self.values.integer("server.max_connections"),
            headTimeout: self.values.duration("server.head_timeout"),
            idleTimeout: self.values.duration("server.idle_timeout"),
            heartbeat: self.values.duration("server.heartbeat"),
            drain: self.values.duration("server.drain"),
            allowsHalfClose: self.values.text("server.half_close") == "allow",
            tls: self.tls(),
            isBehindProxy: self.values.bool("server.behind_proxy"),
            trustedProxies: self.values.list("server.trusted_proxies").compactMap { AddressBlock($0) },
            settingsURL: self.values.optionalText("server.settings_url"),
            loops: self.values.integer("server.loops")
        )
    }

    private mutating func tls() -> Settings.TLS? {
        let certificate = self.values.optionalText("server.tls.certificate_file")
        let key = self.values.optionalText("server.tls.key_file")
        switch (certificate, key) {
        case (let certificate?, let key?): return Settings.TLS(certificateFile: certificate, keyFile: key)
        case (nil, nil): return nil
        case (_?, nil): self.note("server.tls.certificate_file", "needs server.tls.key_file beside it")
        case (nil, _?): self.note("server.tls.key_file", "needs server.tls.certificate_file beside it")
        }
        return nil
    }

    // MARK: - Production

    private mutating func checkProduction(_ settings: Settings) {
        if settings.simulator { self.note("simulator", "production refuses the simulator") }
        if settings.encryption.key == nil {
            self.note(
                "credentials.encryption_key",
                "production makes no encryption key by itself: make one with turnpike keyring generate, and say where "
                    + "it is"
            )
        }
        let listen = settings.server.listen
        let isOpen = !listen.isLoopback || settings.server.adminListen?.isLoopback == false
        if isOpen, settings.server.tls == nil, !settings.server.isBehindProxy {
            self.note(
                "server.listen",
                "production refuses plain HTTP beyond loopback: set server.tls, or server.behind_proxy where a proxy "
                    + "does TLS"
            )
        }
        for provider in settings.providers where provider.baseURL.hasPrefix("http://") && !provider.allowPrivate {
            self.note(
                SettingPath(["providers", provider.name, "base_url"]),
                "production refuses plain HTTP to a provider: use https://, or allow_private for one in your network"
            )
        }
    }
}
