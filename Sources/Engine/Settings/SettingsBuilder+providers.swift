import Core
import NIOCore
import Net
import Providers
import Transport

extension SettingsBuilder {
    /// The entries of the file, then the providers that need no entry.
    mutating func providers(defaultProvider: String) -> [Settings.Provider] {
        var providers: [Settings.Provider] = []
        for name in self.values.names(under: "providers") {
            if let provider = self.provider(name) { providers.append(provider) }
        }
        for row in KnownProviders.withoutEntry where !providers.contains(where: { $0.name == row.name }) {
            // One that is named only by its variables is an entry; one with a mistake has been noted.
            guard !self.values.names(under: "providers").contains(row.name), let url = row.baseURL else { continue }
            let region = row.kind == .bedrock ? self.regionOfSurroundings(besides: nil) : nil
            let address = region.map(Self.bedrock(in:)) ?? url
            var provider = self.provider(row.name, kind: row.kind, url: address, auth: row.auth)
            provider.region = region
            providers.append(provider)
        }
        return providers
    }

    private static func bedrock(in region: String) -> String { "https://bedrock-runtime.\(region).amazonaws.com" }

    /// The region that Amazon's own tools would take: `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    ///
    /// - Parameter address: The provider's, if the file has one: nil is returned where it names a region by itself.
    private mutating func regionOfSurroundings(besides address: String?) -> String? {
        if let address, let host = try? Endpoint(url: address, allowPrivate: true).host,
            host.hasSuffix(".amazonaws.com")
        {
            return nil
        }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            guard let region = self.input.environment[name], !region.isEmpty else { continue }
            // It becomes a part of a host's name.
            let isName = region.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
            guard isName else {
                self.note(.environment(name), "the value is not a region, such as eu-central-1")
                return nil
            }
            return region
        }
        return nil
    }

    private mutating func provider(_ name: String) -> Settings.Provider? {
        let path = SettingPath(["providers", name])
        guard name != "agent", name != Settings.simulatorName else {
            self.note(path, "is a name that Turnpike keeps for itself")
            return nil
        }
        let written = self.values.entries[path.child("kind")].map { _ in self.values.text(path.child("kind")) }
        guard let kind = written.map({ ProviderEntry.Kind(rawValue: $0) }) ?? Family.kind(named: name) else {
            // Not one of the choices, which has been noted.
            return nil
        }
        let said = self.values.optionalText(path.child("region"))
        if said != nil, kind != .bedrock { self.note(path.child("region"), "is for Bedrock only") }
        let address = self.values.optionalText(path.child("base_url"))
        let region = said ?? (kind == .bedrock ? self.regionOfSurroundings(besides: address) : nil)
        let given =
            address
            ?? region.map(Self.bedrock(in:))
        let host = given.flatMap { try? Endpoint(url: $0, allowPrivate: true).host }
        let family = Family.row(kind: kind, named: name, host: host)
        guard let url = given ?? family.baseURL else {
            self.note(path, "needs a base_url")
            return nil
        }
        let auth = self.values.optionalText(path.child("auth")).flatMap(AuthStyle.init(rawValue:)) ?? family.auth
        var provider = self.provider(name, kind: kind, url: url, auth: auth)
        provider.region = region
        provider.urls = self.values.optionalText(path.child("urls")).flatMap(Family.PathStyle.init(rawValue:))
        if provider.urls != nil, family.paths == .standard {
            self.note(path.child("urls"), "is for Azure only")
        }
        if provider.urls == .azureDeployments, provider.apiVersion == nil {
            self.note(path.child("urls"), "\"deployments\" needs an api_version")
        }
        self.checkAddress(of: provider, host: host, path)
        return provider
    }

    private func provider(
        _ name: String,
        kind: ProviderEntry.Kind,
        url: String,
        auth: AuthStyle
    ) -> Settings.Provider {
        let path = SettingPath(["providers", name])
        let timeouts = path.child("timeouts")
        var provider = Settings.Provider(
            name: name,
            kind: kind,
            baseURL: url,
            allowPrivate: self.values.bool(path.child("allow_private")),
            auth: auth,
            caFile: self.values.optionalText(path.child("ca_file")),
            apiVersion: self.values.optionalText(path.child("api_version")),
            urls: nil,
            timeouts: Timeouts(
                connect: self.values.duration(timeouts.child("connect")),
                firstByte: self.values.duration(timeouts.child("first_byte")),
                idle: self.values.duration(timeouts.child("idle")),
                total: self.values.duration(timeouts.child("total")),
                streamMax: self.values.duration(timeouts.child("stream_max"))
            ),
            retriesMax: self.values.integer(path.child("max_retries")),
            onDisconnect: DisconnectPolicy(rawValue: self.values.text(path.child("on_disconnect"))) ?? .cancel
        )
        provider.guardRules = self.guardRules(path)
        return provider
    }

    /// Names are looked up when they are dialled; an address that is sure to be refused is better said at once.
    private mutating func checkAddress(of provider: Settings.Provider, host: String?, _ path: SettingPath) {
        guard !provider.allowPrivate, let host = host ?? (try? Endpoint(url: provider.baseURL, allowPrivate: true).host)
        else { return }
        let literal = try? SocketAddress(ipAddress: host, port: 0)
        guard host == "localhost" || literal.map({ !AddressGuard.isPublic($0) }) ?? false else { return }
        let place = self.values.entries[path.child("base_url")] == nil ? path : path.child("base_url")
        self.note(place, "is at a private address, which is refused unless the entry says allow_private: true")
    }

    // MARK: - Aliases

    /// The aliases of `models:`.
    mutating func models(providers: [String]) -> [Settings.Alias] {
        let names = self.values.names(under: "models")
        return names.compactMap { name in
            let path = SettingPath(["models", name])
            if name.hasPrefix("agent/") {
                self.note(path, "an alias cannot begin with agent/")
                return nil
            }
            let strategy = Strategy(rawValue: self.values.text(path.child("strategy")))
            var alias = Settings.Alias(
                name: name,
                strategy: strategy ?? .fallback,
                targets: self.targets(path.child("targets"), providers: providers),
                retriesMax: self.values.optionalInteger(path.child("max_retries")),
                timeouts: Settings.TimeoutOverrides(
                    connect: self.values.optionalDuration(path.child("timeouts").child("connect")),
                    firstByte: self.values.optionalDuration(path.child("timeouts").child("first_byte")),
                    idle: self.values.optionalDuration(path.child("timeouts").child("idle")),
                    total: self.values.optionalDuration(path.child("timeouts").child("total")),
                    streamMax: self.values.optionalDuration(path.child("timeouts").child("stream_max"))
                )
            )
            self.readRouting(of: path, aliases: names, into: &alias)
            self.readSpecials(of: path, aliases: names, into: &alias)
            self.readRacing(of: path, providers: providers, into: &alias)
            return alias
        }
    }

    private mutating func targets(_ path: SettingPath, providers: [String]) -> [Settings.Target] {
        let count = self.values.count(path)
        if count == 0 { self.note(SettingPath(path.segments.dropLast()), "needs at least one target") }
        if count > Route.targetsMax { self.note(path, "has more than \(Route.targetsMax) targets") }
        let targets = (0..<count).map { index in
            let target = path.element(index)
            let provider = self.values.text(target.child("provider"))
            self.checkProvider(provider, among: providers, target.child("provider"))
            return Settings.Target(
                provider: provider,
                model: self.values.text(target.child("model")),
                weight: self.values.integer(target.child("weight")),
                concurrentMax: self.values.optionalInteger(target.child("max_concurrent"))
            )
        }
        if count > 0, targets.allSatisfy({ $0.weight == 0 }) { self.note(path, "not all weights can be 0") }
        return targets
    }

    /// Notes a name that is no provider; an empty one has been noted as missing.
    mutating func checkProvider(_ name: String, among providers: [String], _ path: SettingPath) {
        guard !name.isEmpty, !providers.contains(name) else { return }
        let hint = NearestName.find(name, in: providers).map { "; did you mean \($0)?" } ?? ""
        self.note(path, "\"\(name)\" is not a provider" + hint)
    }
}

extension Settings {
    /// The provider that the built-in simulator is.
    package static let simulatorName = "simulator"

    /// Adds the built-in simulator as a provider, once it is known where it listens.
    ///
    /// It needs no key, so that every group can try it.
    package mutating func addSimulator(baseURL: String) {
        self.providers.append(
            Provider(
                name: Self.simulatorName,
                kind: .openAI,
                baseURL: baseURL,
                allowPrivate: true,
                auth: AuthStyle.none,
                caFile: nil,
                apiVersion: nil,
                urls: nil,
                timeouts: Timeouts(),
                retriesMax: 2
            )
        )
    }
}
