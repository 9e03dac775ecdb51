internal import Auth
internal import Core
internal import Database
internal import Engine
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Net
internal import Pipeline
internal import Providers
internal import Telemetry
internal import Vault

/// The gateway in this process: finds the keys of groups and hands out clients that call with them.
///
/// Limits, budgets, retries, breakers, agents and metering are those of the gateway; what is left out is its front
/// door. Several processes may share one data folder, `turnpike serve` among them, as several gateways may.
///
///     let clients = try await AIClients(.init(file: "turnpike.yaml"))
///     let client = try await clients.client(forGroup: "acme", provider: .openRouter)
///     for try await event in client.streamChat([.user("Hello")]) { … }
///     await clients.close()
public final class AIClients: Sendable {
    private let engine: GatewayEngine
    private let road: CallRoad
    private let life: Task<Void, any Error>
    /// Brings everything to its end; nil before somebody wants that.
    private let closing = NIOLockedValueBox<Task<Void, any Error>?>(nil)

    /// Opens the data folder, reads what processes that ended badly have left behind, and starts the loops.
    ///
    /// - Throws: `AIConfigurationError`.
    public init(_ configuration: Configuration = Configuration()) async throws {
        let settings = try configuration.load()
        if configuration.hardensProcess { ProcessHardening.apply() }
        let store: Store
        do {
            try SmallFile.makeFolder(settings.dataDirectory)
            store = try await Store.open(settings, environment: configuration.environment)
        } catch {
            throw AIConfigurationError("\(error)")
        }
        do {
            try await Bootstrap.run(settings, store: store)
            self.engine = try await GatewayEngine.make(
                settings,
                store: store,
                GatewayEngine.Surroundings(
                    metrics: CallMetrics(loops: settings.server.loopCount),
                    logger: configuration.logger
                )
            )
        } catch {
            await store.close()
            throw AIConfigurationError("\(Store.failure(error, store.path))")
        }
        let engine = self.engine
        // Before anybody can call: a rotation of keys that begins now has to wait for us.
        await engine.announce()
        let drains = engine.instruments.drains
        engine.runtime.every(.milliseconds(200)) { if $0 == 0 { drains.cutOverdue() } }
        self.road = CallRoad(runtime: engine.runtime, instruments: engine.instruments)
        // Ends with `close`.
        self.life = Uncancelled.begin(isolation: nil) { await engine.run() }
    }

    // MARK: - Clients

    /// A client that calls with a group's key.
    ///
    /// - Parameter provider: Nil: the settings' default one; models then go wherever aliases lead.
    /// - Throws: `AINotConfiguredError` if the group has no key for it; `AIUnknownProviderError`; `AIError` with
    ///   `CREDENTIAL_UNREADABLE` if the key cannot be opened.
    public func client(forGroup group: String, provider: AIProvider? = nil) async throws -> GroupAIClient {
        try await self.client(for: Principal(group: GroupID(group), keyID: Self.keyID), provider)
    }

    /// A client that calls with the key of a person's group, in their name.
    ///
    /// - Throws: As `client(forGroup:)`; `AIUnknownUserError`, also for somebody who was disabled.
    public func client(forUser user: String, provider: AIProvider? = nil) async throws -> GroupAIClient {
        let id = UserID(user)
        let found: User
        do {
            found = try await self.engine.store.database.read { try UserStore().get(id, in: $0) }
        } catch TenantError.userNotFound {
            throw AIUnknownUserError(user: user)
        } catch {
            throw AIError(code: GatewayError.Code.storeUnavailable.rawValue, message: "The store cannot be read.")
        }
        guard found.isEnabled else { throw AIUnknownUserError(user: user) }
        let principal = Principal(group: found.group, keyID: Self.keyID, owner: .user(found.id), role: found.role)
        return try await self.client(for: principal, provider)
    }

    private func client(for principal: Principal, _ wanted: AIProvider?) async throws -> GroupAIClient {
        guard self.closing.withLockedValue({ $0 == nil }) else {
            throw CallTasks.closed
        }
        let snapshot = self.engine.snapshots.current()
        let catalog = snapshot.catalog
        let found = wanted.map { catalog.provider(named: $0.name) } ?? catalog.defaultProvider
        guard let provider = found else {
            throw AIUnknownProviderError(name: wanted?.name ?? "", known: catalog.providers.map(\.name))
        }
        let row = snapshot.credentials.row(of: principal.group)
        guard row.canUse(provider) else {
            throw AINotConfiguredError(
                group: principal.group.text,
                provider: AIProvider(provider.name),
                settingsURL: snapshot.limits.settingsURL
            )
        }
        let credential = row.credential(for: provider)
        do {
            // Opened into guarded memory and wiped again: a key that cannot be used is known before the first call.
            try credential?.withKey { _ in }
        } catch {
            let code = GatewayError.Code.credentialUnreadable.rawValue
            throw AIError(code: code, message: "The group's key for '\(provider.name)' cannot be opened.")
        }
        let snapshots = self.engine.snapshots
        return GroupAIClient(
            group: principal.group.text,
            provider: wanted ?? AIProvider(provider.name),
            credentialId: credential?.id,
            isDefault: wanted == nil,
            principal: principal,
            road: self.road,
            snapshot: { snapshots.current(loop: $0) }
        )
    }

    /// A client with a key of its own, whose calls are accounted for here, in the name of a group.
    ///
    /// - Throws: `AIConfigurationError` for a key that is empty or an address that is none.
    public func client(_ terms: DirectAIClient.Terms, forGroup group: String = "default") throws -> DirectAIClient {
        let current = self.engine.snapshots.current()
        let principal = Principal(group: GroupID(group), keyID: Self.keyID)
        let snapshot = try terms.snapshot(for: principal, prices: current.prices)
        return DirectAIClient(terms, snapshot, principal, self.road, runtime: nil)
    }

    /// What stands in the ledger in the place of a gateway key.
    static let keyID = "library"

    // MARK: - The end

    /// Takes no more calls, waits for those under way, and brings everything they used into the ledger.
    ///
    /// Safe to repeat. A process that ends without it loses nothing: the next one reads its journal.
    ///
    /// - Parameter grace: How long calls under way have; what is not over then is cut, and billed as far as it came.
    public func close(within grace: Duration = .seconds(30)) async {
        let closing = self.closing.withLockedValue { closing in
            if let closing { return closing }
            // To its end, also if whoever asked for it is cancelled.
            let work = Uncancelled.begin(isolation: nil) { await self.end(within: grace) }
            closing = work
            return work
        }
        _ = await closing.result
    }

    private func end(within grace: Duration) async {
        await self.road.close(within: grace)
        self.life.cancel()
        _ = await self.life.result
        await self.engine.finish()
        await self.engine.store.close()
        await self.engine.runtime.shutdown()
    }
}
