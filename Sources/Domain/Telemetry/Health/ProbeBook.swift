internal import NIOConcurrencyHelpers

/// What the last probe of each provider came to.
package final class ProbeBook: Sendable {
    private let results = NIOLockedValueBox<[String: ProbeResult]>([:])

    package init() {}

    /// Puts a result in; counts failures in a row by itself.
    package func add(_ result: ProbeResult, of provider: String) {
        self.results.withLockedValue { results in
            var result = result
            result.failuresInRow = result.isAnswered ? 0 : (results[provider]?.failuresInRow ?? 0) &+ 1
            results[provider] = result
        }
    }

    /// Forgets all but these: nobody probes the others any more.
    package func keep(only providers: Set<String>) {
        self.results.withLockedValue { $0 = $0.filter { providers.contains($0.key) } }
    }

    /// What the last probe of a provider came to; nil where nobody probes it.
    package func result(of provider: String) -> ProbeResult? { self.results.withLockedValue { $0[provider] } }

    /// All of them, by provider.
    package var all: [String: ProbeResult] { self.results.withLockedValue { $0 } }
}
