package import Core

/// Everything that can be called and under which names, at one moment.
///
/// Immutable: a reload makes a new one.
package final class Catalog: Sendable {
    package let providers: [Provider]
    package let routes: [Route]
    /// What serves a model id that is no alias and names no provider.
    ///
    /// Nil: such ids are refused.
    package let defaultProvider: Provider?
    /// Stands in where a request names no model.
    package let defaultModel: String?
    private let providersByName: [String: Provider]
    private let routesByName: [String: Route]

    /// - Parameters:
    ///   - timeouts: The clocks of providers that have none of their own.
    ///   - userAgent: What providers see as `user-agent`; a token like `turnpike/0.1`.
    ///   - old: The catalog this one replaces. Endpoints that did not change keep their connections.
    /// - Throws: `CatalogError` for the first entry that is wrong.
    package init(
        providers entries: [ProviderEntry],
        routes routeEntries: [RouteEntry] = [],
        defaultProvider: String? = nil,
        defaultModel: String? = nil,
        timeouts: Timeouts = Timeouts(),
        userAgent: String,
        reusing old: Catalog? = nil
    ) throws(CatalogError) {
        var providers: [Provider] = []
        var byName: [String: Provider] = [:]
        for (index, entry) in entries.enumerated() {
            guard Self.isProviderName(entry.name) else { throw .badProviderName(entry.name) }
            let provider = try Provider(
                entry,
                index: index,
                timeouts: timeouts,
                userAgent: userAgent,
                reusing: old?.providersByName[entry.name]
            )
            guard byName.updateValue(provider, forKey: entry.name) == nil else {
                throw .duplicateProvider(entry.name)
            }
            providers.append(provider)
        }
        var routes: [Route] = []
        var routesByName: [String: Route] = [:]
        for (index, entry) in routeEntries.enumerated() {
            let route = try Self.route(entry, index: index, providers: byName)
            guard routesByName.updateValue(route, forKey: entry.name) == nil else { throw .duplicateRoute(entry.name) }
            routes.append(route)
        }
        for route in routes { try Self.checkSplit(of: route, among: routesByName) }
        if let name = defaultProvider, byName[name] == nil {
            throw .unknownDefaultProvider(name, nearest: NearestName.find(name, in: byName.keys))
        }
        self.providers = providers
        self.routes = routes
        self.providersByName = byName
        self.routesByName = routesByName
        self.defaultProvider = defaultProvider.flatMap { byName[$0] }
        self.defaultModel = defaultModel
    }

    /// The provider with this name.
    package func provider(named name: String) -> Provider? { self.providersByName[name] }

    /// The alias with this name.
    package func route(named name: String) -> Route? { self.routesByName[name] }

    /// Finds what serves `model`, in the order users rely on: an alias; `agent/<id>`; `provider/model-id` where the
    /// first segment names a provider that is usable; else the whole id, unchanged, at the default provider.
    ///
    /// - Parameter credentials: Those of the caller's group; they decide which providers are usable.
    package func resolve(_ model: String, credentials: CredentialBook.Row) throws(ResolutionError) -> Resolution {
        if let route = self.routesByName[model] { return .route(route) }
        if let slash = model.utf8.firstIndex(of: UInt8(ascii: "/")) {
            let name = model[..<slash]
            let rest = model[model.utf8.index(after: slash)...]
            if name == "agent" { throw .unknownAgent }
            if !rest.isEmpty, let provider = self.providersByName[String(name)], credentials.canUse(provider) {
                return .direct(provider, model: String(rest), isRenamed: true)
            }
        }
        guard let provider = self.defaultProvider else { throw .noDefaultProvider }
        return .direct(provider, model: model, isRenamed: false)
    }

    /// The name a user probably meant, among aliases and the models of their targets.
    package func nearestModel(to model: String) -> String? {
        NearestName.find(model, in: self.knownModels)
    }

    /// Every model name this catalog knows: aliases first, then their targets as `provider/model`, then the default.
    package var knownModels: [String] {
        var names = self.routes.map(\.name)
        var seen = Set(names)
        for target in self.routes.flatMap(\.targets) {
            let name = "\(target.provider.name)/\(target.model)"
            if seen.insert(name).inserted { names.append(name) }
        }
        if let name = self.defaultModel, seen.insert(name).inserted { names.append(name) }
        return names
    }

    /// The upstream model ids that may stand in a metric label.
    package var upstreamModels: [String] {
        self.routes.flatMap(\.targets).map(\.model) + (self.defaultModel.map { [$0] } ?? [])
    }

    private static func route(
        _ entry: RouteEntry,
        index: Int,
        providers: [String: Provider]
    ) throws(CatalogError) -> Route {
        guard !entry.targets.isEmpty else { throw .emptyRoute(entry.name) }
        var targets: [Target] = []
        for target in entry.targets {
            guard let provider = providers[target.provider] else {
                let nearest = NearestName.find(target.provider, in: providers.keys)
                throw .unknownProvider(target.provider, route: entry.name, nearest: nearest)
            }
            guard !target.model.isEmpty else { throw .emptyModel(route: entry.name) }
            guard (0...1_000_000).contains(target.weight) else { throw .badWeight(route: entry.name) }
            guard target.concurrentMax.map({ $0 > 0 }) ?? true else { throw .badConcurrency(route: entry.name) }
            targets.append(
                Target(
                    provider: provider,
                    model: target.model,
                    weight: target.weight,
                    concurrentMax: target.concurrentMax,
                    timeouts: target.timeouts ?? entry.timeouts
                )
            )
        }
        guard targets.count <= Route.targetsMax else { throw .tooManyTargets(route: entry.name) }
        guard targets.contains(where: { $0.weight > 0 }) else { throw .badWeight(route: entry.name) }
        let shadow = try entry.shadow.map { shadow throws(CatalogError) in
            guard let provider = providers[shadow.provider] else {
                let nearest = NearestName.find(shadow.provider, in: providers.keys)
                throw .unknownProvider(shadow.provider, route: entry.name, nearest: nearest)
            }
            guard !shadow.model.isEmpty else { throw .emptyModel(route: entry.name) }
            return Shadow(shadow, at: provider)
        }
        return Route(entry, index: index, targets: targets, shadow: shadow)
    }

    /// An experiment leads to aliases that lead to targets, and nowhere else.
    private static func checkSplit(of route: Route, among routes: [String: Route]) throws(CatalogError) {
        guard let split = route.split else { return }
        let names = Set(split.variants.map(\.name))
        guard names.count == split.variants.count, !names.contains("") else { throw .badVariantName(route: route.name) }
        guard split.variants.allSatisfy({ (0...1_000_000).contains($0.weight) }),
            split.variants.contains(where: { $0.weight > 0 })
        else { throw .badWeight(route: route.name) }
        for name in split.variants.compactMap(\.route) {
            guard let other = routes[name] else {
                throw .unknownVariantRoute(name, route: route.name, nearest: NearestName.find(name, in: routes.keys))
            }
            guard other !== route, other.split == nil else { throw .nestedSplit(name, route: route.name) }
        }
    }

    private static func isProviderName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), name != "agent" else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default:
                false
            }
        }
    }
}

/// What a model name leads to.
package enum Resolution: Sendable {
    case route(Route)
    /// One provider. `isRenamed` says that `model` differs from what the client wrote.
    case direct(Provider, model: String, isRenamed: Bool)
}

/// Why a model name leads nowhere.
package enum ResolutionError: Error, Sendable, Equatable {
    case unknownAgent
    case noDefaultProvider
}
