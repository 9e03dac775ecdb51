internal import NIOConcurrencyHelpers
package import NIOCore
internal import Synchronization

/// Lets calls in as far as the rules allow, and lines up those that may wait.
///
/// One for the process, and one lock: a decision is over all rules that a call is under at once, all or nothing, and
/// takes well under a microsecond. Safe to use from any thread. Those that wait are woken after the lock is free.
package final class LimitDesk: Sendable {
    private let book: NIOLockedValueBox<LimitBook>
    private let hasRules = Atomic(false)
    private let hasTokenRules = Atomic(false)

    /// A desk without rules, which lets everybody in.
    package init(countersMax: Int = LimitBook.countersMax) {
        self.book = NIOLockedValueBox(LimitBook(countersMax: countersMax))
    }

    /// Whether there is any rule; nothing else need be asked where there is none.
    package var isActive: Bool { self.hasRules.load(ordering: .relaxed) }

    /// Whether any rule counts tokens, so that a guess of them is wanted.
    package var countsTokens: Bool { self.hasTokenRules.load(ordering: .relaxed) }

    /// Puts other rules in force; what was counted under rules of the same name and scope goes on.
    package func use(_ rules: [LimitRule], now: NIODeadline) {
        self.change { $0.use(rules, now: now) }
        // A rule that has just become able to count tokens may meet a call that was asked for none: it counts from the
        // next one on.
        self.hasTokenRules.store(rules.contains { $0.tokensPerMinute != nil }, ordering: .relaxed)
        self.hasRules.store(!rules.isEmpty, ordering: .relaxed)
    }

    /// Lets a call in, lines it up, or refuses it.
    package func admit(_ request: LimitRequest, now: NIODeadline) -> LimitDecision {
        self.change { $0.admit(request, now: now) }
    }

    /// How it stands with a call that was lined up.
    ///
    /// - Parameter wake: Called from any thread when it is worth looking again; may be called needlessly.
    package func poll(
        _ ticket: LimitTicket,
        now: NIODeadline,
        wake: @escaping @Sendable () -> Void
    ) -> LimitProgress {
        self.change { $0.poll(ticket, now: now, wake: wake) }
    }

    /// Takes back a call that was lined up and leaves; it holds nothing afterwards, even if it was just let in.
    package func cancel(_ ticket: LimitTicket, now: NIODeadline) {
        self.change { $0.cancel(ticket, now: now) }
    }

    /// Corrects what an admitted call was thought to use, while it goes on.
    package func settle(_ grant: LimitGrant, tokens: Int, now: NIODeadline) {
        self.change { $0.settle(grant, tokens: tokens, now: now) }
    }

    /// Gives back what an admitted call holds; safe to repeat.
    ///
    /// - Parameter tokens: What it really used; nil: what was thought.
    package func release(_ grant: LimitGrant, tokens: Int?, now: NIODeadline) {
        self.change { $0.release(grant, tokens: tokens, now: now) }
    }

    /// What is in the books at this moment.
    package var figures: Figures {
        self.book.withLockedValue { book in
            Figures(waiting: book.waiting, counters: book.counters.count, admitted: book.holds.count)
        }
    }

    /// Counts, for metrics and tests.
    package struct Figures: Sendable, Equatable {
        /// Calls that wait for their turn.
        package var waiting: Int
        /// Counters in memory.
        package var counters: Int
        /// Calls that were let in and are not over.
        package var admitted: Int
    }

    private func change<Result>(_ body: (inout LimitBook) -> Result) -> Result {
        var wakes: [LimitBook.Wake] = []
        let result = self.book.withLockedValue { book in
            let result = body(&book)
            if !book.wakes.isEmpty { swap(&wakes, &book.wakes) }
            return result
        }
        for wake in wakes { wake() }
        return result
    }
}
