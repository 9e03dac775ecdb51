internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization

/// What providers said of their own limits lately, for each of their keys and each of their models.
///
/// Read where a route is chosen: a target that has too little left, or that asked to be left alone, comes behind the
/// others. Bounded; safe to use from any thread.
package final class ProviderLimitBook: Sendable {
    /// Keys and models that are remembered at most; what is new beyond them is not.
    package static let entriesMax = 10_000
    /// No cool-down is longer, whatever a provider says.
    package static let coolDownMax = TimeAmount.seconds(120)
    /// How long a figure without a reset counts.
    private static let usualReset = TimeAmount.minutes(1)

    /// A provider's key together with one of the models it gives access to.
    package struct Place: Sendable, Hashable {
        package var provider: String
        /// Empty for a provider that needs none.
        package var credential: String
        /// The provider's name of it.
        package var model: String

        package init(provider: String, credential: String, model: String) {
            self.provider = provider
            self.credential = credential
            self.model = model
        }
    }

    /// Whether a target is worth trying first.
    package enum Verdict: Sendable, Equatable {
        case free
        /// It has less left than the request needs.
        case short
        /// It asked to be left alone.
        case cooling
    }

    private struct Left {
        var count = Int.max
        var until = NIODeadline.distantPast

        func isShort(of needed: Int, now: NIODeadline) -> Bool { self.count < needed && now < self.until }
    }

    private struct Entry {
        var requests = Left()
        var tokens = Left()
        var input = Left()
        var output = Left()
        var coolUntil = NIODeadline.distantPast

        func isOver(now: NIODeadline) -> Bool {
            max(self.requests.until, self.tokens.until, max(self.input.until, self.output.until), self.coolUntil) <= now
        }
    }

    private let entries = NIOLockedValueBox<[Place: Entry]>([:])
    private let hasNotes = Atomic(false)

    package init() {}

    /// Whether any provider ever said anything; nothing need be asked before.
    package var isKnowing: Bool { self.hasNotes.load(ordering: .relaxed) }

    /// Notes what the head of an answer said.
    package func note(_ limits: ProviderLimits, at place: Place, now: NIODeadline) {
        guard !limits.isEmpty else { return }
        self.change(place, now: now) { entry in
            Self.set(&entry.requests, limits.requests, now)
            Self.set(&entry.tokens, limits.tokens, now)
            Self.set(&entry.input, limits.inputTokens, now)
            Self.set(&entry.output, limits.outputTokens, now)
        }
    }

    /// Leaves a target alone for a while, because it answered that there was too much (row 85).
    package func cool(_ place: Place, for wait: TimeAmount, now: NIODeadline) {
        let wait = min(max(wait, .zero), Self.coolDownMax)
        self.change(place, now: now) { $0.coolUntil = max($0.coolUntil, now + wait) }
    }

    /// Whether a target has enough left for one more request.
    package func verdict(_ place: Place, input: Int, output: Int, now: NIODeadline) -> Verdict {
        guard self.isKnowing else { return .free }
        return self.entries.withLockedValue { entries in
            guard let entry = entries[place] else { return .free }
            if now < entry.coolUntil { return .cooling }
            let sum = input.addingReportingOverflow(output)
            let isShort =
                entry.requests.isShort(of: 1, now: now)
                || entry.tokens.isShort(of: sum.overflow ? .max : sum.partialValue, now: now)
                || entry.input.isShort(of: input, now: now) || entry.output.isShort(of: output, now: now)
            return isShort ? .short : .free
        }
    }

    /// Entries in memory.
    package var count: Int { self.entries.withLockedValue { $0.count } }

    private static func set(_ left: inout Left, _ figures: ProviderLimits.Figures, _ now: NIODeadline) {
        guard let remaining = figures.remaining else { return }
        left = Left(count: remaining, until: now + (figures.reset ?? Self.usualReset))
    }

    private func change(_ place: Place, now: NIODeadline, _ body: (inout Entry) -> Void) {
        self.entries.withLockedValue { entries in
            if let index = entries.index(forKey: place) { return body(&entries.values[index]) }
            if entries.count >= Self.entriesMax { entries = entries.filter { !$0.value.isOver(now: now) } }
            guard entries.count < Self.entriesMax else { return }
            var entry = Entry()
            body(&entry)
            entries[place] = entry
        }
        self.hasNotes.store(true, ordering: .relaxed)
    }
}
