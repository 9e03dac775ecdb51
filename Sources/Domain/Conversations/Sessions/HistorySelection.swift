internal import Core

/// Which messages go along with a new one: pure arithmetic over their numbers and sizes.
///
/// A turn is a message of a person and all answers up to the next one. Turns go whole or not at all, the newest first,
/// and none goes beyond one that does not. So no answer is without its question, and what is left out is always one
/// piece at the beginning.
package struct HistorySelection: Sendable, Equatable {
    /// The messages that go along, in their order.
    package let kept: [Int]
    /// The summary goes before them.
    package let usesSummary: Bool
    /// What is neither kept nor in the summary.
    package let leftOut: LeftOut?
    /// What should be summarised now, together with the summary there is.
    package let toSummarize: ClosedRange<Int>?
    /// Whether it could depend on older messages than were looked at.
    package let needsMore: Bool

    /// The most messages that are looked at, and so the most that can go along.
    package static let itemsMax = 2_000
    /// The most bytes that go along.
    package static let bytesMax = 8 << 20

    /// Chooses.
    ///
    /// - Parameters:
    ///   - items: The newest messages before the new one, in their order without gaps.
    ///   - session: The session before the new message: how many there are, and its summary.
    ///   - terms: What is wished for, and how much room there is.
    ///   - estimate: A message's tokens; as they were kept with it unless the caller knows better.
    package init(
        _ items: [HistoryItem],
        of session: Session,
        _ terms: HistoryTerms,
        estimate: (HistoryItem) -> Int = { $0.tokens }
    ) {
        var summary: SessionSummary?
        if case .summary = terms.wish { summary = session.summary }
        let begin = summary?.throughSeq ?? 0
        let open = items.filter { $0.seq > begin }
        let reached = items.first?.seq ?? session.nextSeq
        var turns = Self.turns(open)
        // The question of the first answers may not have been looked at.
        if reached > begin + 1, let first = turns.first?.first, first.role != .user { turns.removeFirst() }
        var chosen = Chosen(terms)
        for turn in turns.reversed() {
            guard chosen.take(turn, estimate) else { break }
        }
        let firstKept = chosen.first ?? session.nextSeq
        self.kept = chosen.kept.reversed()
        self.usesSummary = summary != nil
        // What was not looked at counts too, by the sum that the session has.
        self.needsMore = chosen.stopped == nil && reached > begin + 1 && items.count < Self.itemsMax
        let unseen = max(0, session.tokens - items.reduce(0) { $0 + $1.tokens })
        if firstKept > begin + 1 {
            let before = open.filter { $0.seq < firstKept }
            let seen = before.reduce(0) { $0 + SessionRule.tokens(estimate($1)) }
            self.leftOut = LeftOut(
                count: firstKept - begin - 1,
                seqs: (begin + 1)...(firstKept - 1),
                tokens: seen + (summary == nil ? unseen : 0),
                reason: chosen.stopped ?? .context
            )
        } else {
            self.leftOut = nil
        }
        self.toSummarize = Self.toSummarize(open, from: begin + 1, terms.wish, hasGap: self.leftOut != nil)
    }

    /// Questions with their answers; what comes before the first question is a turn too.
    private static func turns(_ items: [HistoryItem]) -> [[HistoryItem]] {
        var turns: [[HistoryItem]] = []
        for item in items {
            if item.role == .user || turns.isEmpty { turns.append([item]) } else { turns[turns.count - 1].append(item) }
        }
        return turns
    }

    /// Takes turns for as long as all limits hold.
    private struct Chosen {
        let messagesMax: Int?
        let tokensMax: Int?
        /// Whether tokens are what the policy counts, and not only what the model can read.
        let policyCountsTokens: Bool
        var kept: [Int] = []
        var first: Int?
        var tokens = 0
        var bytes = 0
        /// Why no more were taken; nil: there were no more.
        var stopped: LeftOut.Reason?

        init(_ terms: HistoryTerms) {
            self.tokensMax = terms.tokensMax
            var (messages, isPolicy): (Int?, Bool) = (nil, false)
            switch terms.wish {
            case .lastMessages(let count): messages = count
            case .tokens(let most): isPolicy = most.map { $0 <= terms.window?.budget ?? .max } ?? false
            case .summary: break
            }
            self.messagesMax = messages
            self.policyCountsTokens = isPolicy
        }

        mutating func take(_ turn: [HistoryItem], _ estimate: (HistoryItem) -> Int) -> Bool {
            let going = turn.filter(\.canGo)
            let tokens = going.reduce(self.tokens) { $0 + SessionRule.tokens(estimate($1)) }
            let bytes = going.reduce(self.bytes) { $0 + $1.bytes }
            if let most = self.messagesMax, self.kept.count + going.count > most {
                self.stopped = .policy
            } else if let most = self.tokensMax, tokens > most {
                self.stopped = self.policyCountsTokens ? .policy : .context
            } else if bytes > HistorySelection.bytesMax {
                self.stopped = .context
            }
            guard self.stopped == nil else { return false }
            self.kept += going.reversed().map(\.seq)
            self.first = turn.first?.seq ?? self.first
            (self.tokens, self.bytes) = (tokens, bytes)
            return true
        }
    }

    /// What goes into a summary: everything but the last `keep` messages, once there are twice as many.
    ///
    /// Not one by one, since each summary is a call; at once where messages are left out. Never what is still running,
    /// nor what comes after it.
    private static func toSummarize(
        _ items: [HistoryItem],
        from begin: Int,
        _ wish: HistoryWish,
        hasGap: Bool
    ) -> ClosedRange<Int>? {
        guard case .summary(let keep, _) = wish else { return nil }
        let ended = items.prefix { $0.status != .running }
        var kept = 0
        var end: Int?
        for turn in Self.turns(Array(ended)).reversed() {
            if kept >= keep {
                end = turn.last?.seq
                break
            }
            kept += turn.count { $0.canGo }
        }
        let all = ended.count { $0.canGo }
        guard let end, end >= begin, hasGap || all > 2 * keep else { return nil }
        return begin...end
    }
}
