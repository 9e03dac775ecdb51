import Core
import Engine
import NIOConcurrencyHelpers
import NIOCore
import Providers
import Transport

/// Which models providers say they have, each for the key it was asked with; asked when somebody wants to know, and
/// remembered for a while.
final class ModelLists: Sendable {
    private struct Key: Hashable {
        var provider: String
        var baseURL: String
        /// The credential's id; empty where none is needed.
        var credential: String
    }

    private struct Entry {
        var models: [String]
        var expires: NIODeadline
    }

    private struct Contents {
        var entries: [Key: Entry] = [:]
        /// Questions under way by key.
        var running: [Key: Int] = [:]
    }

    /// How long a list is good, and how long it is not asked again for one that could not be had.
    private static let keep = TimeAmount.minutes(10)
    private static let pause = TimeAmount.seconds(30)
    private static let entriesMax = 1_024
    /// Of one list under way at a time; who comes when there are more goes without it.
    private static let runningMax = 4
    /// Nobody waits longer for somebody else's list of names.
    private static let timeouts = Timeouts(
        connect: .seconds(2),
        firstByte: .seconds(3),
        idle: .seconds(3),
        total: .seconds(3)
    )

    private let settings: @Sendable () async -> Settings
    private let fetcher: Fetcher
    private let now: @Sendable () -> NIODeadline
    private let contents = NIOLockedValueBox(Contents())

    init(
        settings: @escaping @Sendable () async -> Settings,
        fetcher: Fetcher,
        now: @escaping @Sendable () -> NIODeadline
    ) {
        self.settings = settings
        self.fetcher = fetcher
        self.now = now
    }

    /// The models of providers by the providers' names; waits for those that are not known, at most some three seconds.
    ///
    /// - Parameter wanted: Each with the credential to ask with. One that cannot be asked is left out.
    func models(of wanted: [(provider: Provider, credential: Credential?)]) async -> [String: [String]] {
        let settings = await self.settings()
        return await withTaskGroup(of: (String, [String])?.self) { group in
            for (provider, credential) in wanted {
                guard let entry = settings.provider(provider.name) else { continue }
                group.addTask { await self.models(of: entry, credential).map { (entry.name, $0) } }
            }
            var found: [String: [String]] = [:]
            for await result in group {
                if let (name, models) = result { found[name] = models }
            }
            return found
        }
    }

    private func models(of provider: Settings.Provider, _ credential: Credential?) async -> [String]? {
        let key = Key(provider: provider.name, baseURL: provider.baseURL, credential: credential?.id ?? "")
        let now = self.now()
        let (known, isMine) = self.contents.withLockedValue { contents -> ([String]?, Bool) in
            if let entry = contents.entries[key], entry.expires > now { return (entry.models, false) }
            guard contents.running[key, default: 0] < Self.runningMax else { return (nil, false) }
            contents.running[key, default: 0] += 1
            return (nil, true)
        }
        guard isMine else { return known }
        let models = await self.ask(provider, credential)
        let entry = Entry(models: models ?? [], expires: self.now() + (models == nil ? Self.pause : Self.keep))
        self.contents.withLockedValue { contents in
            contents.running[key, default: 1] -= 1
            if contents.running[key] == 0 { contents.running[key] = nil }
            if contents.entries.count >= Self.entriesMax { contents.entries.removeAll() }
            contents.entries[key] = entry
        }
        return models
    }

    private func ask(_ provider: Settings.Provider, _ credential: Credential?) async -> [String]? {
        let inquiry = ProviderInquiry(provider: provider, fetcher: self.fetcher, timeouts: Self.timeouts)
        do {
            let key = try credential?.withKey { Secret(String(decoding: $0, as: UTF8.self)) }
            let answer = try await inquiry.ask(.models, key: key, now: SystemClock.now)
            return answer.verdict == .accepted ? answer.models : nil
        } catch {
            // Those who ask for names get the others; what is wrong with a provider is told by the road and by doctor.
            return nil
        }
    }
}
