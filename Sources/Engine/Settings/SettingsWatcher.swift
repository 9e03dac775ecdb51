import Core
package import Logging
import NIOConcurrencyHelpers

/// Loads the settings again on SIGHUP and when the file was saved: whole, or not at all.
package final class SettingsWatcher: Sendable {
    /// How often the file is looked at, and how long it must have been still before it is read.
    package struct Pace: Sendable {
        package var poll: Duration
        package var settle: Duration

        package init(poll: Duration = .seconds(1), settle: Duration = .milliseconds(100)) {
            self.poll = poll
            self.settle = settle
        }
    }

    private let source: SettingsSource
    private let running: NIOLockedValueBox<LoadedSettings>
    private let logger: Logger
    private let stamp: @Sendable () -> SmallFile.Stamp?
    /// The state of the file when the watcher was made: what is saved before `run` looks counts as a change.
    private let startStamp: SmallFile.Stamp?
    private let wait: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - running: What is in force.
    ///   - stamp: The state of the file; nil while there is none.
    ///   - wait: How time passes.
    package init(
        source: SettingsSource,
        running: LoadedSettings,
        logger: Logger,
        stamp: (@Sendable () -> SmallFile.Stamp?)? = nil,
        wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        let path = source.input.path
        self.source = source
        self.running = NIOLockedValueBox(running)
        self.logger = logger
        let stamp = stamp ?? { SmallFile.stamp(path) }
        self.stamp = stamp
        self.startStamp = stamp()
        self.wait = wait
    }

    /// What is in force.
    package var current: LoadedSettings { self.running.withLockedValue { $0 } }

    /// Watches until cancelled.
    ///
    /// - Parameters:
    ///   - hangups: One element for each SIGHUP.
    ///   - apply: Puts settings in force, or throws and changes nothing.
    package func run<Hangups: AsyncSequence & Sendable>(
        pace: Pace = Pace(),
        hangups: Hangups,
        apply: @escaping @Sendable (Settings) async throws -> Void
    ) async throws {
        let (reasons, signal) = AsyncStream.makeStream(of: Reason.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await _ in hangups { signal.yield(.hangup) }
            }
            group.addTask { try await self.poll(pace, signal) }
            group.addTask {
                for await reason in reasons { await self.reload(because: reason, apply) }
            }
            defer { group.cancelAll() }
            while try await group.next() != nil { try Task.checkCancellation() }
        }
    }

    private enum Reason: String, Sendable { case hangup = "signal", saved = "file saved" }

    /// Says so whenever the file has another state than before and has been still for a moment, so that a file that is
    /// being written is not read halfway.
    private func poll(_ pace: Pace, _ signal: AsyncStream<Reason>.Continuation) async throws {
        var known = self.startStamp
        while true {
            try await self.wait(pace.poll)
            var seen = self.stamp()
            // An editor may take the file away for a moment; a file that is gone for good is no reason to change.
            guard seen != nil, seen != known else { continue }
            for _ in 0..<50 {
                try await self.wait(pace.settle)
                let now = self.stamp()
                if now == seen { break }
                seen = now
            }
            guard seen != nil else { continue }
            known = seen
            signal.yield(.saved)
        }
    }

    private func reload(because reason: Reason, _ apply: @Sendable (Settings) async throws -> Void) async {
        let old = self.current
        let fresh: LoadedSettings
        do {
            fresh = try self.source.load(over: old)
        } catch {
            self.logger.error(
                "Settings were not reloaded; the old ones stay in force",
                metadata: [
                    "settings.mistakes": .array(error.all.map { "\($0)" }), "settings.reason": "\(reason.rawValue)",
                ]
            )
            return
        }
        if !fresh.waiting.isEmpty {
            self.logger.warning(
                "Some settings change only at the next start",
                metadata: ["settings.paths": .array(fresh.waiting.map { "\($0)" })]
            )
        }
        guard fresh.settings != old.settings else {
            self.logger.info("Settings read again; nothing changed")
            return
        }
        do {
            try await apply(fresh.settings)
        } catch {
            self.logger.error(
                "Settings could not be put in force; the old ones stay",
                metadata: ["error": "\(error)"]
            )
            return
        }
        self.running.withLockedValue { $0 = fresh }
        self.logger.info(
            "Settings reloaded",
            metadata: [
                "settings.paths": .array(fresh.changes(from: old).map { "\($0)" }),
                "settings.reason": "\(reason.rawValue)",
            ]
        )
    }
}

extension LoadedSettings {
    /// The settings that are not what they were, by path.
    package func changes(from old: LoadedSettings) -> [String] {
        let paths = Set(self.values.entries.keys).union(old.values.entries.keys)
        return paths.filter { self.values.entries[$0]?.value != old.values.entries[$0]?.value }
            .map(\.description).sorted()
    }
}
