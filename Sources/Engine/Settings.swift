package import Agents
package import Auth
package import Conversations
package import Core
package import Metering
package import NIOCore
package import Net
package import Pipeline
package import Providers
package import Tools

/// Everything the operator decided, checked and with types.
///
/// An immutable value: a reload makes a new one.
package struct Settings: Sendable, Equatable {
    /// What kind of place this is; production refuses what is only fit for trying out.
    package enum Environment: String, Sendable { case development, production }

    package var environment: Environment
    /// Folder for what must survive a restart.
    package var dataDirectory: String
    /// Whether the built-in simulator is started and added as the provider `simulator`.
    package var simulator: Bool
    package var server: Server
    /// How connections to providers are kept.
    package var upstream: UpstreamOptions
    package var log: Log
    package var defaults: Defaults
    /// Every provider that a call can reach, those of the file first; names are unique.
    package var providers: [Provider]
    /// The aliases of `models:`, in the order of the file; names are unique.
    package var models: [Alias]
    /// The agents of the file, in its order.
    package var agents: [AgentProfile]
    /// Groups with their gateway keys and provider keys.
    ///
    /// The group `default` also has what the environment brings.
    package var groups: [Group]
    package var storage: Storage
    package var encryption: Encryption
    package var ledger: Ledger
    /// The limits of the file, in its order; names are unique.
    package var limits: [Limit]
    /// The budgets of the file, in its order; names are unique.
    package var budgets: [BudgetRule]
    /// The prices of the file, in its order; names are unique.
    package var prices: [PriceRule]
    /// What becomes of calls whose price nobody knows.
    package var unpriced: UnpricedRule
    /// What is kept for requests that are sent again.
    package var idempotency: IdempotencyLimits
    /// What is kept of responses.
    package var responses: ResponseLimits
    /// How `/api/chat` answers.
    package var chat: ChatRule
    package var translation: Translation
    /// Whether answers are held against the schemas of their requests.
    package var structure: StructureRule
    /// What is remembered of calls, how providers are probed, and who is told when something is wrong.
    package var health: Health
    /// The tool servers of the file, in its order; names are unique.
    package var tools: [ToolServerSettings]
    /// Failed attempts to sign in that one client has in a minute; 0 for no limit.
    package var failureLimit: Int
    /// Whose tokens are believed; no two have the same issuer.
    package var issuers: [JWTIssuer]

    /// The provider of that name.
    package func provider(_ name: String) -> Provider? { self.providers.first { $0.name == name } }

    /// The alias of that name.
    package func alias(_ name: String) -> Alias? { self.models.first { $0.name == name } }

    /// The aliases for the catalog.
    ///
    /// Clocks that an alias does not set are those of the provider that is called.
    package var routeEntries: [RouteEntry] {
        self.models.map { alias in
            let provider = alias.targets.first.flatMap { self.provider($0.provider) }
            var entry = RouteEntry(
                name: alias.name,
                strategy: alias.strategy,
                targets: alias.targets.map { target in
                    var entry = target.entry
                    let usual = self.provider(target.provider)?.timeouts ?? Timeouts()
                    if !alias.timeouts.isEmpty { entry.timeouts = alias.timeouts.applied(to: usual) }
                    return entry
                },
                retriesMax: alias.retriesMax ?? provider?.retriesMax ?? 2
            )
            entry.stickiness = alias.sticky
            entry.slowStart = alias.slowStart
            entry.split = alias.split
            entry.onTooLong = alias.onTooLong
            entry.onContentRefused = alias.onContentRefused
            entry.hedge = alias.hedge
            entry.shadow = alias.shadow
            return entry
        }
    }

    /// What is tried again and when targets are left alone, by the providers' names.
    package var guardRules: [String: GuardRules] {
        Dictionary(self.providers.map { ($0.name, $0.guardRules) }) { first, _ in first }
    }

    /// The group of that id.
    package func group(_ id: GroupID) -> Group? { self.groups.first { $0.id == id } }

    /// `server:`.
    package struct Server: Sendable, Equatable {
        package var listen: ListenAddress
        /// Where administration is served, and nowhere else; nil if it has no address of its own.
        package var adminListen: ListenAddress?
        /// Largest request body, in bytes.
        package var bodyBytesMax: Int
        package var uploadBytesMax: Int
        /// Most request body bytes held at once.
        package var inflightBodyBytesMax: Int
        /// Largest request head, in bytes.
        package var headBytesMax: Int
        /// Most client connections at once; 0 takes it from the descriptor limit.
        package var connectionsMax: Int
        package var headTimeout: TimeAmount
        package var idleTimeout: TimeAmount
        package var heartbeat: TimeAmount
        package var drain: TimeAmount
        /// Whether a client that closed its sending side still gets its answer.
        package var allowsHalfClose: Bool
        /// Certificate for clients, or nil for plain HTTP.
        package var tls: TLS?
        package var isBehindProxy: Bool
        /// Whose word about a client's address is believed.
        package var trustedProxies: [AddressBlock]
        package var settingsURL: String?
        /// Event loops; 0 is one for each core.
        package var loops: Int
    }

    /// `server.tls:`.
    package struct TLS: Sendable, Equatable {
        /// PEM, the chain from the server's own certificate on.
        package var certificateFile: String
        /// PEM.
        package var keyFile: String
    }

    /// `log:`.
    package struct Log: Sendable, Equatable {
        /// A level of swift-log.
        package var level: String
        /// Whether each call writes a line.
        package var logsCalls: Bool
        /// Where to; nil is standard error.
        package var file: String?
    }

    /// `defaults:`.
    package struct Defaults: Sendable, Equatable {
        /// An alias or model, for `chat`, `doctor` and examples.
        package var model: String
        /// Where a model goes that names no alias and no provider.
        package var provider: String
    }

    /// `ledger:`.
    package struct Ledger: Sendable, Equatable {
        /// Whether a call waits until its intent is on the disk.
        package var awaitsDisk: Bool
        /// After what time at most an entry of the journal is on the disk.
        package var sync: TimeAmount
        /// Most bytes of journal on the disk.
        package var journalBytesMax: Int
    }

    /// One entry of `providers:`, or one that needs no entry.
    package struct Provider: Sendable, Equatable {
        package var name: String
        package var kind: ProviderEntry.Kind
        /// Without a trailing slash where the operator wrote none.
        package var baseURL: String
        /// Whether loopback, private and link-local addresses may be dialled.
        package var allowPrivate: Bool
        package var auth: AuthStyle
        /// PEM file of the authorities trusted for it, in place of the system's.
        package var caFile: String?
        /// Azure's `api-version`.
        package var apiVersion: String?
        /// Bedrock's region; nil: as its address says.
        package var region: String?
        /// Azure's choice of URLs.
        package var urls: Family.PathStyle?
        package var timeouts: Timeouts
        /// Further attempts after the first, for aliases that lead here first and do not say it themselves, and for
        /// calls that name no alias.
        package var retriesMax: Int
        /// What becomes of an answer whose client leaves.
        package var onDisconnect = DisconnectPolicy.cancel
        /// What is tried again there, and when its targets are left alone.
        package var guardRules = GuardRules()

        /// The same for the catalog.
        package var entry: ProviderEntry {
            var entry = ProviderEntry(
                name: self.name,
                kind: self.kind,
                baseURL: self.baseURL,
                allowPrivate: self.allowPrivate,
                auth: self.auth,
                caFile: self.caFile,
                apiVersion: self.apiVersion,
                urls: self.urls,
                timeouts: self.timeouts
            )
            entry.region = self.region
            entry.onDisconnect = self.onDisconnect
            entry.retriesMax = self.retriesMax
            return entry
        }
    }

    /// One alias of `models:`.
    package struct Alias: Sendable, Equatable {
        package var name: String
        package var strategy: Strategy
        /// At least one.
        package var targets: [Target]
        /// Further attempts after the first; nil is what the first target's provider says.
        package var retriesMax: Int?
        package var timeouts: TimeoutOverrides
        /// What goes to the same target each time; nil: nothing does.
        package var sticky: Stickiness?
        /// How long a target that has recovered takes to get all its calls back.
        package var slowStart = TimeAmount.seconds(10)
        /// The experiment on it; nil if there is none.
        package var split: Split?
        /// The alias whose targets get what is too long for those of this one.
        package var onTooLong: String?
        /// The alias whose targets get what a content filter did not let pass.
        package var onContentRefused: String?
        /// When its calls get a second attempt; nil: never.
        package var hedge: HedgeTerms?
        /// What gets copies of its calls; nil: nothing does.
        package var shadow: ShadowEntry?
    }

    /// One target of an alias.
    package struct Target: Sendable, Equatable {
        /// Name of an entry of `providers`.
        package var provider: String
        /// The model's name there.
        package var model: String
        /// Share of the calls, for the strategies `weighted` and `least_busy`.
        package var weight: Int
        /// The most calls under way there at a time; nil for no limit.
        package var concurrentMax: Int?

        /// The same for the catalog.
        package var entry: RouteEntry.TargetEntry {
            RouteEntry.TargetEntry(
                provider: self.provider,
                model: self.model,
                weight: self.weight,
                concurrentMax: self.concurrentMax
            )
        }
    }

    /// The clocks that an alias sets; nil leaves the provider's.
    package struct TimeoutOverrides: Sendable, Equatable {
        package var connect: TimeAmount?
        package var firstByte: TimeAmount?
        package var idle: TimeAmount?
        package var total: TimeAmount?
        package var streamMax: TimeAmount?

        /// Whether the alias sets none.
        package var isEmpty: Bool { self == TimeoutOverrides() }

        /// The clocks in force at a provider.
        package func applied(to timeouts: Timeouts) -> Timeouts {
            Timeouts(
                connect: self.connect ?? timeouts.connect,
                firstByte: self.firstByte ?? timeouts.firstByte,
                idle: self.idle ?? timeouts.idle,
                total: self.total ?? timeouts.total,
                streamMax: self.streamMax ?? timeouts.streamMax
            )
        }
    }

    /// One group of `bootstrap:`.
    package struct Group: Sendable, Equatable {
        package var id: GroupID
        /// For people.
        package var name: String?
        /// At most one for each provider.
        package var credentials: [Credential]
        package var keys: [Key]
        package var users: [User] = []
    }

    /// A provider's key.
    package struct Credential: Sendable, Equatable {
        package var provider: String
        package var key: Secret<String>
        /// The environment variable that brought it; nil for one of the file.
        package var variable: String?

        package static func == (left: Credential, right: Credential) -> Bool {
            left.provider == right.provider && left.variable == right.variable && left.key.holdsSame(as: right.key)
        }
    }

    /// A gateway key.
    package struct Key: Sendable, Equatable {
        /// For people.
        package var name: String
        /// The whole text that the client sends.
        package var secret: Secret<String>
        /// The id of the person it belongs to; nil for a key of the group.
        package var user: String?
        package var scopes: KeyScopes = .inference

        package static func == (left: Key, right: Key) -> Bool {
            left.name == right.name && left.user == right.user && left.scopes == right.scopes
                && left.secret.holdsSame(as: right.secret)
        }
    }
}

extension Secret where Value: Equatable {
    /// Whether both hold the same value.
    ///
    /// Takes time that depends on it: for reloads and tests, not for callers' keys.
    func holdsSame(as other: Secret<Value>) -> Bool {
        self.reveal { mine in other.reveal { mine == $0 } }
    }
}
