import NIOConcurrencyHelpers
import NIOCore

/// Remembers the beginnings of prompts, so that a call that repeats one can be told what it saved.
///
/// Nothing expires, so that the same calls in the same order always get the same numbers.
final class PromptCache: Sendable {
    /// A place in a prompt, between two of its blocks.
    struct Place: Sendable {
        /// Stands for everything before it.
        var fingerprint: UInt64
        /// The tokens of everything before it.
        var tokens: Int
        /// Whether the client wants everything before it kept.
        var isMarked = false
        /// Whether it is to be kept for an hour, which costs more.
        var isLong = false
    }

    /// What a prompt took from the cache and left there, in tokens.
    struct Use: Equatable {
        var read = 0
        var written = 0
        /// Of those written, the ones that are kept for an hour.
        var writtenLong = 0
    }

    private struct Entry: Hashable {
        var owner: String
        var fingerprint: UInt64
    }

    private struct State {
        var known: Set<Entry> = []
        var order = CircularBuffer<Entry>()
    }

    /// More entries than this push out the oldest.
    private static let limit = 100_000

    private let state = NIOLockedValueBox(State())

    /// Looks for the longest known beginning, and keeps those that are marked.
    ///
    /// `places` are in the order of the prompt.
    func use(_ places: [Place], owner: String) -> Use {
        guard let last = places.lastIndex(where: \.isMarked) else { return Use() }
        return self.state.withLockedValue { state in
            var use = Use()
            let known = places[...last].last {
                state.known.contains(Entry(owner: owner, fingerprint: $0.fingerprint))
            }
            use.read = known?.tokens ?? 0
            var told = use.read
            for place in places[...last] where place.isMarked {
                let entry = Entry(owner: owner, fingerprint: place.fingerprint)
                if state.known.insert(entry).inserted { state.order.append(entry) }
                guard place.tokens > told else { continue }
                use.written += place.tokens - told
                if place.isLong { use.writtenLong += place.tokens - told }
                told = place.tokens
            }
            while state.order.count > Self.limit, let oldest = state.order.popFirst() { state.known.remove(oldest) }
            return use
        }
    }
}
