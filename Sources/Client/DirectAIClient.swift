internal import Auth
internal import Core
internal import Engine
public import Logging
internal import Metering
internal import NIOCore
internal import Net
internal import Pipeline
internal import Providers
internal import Telemetry
internal import Vault

/// Calls one address with one key that the program brings itself.
///
/// Retries and breakers are the gateway's; accounting comes with `AIClients.client(_:forGroup:)`, and without it there
/// is none, and no store either.
public final class DirectAIClient: AIClient {
    /// Whom to call, and how.
    public struct Terms: Sendable {
        /// The dialect that is spoken at the address.
        public enum Dialect: String, Sendable {
            /// OpenAI's, which most providers and model servers speak.
            case openAI = "openai"
            /// Anthropic's.
            case anthropic
            /// Cohere's.
            case cohere
            /// Gemini's.
            case gemini
        }

        /// What the provider is called in errors: letters, digits, `-` and `_`.
        public var name: String
        /// The address, up to where the paths of its API begin: `https://api.openai.com/v1`.
        public var baseURL: String
        /// The dialect that is spoken there.
        public var dialect: Dialect
        /// The model of chats that name none.
        public var defaultModel: String
        /// The most time for an answer, and for a stream up to its first content.
        public var timeout: Duration
        /// Further attempts after the first.
        public var retries: Int
        /// Whether addresses of private networks and of this machine may be called.
        public var allowsPrivate: Bool
        private let key: Secret<String>

        /// Whom to call, and how.
        ///
        /// - Parameter key: The provider's key; it comes from the program and nowhere else.
        public init(
            key: String,
            baseURL: String,
            defaultModel: String,
            name: String = "direct",
            dialect: Dialect = .openAI,
            timeout: Duration = .seconds(60),
            retries: Int = 2,
            allowsPrivate: Bool = false
        ) {
            self.key = Secret(key)
            self.baseURL = baseURL
            self.defaultModel = defaultModel
            self.name = name
            self.dialect = dialect
            self.timeout = timeout
            self.retries = retries
            self.allowsPrivate = allowsPrivate
        }

        /// What calls read.
        func snapshot(for principal: Principal, prices: PriceBook) throws -> Snapshot {
            guard self.key.reveal({ !$0.isEmpty }) else { throw AIConfigurationError("the key is empty") }
            guard self.timeout > .zero else { throw AIConfigurationError("the timeout must be more than nothing") }
            let limit = TimeAmount(self.timeout)
            let timeouts = Timeouts(
                connect: min(limit, .seconds(10)),
                firstByte: limit,
                idle: limit,
                total: limit
            )
            var entry = ProviderEntry(
                name: self.name,
                kind: ProviderEntry.Kind(rawValue: self.dialect.rawValue) ?? .openAI,
                baseURL: self.baseURL,
                allowPrivate: self.allowsPrivate,
                timeouts: timeouts
            )
            entry.retriesMax = max(0, self.retries)
            do {
                let catalog = try Catalog(
                    providers: [entry],
                    defaultProvider: self.name,
                    defaultModel: self.defaultModel,
                    timeouts: timeouts,
                    userAgent: "turnpike/\(Version.text)"
                )
                let credential = try self.sealed(for: principal.group)
                return Snapshot(
                    catalog: catalog,
                    keys: try KeyTable([]),
                    credentials: try CredentialBook([credential], catalog: catalog),
                    prices: prices,
                    loaded: SystemClock.now
                )
            } catch {
                throw AIConfigurationError("\(error)")
            }
        }

        /// The key, sealed under a key of this process.
        private func sealed(for group: GroupID) throws -> CredentialBook.Entry {
            let material = try KeyMaterial(newFrom: .system, source: "direct client")
            let vault = Vault(Keyring(primary: SealingKey(material)))
            let id = "direct:\(self.name)"
            let context = SealContext(group: group, provider: self.name, credential: id, field: "key")
            let sealed = try vault.seal(self.key, for: context)
            return CredentialBook.Entry(id: id, group: group, provider: self.name) { buffer in
                try vault.open(sealed, into: &buffer)
            }
        }
    }

    /// What the provider is called in errors.
    public let provider: AIProvider?
    /// Names the key.
    public let credentialId: String?
    /// The most time for an answer, and for a stream up to its first content.
    public let timeout: Duration

    private let snapshot: Snapshot
    private let principal: Principal
    private let road: CallRoad
    /// Nil where others look after it.
    private let runtime: NetRuntime?

    init(_ terms: Terms, _ snapshot: Snapshot, _ principal: Principal, _ road: CallRoad, runtime: NetRuntime?) {
        self.provider = AIProvider(terms.name)
        self.credentialId = "direct:\(terms.name)"
        self.timeout = terms.timeout
        self.snapshot = snapshot
        self.principal = principal
        self.road = road
        self.runtime = runtime
    }

    /// A client that stands alone, with a loop of its own.
    ///
    /// - Throws: `AIConfigurationError` for a key that is empty or an address that is none.
    public convenience init(_ terms: Terms, logger: Logger = Logger(label: "turnpike")) async throws {
        let principal = Principal(group: .defaultGroup, keyID: AIClients.keyID)
        let snapshot = try terms.snapshot(for: principal, prices: PriceBook())
        let runtime = try await NetRuntime(loopCount: 1)
        let instruments = Instruments(
            metrics: CallMetrics(loops: 1),
            log: nil,
            live: LiveCalls(),
            logger: logger,
            wallClock: { SystemClock.now }
        )
        let road = CallRoad(runtime: runtime, instruments: instruments)
        self.init(terms, snapshot, principal, road, runtime: runtime)
    }

    /// Begins a chat; see `AIClient`.
    public func streamChat(_ messages: [ChatMessage], _ options: ChatOptions) -> ChatStream {
        self.road.stream(self.wish(messages, options, isStream: true))
    }

    /// Has a whole answer made; see `AIClient`.
    public func chat(_ messages: [ChatMessage], _ options: ChatOptions) async throws -> ChatReply {
        try await self.road.stream(self.wish(messages, options, isStream: false)).collect()
    }

    private func wish(_ messages: [ChatMessage], _ options: ChatOptions, isStream: Bool) -> CallRoad.Wish {
        let snapshot = self.snapshot
        return CallRoad.Wish(
            messages: messages,
            options: options,
            model: options.model,
            principal: self.principal,
            provider: self.provider,
            isStream: isStream,
            snapshot: { _ in snapshot }
        )
    }

    /// Waits for calls under way and closes what a client that stands alone has open; nothing for one of `AIClients`.
    public func close(within grace: Duration = .seconds(30)) async {
        guard let runtime = self.runtime else { return }
        await self.road.close(within: grace)
        await self.road.instruments.drains.finish()
        await runtime.shutdown()
    }
}
