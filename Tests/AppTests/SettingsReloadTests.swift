import Core
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Engine
@testable import turnpike

@Suite struct SettingsReloadTests {
    @Test func `a reload takes all but what only a start can change, and says what waits`() throws {
        let first = "server: { listen: 127.0.0.1:1, drain: 1s, loops: 1 }\nsimulator: false"
        let second = "server: { listen: 127.0.0.1:2, drain: 2s, loops: 2 }\nsimulator: true"
        let running = try Settings.load(Given.input(first))
        let fresh = try Settings.load(Given.input(second), over: running)
        #expect(fresh.settings.server.listen.port == 1)
        #expect(fresh.settings.server.loops == 1)
        #expect(!fresh.settings.simulator)
        #expect(fresh.settings.server.drain == .seconds(2))
        #expect(Set(fresh.waiting.map(\.description)) == ["server.listen", "server.loops", "simulator"])
        #expect(fresh.changes(from: running) == ["server.drain"])
    }

    @Test func `what was taken out of the file goes back to the default, unless only a start can change it`() throws {
        let running = try Settings.load(Given.input("server: { listen: 127.0.0.1:1, drain: 1s }"))
        let fresh = try Settings.load(Given.input("{}"), over: running)
        #expect(fresh.settings.server.listen.port == 1)
        #expect(fresh.settings.server.drain == .seconds(30))
    }

    // MARK: - The watcher

    /// A file that the test writes, a clock that it moves, and what the watcher did with them.
    private final class Bench: Sendable {
        let yaml = NIOLockedValueBox("server: { drain: 1s }")
        let stamp = NIOLockedValueBox<UInt64?>(1)
        /// Each element lets one wait pass.
        let ticks = AsyncStream.makeStream(of: Void.self)
        let applied = AsyncStream.makeStream(of: Settings.self)
        let hangups = AsyncStream.makeStream(of: Void.self)
        /// One element for each time the file was read.
        let reads = AsyncStream.makeStream(of: Void.self)
        let refuses = NIOLockedValueBox(false)

        struct Refused: Error {}

        func watcher() throws -> SettingsWatcher {
            let yaml = self.yaml
            let reads = self.reads.continuation
            let input = SettingsInput(readFile: { _ in
                defer { reads.yield() }
                return yaml.withLockedValue { $0 }
            })
            let source = SettingsSource(input: input, finish: { $0.addSimulator(baseURL: "http://127.0.0.1:1/v1") })
            let stamp = self.stamp
            let ticks = self.ticks.stream
            return SettingsWatcher(
                source: source,
                running: try source.load(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                stamp: {
                    stamp.withLockedValue { number in
                        number.map {
                            SmallFile.Stamp(
                                inode: $0,
                                size: 0,
                                modifiedSeconds: 0,
                                modifiedNanoseconds: 0,
                                mode: 0,
                                owner: 0
                            )
                        }
                    }
                },
                wait: { _ in
                    for await _ in ticks { return }
                    throw CancellationError()
                }
            )
        }

        func run(_ watcher: SettingsWatcher) async throws {
            try await watcher.run(hangups: self.hangups.stream) { settings in
                if self.refuses.withLockedValue({ $0 }) {
                    self.refuses.withLockedValue { $0 = false }
                    self.hangups.continuation.yield()
                    throw Refused()
                }
                self.applied.continuation.yield(settings)
            }
        }

        func tick(_ count: Int) { for _ in 0..<count { self.ticks.continuation.yield() } }
    }

    /// Runs the watcher beside `body` and stops it when `body` is done.
    private func withWatcher(_ body: @escaping @Sendable (Bench, SettingsWatcher) async throws -> Void) async throws {
        let bench = Bench()
        let watcher = try bench.watcher()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await bench.run(watcher) } catch is CancellationError {}
                return false
            }
            group.addTask {
                try await body(bench, watcher)
                return true
            }
            while let isDone = try await group.next(), !isDone {}
            group.cancelAll()
        }
    }

    @Test func `a saved file is read again once it is still`() async throws {
        try await self.withWatcher { bench, watcher in
            bench.yaml.withLockedValue { $0 = "server: { drain: 2s }" }
            bench.stamp.withLockedValue { $0 = 2 }
            // One look, one moment to see that it is still.
            bench.tick(2)
            var applied = bench.applied.stream.makeAsyncIterator()
            let settings = try #require(await applied.next())
            #expect(settings.server.drain == .seconds(2))
            #expect(settings.provider(Settings.simulatorName) != nil, "what the start added is added again")
        }
    }

    @Test func `a hangup reads the file again although it looks the same`() async throws {
        try await self.withWatcher { bench, _ in
            bench.yaml.withLockedValue { $0 = "server: { drain: 3s }" }
            bench.hangups.continuation.yield()
            var applied = bench.applied.stream.makeAsyncIterator()
            #expect(await applied.next()?.server.drain == .seconds(3))
        }
    }

    @Test func `a file with a mistake changes nothing, and the next good one does`() async throws {
        try await self.withWatcher { bench, watcher in
            var reads = bench.reads.stream.makeAsyncIterator()
            _ = await reads.next()  // The start read the file.
            bench.yaml.withLockedValue { $0 = "server: { drain: 4s, lisen: x }" }
            bench.hangups.continuation.yield()
            _ = await reads.next()
            bench.yaml.withLockedValue { $0 = "server: { drain: 5s }" }
            bench.hangups.continuation.yield()
            var applied = bench.applied.stream.makeAsyncIterator()
            #expect(await applied.next()?.server.drain == .seconds(5))
        }
    }

    @Test func `settings that cannot be put in force are tried again at the next hangup`() async throws {
        try await self.withWatcher { bench, watcher in
            bench.refuses.withLockedValue { $0 = true }
            bench.yaml.withLockedValue { $0 = "server: { drain: 6s }" }
            // The refusal itself sends the second hangup.
            bench.hangups.continuation.yield()
            var applied = bench.applied.stream.makeAsyncIterator()
            #expect(await applied.next()?.server.drain == .seconds(6))
        }
    }
}
