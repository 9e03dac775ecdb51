package import Core
internal import NIOConcurrencyHelpers
package import NIOCore

/// How providers are doing, by the attempts of real calls; one shard for each loop.
///
/// Outlives reloads: providers are known by their names, of which there are as many as the operator wrote.
package final class HealthBook: Sendable {
    /// A key that its provider refused.
    package struct Refusal: Sendable, Equatable {
        package let group: GroupID
        package let provider: String
        package let credentialID: String

        package init(group: GroupID, provider: String, credentialID: String) {
            self.group = group
            self.provider = provider
            self.credentialID = credentialID
        }
    }

    /// Providers at most; what is told of further ones is not kept.
    package static let providersMax = 1000
    /// Refusals that wait to be taken, at most.
    package static let refusalsMax = 100

    private let shards: [NIOLockedValueBox<[String: HealthWindow]>]
    private let refusals = NIOLockedValueBox<[Refusal]>([])

    package init(loops: Int) {
        precondition(loops > 0, "there is at least one loop, not \(loops)")
        self.shards = (0..<loops).map { _ in NIOLockedValueBox([:]) }
    }

    /// Adds an attempt.
    ///
    /// - Parameters:
    ///   - provider: A configured provider's name.
    ///   - latency: To its first content, or to its end where it was no stream.
    package func add(
        _ verdict: AttemptVerdict,
        provider: String,
        latency: TimeAmount,
        now: NIODeadline,
        loop: Int
    ) {
        self.shards[loop].withLockedValue { windows in
            guard windows.count < Self.providersMax || windows[provider] != nil else { return }
            windows[provider, default: HealthWindow()].add(verdict, latency: latency, now: now)
        }
    }

    /// How each of these providers has been doing, in the same order.
    ///
    /// - Parameter pieces: How many of the newest pieces of 20 seconds count; the last five minutes if not given.
    package func figures(
        of providers: [String],
        now: NIODeadline,
        pieces: Int = HealthWindow.piecesMax
    ) -> [HealthFigures] {
        var sums = providers.map { _ in HealthFigures() }
        for shard in self.shards {
            let windows = shard.withLockedValue { $0 }
            for (index, name) in providers.enumerated() {
                if let window = windows[name] { sums[index].merge(window.figures(now: now, pieces: pieces)) }
            }
        }
        return sums
    }

    /// Notes that a provider refused a group's key, for whoever tells people about it.
    package func noteRefusal(_ refusal: Refusal) {
        self.refusals.withLockedValue { refusals in
            guard refusals.count < Self.refusalsMax, !refusals.contains(refusal) else { return }
            refusals.append(refusal)
        }
    }

    /// Hands over the refusals since the last time.
    package func takeRefusals() -> [Refusal] {
        self.refusals.withLockedValue { refusals in
            defer { refusals = [] }
            return refusals
        }
    }
}
