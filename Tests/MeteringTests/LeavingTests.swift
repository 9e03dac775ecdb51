import Chat
import Core
import Metering
import Testing

/// Whatever comes first of {the client leaves, the provider's last figures come, the process dies}: one record of each
/// attempt (row 93).
@Suite struct LeavingTests {
    enum Event: CaseIterable { case leaves, usage, dies }

    /// One order of events, at a provider that drains or not, and what the ledger should say of it.
    struct Story: Sendable {
        var events: [Event]
        var drains: Bool
        var outcome: AttemptOutcome
        var charged: Int64
    }

    // Ten tokens in and five out as counted here, at 1 and 2: 20. The provider's last word is 8 and 7: 22.
    static let stories: [Story] = [
        Story(events: [.usage], drains: false, outcome: .ok, charged: 22),
        Story(events: [.usage, .leaves], drains: false, outcome: .ok, charged: 22),
        Story(events: [.usage, .dies], drains: false, outcome: .ok, charged: 22),
        Story(events: [.usage, .leaves, .dies], drains: false, outcome: .ok, charged: 22),
        Story(events: [.usage, .dies, .leaves], drains: false, outcome: .ok, charged: 22),
        Story(events: [.leaves, .usage], drains: false, outcome: .partialClientGone, charged: 20),
        Story(events: [.leaves, .usage, .dies], drains: false, outcome: .partialClientGone, charged: 20),
        Story(events: [.leaves, .dies, .usage], drains: false, outcome: .partialClientGone, charged: 20),
        Story(events: [.leaves], drains: false, outcome: .partialClientGone, charged: 20),
        Story(events: [.dies, .leaves, .usage], drains: false, outcome: .interrupted, charged: 20),
        Story(events: [.dies, .usage, .leaves], drains: false, outcome: .interrupted, charged: 20),
        Story(events: [.usage, .leaves], drains: true, outcome: .ok, charged: 22),
        Story(events: [.leaves, .usage], drains: true, outcome: .partialClientGone, charged: 22),
        Story(events: [.leaves, .usage, .dies], drains: true, outcome: .partialClientGone, charged: 22),
        // Cut off at a bound: what was counted by then.
        Story(events: [.leaves], drains: true, outcome: .partialClientGone, charged: 20),
        // It dies while it drains.
        Story(events: [.leaves, .dies], drains: true, outcome: .interrupted, charged: 20),
        Story(events: [.leaves, .dies, .usage], drains: true, outcome: .interrupted, charged: 20),
        Story(events: [.dies, .leaves, .usage], drains: true, outcome: .interrupted, charged: 20),
    ]

    @Test(arguments: Self.stories)
    func `one attempt has one record, whatever comes first (row 93)`(story: Story) async throws {
        let fixture = try await MeterFixture()
        let rule = BudgetRule(name: "demo", scope: Scope([.group: .one("demo")]), limit: 1_000, window: .month)
        try await fixture.fold.install([rule])
        // Nil once it has ended; as in a call, nobody else holds it.
        var open: OpenAttempt? = try fixture.begin(1)
        if let attempt = open {
            _ = fixture.meter.note(.init(usage: TokenUsage(), outputCounted: 5), of: attempt)
            open = attempt
        }
        var hasLeft = false
        func end(_ ending: AttemptFindings.Ending, isFinal: Bool) {
            guard let attempt = open else { return }
            open = nil
            var findings = fixture.findings(ending, input: isFinal ? 8 : nil, output: isFinal ? 7 : nil)
            findings.isUsageFinal = isFinal && ending == .left
            _ = fixture.meter.end(attempt, findings)
        }
        for event in story.events {
            switch event {
            case .leaves:
                hasLeft = true
                if !story.drains { end(.left, isFinal: false) }
            case .usage: end(hasLeft ? .left : .whole, isFinal: true)
            case .dies:
                try await fixture.crash()
                open = nil
                try await fixture.fold.install([rule])
            }
        }
        end(.left, isFinal: false)
        try await fixture.fold.fold()
        #expect(try await fixture.totals() == .init(rows: 1, charged: story.charged))
        #expect(try await fixture.count(outcome: story.outcome) == 1)
        #expect(fixture.spent() == story.charged)
        #expect(fixture.reserved() == 0)
    }
}
