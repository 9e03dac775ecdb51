package import Agents
package import Auth
package import Conversations
package import Core
package import Metering
internal import NIOConcurrencyHelpers
package import NIOCore
package import Providers
package import Telemetry

/// Everything a call reads of the configuration, at one moment.
///
/// Immutable: a reload makes a new one, and a call keeps
/// the one it began with.
package final class Snapshot: Sendable {
    package let catalog: Catalog
    package let keys: KeyTable
    package let credentials: CredentialBook
    /// Whose tokens are believed; nil if no issuer is configured.
    package let identities: IdentityBook?
    package let limits: RoadLimits
    /// What models cost.
    package let prices: PriceBook
    /// Prices that were looked up, so that each is looked up once.
    private let known = NIOLockedValueBox<[PriceKey: ModelFacts]>([:])
    /// What is known of the targets of aliases; the next snapshot takes it over.
    package let targets: TargetBook
    /// The agents of all groups.
    package let agents: AgentBook
    /// The guards of targets that calls have found.
    let guards = GuardCache()
    /// The routes of the catalog in its order, ready for choosing among their targets.
    private let plans: [RoutePlan]
    /// When it was made; the `created` of the models it lists.
    package let loaded: UnixTime

    package init(
        catalog: Catalog,
        keys: KeyTable,
        credentials: CredentialBook,
        identities: IdentityBook? = nil,
        limits: RoadLimits = RoadLimits(),
        prices: PriceBook = PriceBook(),
        targets: TargetBook = TargetBook(),
        agents: AgentBook = .empty,
        loaded: UnixTime
    ) {
        self.catalog = catalog
        self.keys = keys
        self.credentials = credentials
        self.identities = identities
        self.limits = limits
        self.prices = prices
        self.targets = targets
        self.agents = agents
        self.plans = catalog.routes.map { route in
            RoutePlan(route, of: catalog, book: targets) {
                prices.facts(for: $0.model, at: PriceBook.Seller($0.provider))
            }
        }
        self.loaded = loaded
    }

    /// The plan of a route of this snapshot's catalog.
    package func plan(of route: Route) -> RoutePlan { self.plans[route.index] }

    /// What a model costs at a provider, and how much it takes and gives.
    package func facts(of model: String, at provider: Provider) -> ModelFacts {
        let key = PriceKey(provider: provider.index, model: model)
        if let facts = self.known.withLockedValue({ $0[key] }) { return facts }
        let facts = self.prices.facts(for: model, at: PriceBook.Seller(provider))
        // Names come from clients too, so there is an end to what is kept.
        self.known.withLockedValue { if $0.count < Self.knownMax { $0[key] = facts } }
        return facts
    }

    private struct PriceKey: Hashable {
        var provider: Int
        var model: String
    }

    private static let knownMax = 4096
}

extension PriceBook.Seller {
    fileprivate init(_ provider: Provider) {
        self.init(
            provider: provider.name,
            family: provider.family.name,
            needsNoCredential: provider.needsNoCredential
        )
    }
}

/// The limits that hold for every call, whatever it asks for.
package struct RoadLimits: Sendable {
    /// The largest body of a request.
    package var bodyBytesMax: Int
    /// The largest body that is sent on while it comes in, and so is not held.
    package var uploadBytesMax = 200_000_000
    /// How long a stream may be silent before a heartbeat goes out.
    package var heartbeat: TimeAmount
    /// Where a group's people can add a provider key; goes into the details of `AI_NOT_CONFIGURED`.
    package var settingsURL: String?
    /// Whether a loopback peer is this machine, and not a proxy on it.
    package var trustsLoopback = true
    /// The proxies whose word about a client's address is believed.
    package var trustedProxies: [AddressBlock] = []
    /// The largest answer of a provider that is not a stream.
    package var answerBytesMax = 64 << 20
    /// What is held of a stream before its first content.
    package var heldBytesMax = 64 << 10
    /// Whether a request that a target cannot be told whole is refused, in every group.
    package var refusesLosses = false
    /// The groups in which such a request is refused.
    package var strictGroups: Set<GroupID> = []
    /// Whether answers are held against the schemas of their requests.
    package var structure = StructureRule()
    /// What is kept for requests that are sent again.
    package var idempotency = IdempotencyLimits()
    /// What is kept of responses.
    package var responses = ResponseLimits()
    /// How `/api/chat` answers.
    package var chat = ChatRule()

    package init(bodyBytesMax: Int = 20_000_000, heartbeat: TimeAmount = .seconds(15), settingsURL: String? = nil) {
        self.bodyBytesMax = bodyBytesMax
        self.heartbeat = heartbeat
        self.settingsURL = settingsURL
    }

    /// Whether requests of a group are refused where a target cannot be told all of one.
    func isStrict(_ group: GroupID?) -> Bool {
        self.refusesLosses || group.map(self.strictGroups.contains) ?? false
    }
}

/// Holds the snapshot in force, once per loop, so that no two loops share a lock.
package final class SnapshotBox: Sendable {
    private let slots: [NIOLockedValueBox<Snapshot>]
    private let metrics: CallMetrics

    package init(_ snapshot: Snapshot, loops: Int, metrics: CallMetrics) {
        precondition(loops > 0, "there is at least one loop, not \(loops)")
        self.slots = (0..<loops).map { _ in NIOLockedValueBox(snapshot) }
        self.metrics = metrics
        self.announce(snapshot)
    }

    /// The snapshot in force on a loop.
    package func current(loop: Int = 0) -> Snapshot { self.slots[loop].withLockedValue { $0 } }

    /// Puts another snapshot in force.
    ///
    /// Calls under way keep theirs.
    package func replace(_ snapshot: Snapshot) {
        self.announce(snapshot)
        for slot in self.slots { slot.withLockedValue { $0 = snapshot } }
    }

    /// Only names that the operator wrote may become labels.
    private func announce(_ snapshot: Snapshot) {
        let catalog = snapshot.catalog
        self.metrics.announce(providers: catalog.providers.map(\.name), models: catalog.upstreamModels)
    }
}
