import Chat
import Core
import Database
import Engine
import HTTP
import Logging
import Metering
import NIOCore
import Net
import SQLite
import Simulator
import Telemetry
import TestKit
import TurnpikeClient
import TurnpikeRemote

/// A simulator as provider, a data folder, and the settings for both.
struct House: Sendable {
    static let gatewayKey = "tp_library_0123456789abcdefghij"
    static let providerKey = "sk-provider-canary-0123456789"

    let simulator: SimulatorServer
    let folder: ScratchFolder
    let yaml: String

    /// Lends a house to `body`.
    ///
    /// - Parameter more: Further lines of the settings.
    static func with<Result>(_ more: String = "", _ body: (House) async throws -> Result) async throws -> Result {
        var options = SimulatorOptions()
        options.pace = .none
        let simulator = try await SimulatorServer.start(options)
        let folder = try ScratchFolder()
        let yaml = """
            data_dir: \(folder.path)
            server: { loops: 2 }
            defaults: { provider: sim, model: fast }
            providers:
              sim: { kind: openai, base_url: "\(simulator.baseURL)/v1", allow_private: true }
              second: { kind: openai, base_url: "\(simulator.baseURL)/v1", allow_private: true, max_retries: 0 }
            models: { fast: { targets: [ { provider: sim, model: sim } ] } }
            bootstrap:
              groups:
                - id: acme
                  credentials: [ { provider: sim, api_key: \(Self.providerKey) } ]
                  keys: [ { name: k, secret: \(Self.gatewayKey) } ]
                  users: [ { id: ann } ]
                - id: poor
                  users: [ { id: bob } ]
                - id: other
                  credentials: [ { provider: second, api_key: \(Self.providerKey)2 } ]
                  users: [ { id: cy } ]
            \(more)
            """
        do {
            let result = try await body(House(simulator: simulator, folder: folder, yaml: yaml))
            try await simulator.stop()
            return result
        } catch {
            try? await simulator.stop()
            throw error
        }
    }

    /// The clients of this house, in process.
    func open() async throws -> AIClients {
        try await AIClients(AIClients.Configuration(yaml: self.yaml, logger: Self.silent, hardensProcess: false))
    }

    /// Lends the clients to `body` and closes them.
    func withClients<Result>(_ body: (AIClients) async throws -> Result) async throws -> Result {
        let clients = try await self.open()
        do {
            let result = try await body(clients)
            await clients.close()
            return result
        } catch {
            await clients.close(within: .zero)
            throw error
        }
    }

    /// An attempt as it was billed.
    struct Bill: Sendable {
        var group: String
        var user: String
        var provider: String
        var output: Int
    }

    /// What the ledger says, once the clients are closed.
    func ledger() async throws -> [Bill] {
        let database = try SQLiteDatabase.open(path: self.folder.path + "/turnpike.db")
        let rows = try await database.read { try LedgerStore().rows(after: 0, limit: 1_000, in: $0) }
        await database.close()
        return rows.map { row in
            Bill(
                group: row.consumer.group,
                user: row.consumer.user,
                provider: row.provider,
                output: row.usage.output ?? 0
            )
        }
    }

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Where a client runs its calls.
enum Kind: String, Sendable, CaseIterable {
    case inProcess, remote

    /// Lends a client of the group `acme` to `body`.
    func with<Result>(_ house: House, _ body: (any AIClient) async throws -> Result) async throws -> Result {
        switch self {
        case .inProcess:
            try await house.withClients { try await body($0.client(forGroup: "acme")) }
        case .remote:
            try await Door.with(house) { port in
                let clients = try await RemoteAIClients(baseURL: "http://127.0.0.1:\(port)/v1", key: House.gatewayKey)
                do {
                    let result = try await body(clients.client())
                    await clients.close()
                    return result
                } catch {
                    await clients.close(within: .zero)
                    throw error
                }
            }
        }
    }
}

/// The front door before the same engine, on a port of its own.
enum Door {
    static func with<Result>(_ house: House, _ body: (Int) async throws -> Result) async throws -> Result {
        let yaml = house.yaml
        let input = SettingsInput(configPath: "house.yaml") { _ in yaml }
        let settings = try Settings.load(input).settings
        let store = try await Store.open(settings, environment: [:])
        try await Bootstrap.run(settings, store: store)
        let load = ServerLoad(limits: .init(connectionsMax: 100))
        let surroundings = GatewayEngine.Surroundings(
            load: load,
            metrics: CallMetrics(loops: settings.server.loopCount),
            logger: House.silent
        )
        let engine = try await GatewayEngine.make(settings, store: store, surroundings)
        let gateway = Gateway(
            snapshots: engine.snapshots,
            instruments: engine.instruments,
            options: GatewayOptions(version: "test", publicURL: "http://127.0.0.1"),
            loops: engine.loops
        )
        let server = HTTPServer(runtime: engine.runtime, handler: gateway, load: load)
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        let life = Uncancelled.begin(isolation: nil) { await engine.run() }
        func stop() async {
            server.hurry()
            await server.drain(within: .zero)
            life.cancel()
            _ = await life.result
            await engine.finish()
            await store.close()
            await engine.runtime.shutdown()
        }
        do {
            let result = try await body(address?.port ?? 0)
            await stop()
            return result
        } catch {
            await stop()
            throw error
        }
    }
}
