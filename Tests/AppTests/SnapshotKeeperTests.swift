import Auth
import Core
import Database
import Logging
import NIOCore
import Pipeline
import Providers
import Telemetry
import Testing
import Transport
import Vault

@testable import Engine
@testable import turnpike

@Suite struct SnapshotKeeperTests {
    private static let dev = "tp_test_keeper-dev-0123456789"
    private static let late = "tp_test_keeper-late-0123456789"

    private static func yaml(_ keys: String) -> String { "bootstrap: { groups: [ { id: demo, keys: [ \(keys) ] } ] }" }

    private static let first = Self.yaml("{ name: dev, secret: \(Self.dev) }")

    /// A keeper over a store in a folder of its own, and the box that it fills.
    private struct Bench {
        let folder: DataFolder
        let store: Store
        let snapshots: SnapshotBox
        let keeper: SnapshotKeeper

        init(_ yaml: String) async throws {
            self.folder = try DataFolder()
            let settings = try self.folder.settings(yaml)
            self.store = try await Startup.open(settings).store
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            // No issuer is configured, so that nothing is ever fetched.
            let fetcher = Fetcher { _ in throw CancellationError() }
            let first = FirstSnapshot(
                settings: settings,
                environment: try EnvironmentCredentials(settings),
                contents: try await StoreContents.load(self.store, withPeople: false, now: SystemClock.now),
                identities: Identities(fetcher: fetcher, store: self.store, logger: logger)
            )
            let snapshot = try SnapshotMaker.make(
                settings,
                first.contents,
                catalog: try SnapshotMaker.catalog(settings, reusing: nil),
                environment: first.environment,
                vault: self.store.vault,
                identities: first.identities
            )
            self.snapshots = SnapshotBox(snapshot, loops: 1, metrics: CallMetrics(loops: 1))
            self.keeper = SnapshotKeeper(first, store: self.store, snapshots: self.snapshots, logger: logger)
        }

        func knows(_ key: String) -> Bool {
            let keys = self.snapshots.current().keys
            return Array(key.utf8).withUnsafeBytes { keys.principal(for: $0, now: SystemClock.now) } != nil
        }

        func revoke(_ key: String) async throws {
            try await self.store.database.write { session in
                let id = try #require(try GatewayKeyStore().find(KeyDigest(of: key), in: session)).id
                try GatewayKeyStore().revoke(id, of: GroupID("demo"), now: SystemClock.now, in: session)
            }
        }
    }

    private func with(_ yaml: String, _ use: (Bench) async throws -> Void) async throws {
        let bench = try await Bench(yaml)
        do {
            try await use(bench)
            await bench.store.close()
        } catch {
            await bench.store.close()
            throw error
        }
    }

    /// Row 43.
    @Test func `a key that was revoked is refused as soon as the change was applied`() async throws {
        try await self.with(Self.first) { bench in
            #expect(bench.knows(Self.dev))
            try await bench.revoke(Self.dev)
            #expect(bench.knows(Self.dev), "nobody has looked yet")
            try await bench.keeper.applyNow()
            #expect(!bench.knows(Self.dev))
        }
    }

    @Test func `nothing is made anew where nothing has changed`() async throws {
        try await self.with(Self.first) { bench in
            let before = bench.snapshots.current()
            try await bench.keeper.applyNow()
            #expect(bench.snapshots.current() === before)
            try await bench.store.database.write { try $0.bumpRevision() }
            try await bench.keeper.applyNow()
            let after = bench.snapshots.current()
            #expect(after !== before)
        }
    }

    @Test func `what is known of targets outlives a change of settings and of the store`() async throws {
        func yaml(_ model: String) -> String {
            let targets = "[ { provider: groq, model: m }, { provider: groq, model: \(model) } ]"
            return Self.first + "\nmodels: { fast: { targets: \(targets) } }"
        }
        try await self.with(yaml("old")) { bench in
            func target(_ position: Int) throws -> TargetState {
                let snapshot = bench.snapshots.current()
                let route = try #require(snapshot.catalog.route(named: "fast"))
                return try #require(snapshot.plan(of: route).targets[position].state)
            }
            let (first, second) = (try target(0), try target(1))
            try await bench.keeper.use(try bench.folder.settings(yaml("new")))
            #expect(try target(0) === first && target(1) !== second)
            try await bench.store.database.write { try $0.bumpRevision() }
            try await bench.keeper.applyNow()
            #expect(try target(0) === first)
            try await bench.keeper.use(try bench.folder.settings(yaml("old")))
            #expect(try target(1) === second)
        }
    }

    @Test func `settings and store do not overwrite each other's changes`() async throws {
        try await self.with(Self.first) { bench in
            try await bench.revoke(Self.dev)
            let more = Self.yaml("{ name: dev, secret: \(Self.dev) }, { name: late, secret: \(Self.late) }")
            let settings = try bench.folder.settings(more + "\nserver: { max_body: 5MB }")
            // All at once, in whatever order they come.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { try await bench.keeper.applyNow() } }
                group.addTask { try await bench.keeper.use(settings) }
                for _ in 0..<8 { group.addTask { try await bench.keeper.applyNow() } }
                try await group.waitForAll()
            }
            #expect(!bench.knows(Self.dev))
            #expect(bench.knows(Self.late))
            #expect(bench.snapshots.current().limits.bodyBytesMax == 5_000_000)
        }
    }

    @Test func `settings whose keys cannot be had change nothing`() async throws {
        try await self.with(Self.first) { bench in
            let before = bench.snapshots.current()
            let bad = try bench.folder.settings(
                Self.first + "\ncredentials: { previous_keys: [ 'file:\(bench.folder.path)/nope' ] }\n"
                    + "server: { max_body: 5MB }"
            )
            await #expect(throws: CommandFailure.self) { try await bench.keeper.use(bad) }
            #expect(bench.snapshots.current() === before)
            #expect(await bench.keeper.current.server.bodyBytesMax == 20_000_000)
        }
    }

    @Test func `a key that another process made the active one is sealed with from the next look on`() async throws {
        try await self.with(Self.first) { bench in
            let new = try KeyFile(bench.folder.path + "/new").create()
            let settings = try bench.folder.settings(
                Self.first + "\ncredentials: { previous_keys: [ 'file:\(bench.folder.path)/new' ] }"
            )
            try await bench.keeper.use(settings)
            #expect(bench.store.keyring.activeID != new.id)
            try await bench.store.database.write {
                try KeyRingStore().activate(new.id, now: SystemClock.now, in: $0)
            }
            try await bench.keeper.applyNow()
            #expect(bench.store.keyring.activeID == new.id)
        }
    }
}
