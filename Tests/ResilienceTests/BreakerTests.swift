import NIOCore
import Resilience
import Testing

/// Rows 86 and 94: what a target's breaker does, second by second.
@Suite struct BreakerTests {
    /// A breaker with a hand on the clock.
    final class Kit {
        var breaker: Breaker
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

        init(_ change: (inout BreakerRules) -> Void = { _ in }) {
            var rules = BreakerRules.standard
            change(&rules)
            self.breaker = Breaker(rules)
        }

        func admit() -> Breaker.Admission { self.breaker.admit(now: self.now).0 }

        /// The permit of a call, which must get one.
        func permit() throws -> Breaker.Permit {
            guard case .pass(let permit) = self.admit() else { throw Refused() }
            return permit
        }

        @discardableResult
        func call(_ outcome: BreakerOutcome, took: TimeAmount = .zero) throws -> BreakerTransition? {
            let permit = try self.permit()
            return self.breaker.record(outcome, permit, took: took, now: self.now)
        }

        func trip() throws { for _ in 0..<5 { try self.call(.failure) } }

        struct Refused: Error {}
    }

    @Test func `it opens at the fifth failure of few calls, and tells how long`() throws {
        let kit = Kit()
        for _ in 0..<4 { #expect(try kit.call(.failure) == nil) }
        #expect(try kit.call(.failure) == .opened(failures: 5, calls: 5, for: .seconds(1)))
        #expect(kit.admit() == .refused(.seconds(1), .open))
        #expect(kit.breaker.opensIn(now: kit.now) == .seconds(1))
        kit.now = kit.now + .milliseconds(999)
        #expect(kit.admit() == .refused(.milliseconds(1), .open))
        #expect(!kit.breaker.wouldPass(now: kit.now))
    }

    @Test func `failures that are few of all calls do not open it`() throws {
        let kit = Kit()
        for _ in 0..<30 { try kit.call(.success) }
        for _ in 0..<29 {
            #expect(try kit.call(.failure) == nil)
            try kit.call(.success)
        }
        for _ in 0..<7 { #expect(try kit.call(.failure) == nil) }
        let isHealthy = kit.breaker.isHealthy(now: kit.now)
        #expect(isHealthy)
    }

    @Test func `a row of failures opens it, however well it went before`() throws {
        let kit = Kit()
        for _ in 0..<5_000 { try kit.call(.success) }
        for _ in 0..<9 { #expect(try kit.call(.failure) == nil) }
        #expect(try kit.call(.failure) == .opened(failures: 10, calls: 5_010, for: .seconds(1)))
        kit.now = kit.now + .seconds(1)
        try kit.call(.success)
        for _ in 0..<20 { try kit.call(.success) }
        for _ in 0..<4 {
            for _ in 0..<4 { try kit.call(.failure) }
            try kit.call(.success)
        }
        #expect(kit.breaker.isClosed)
    }

    @Test func `failures that are long ago do not count`() throws {
        let kit = Kit()
        for _ in 0..<4 { try kit.call(.failure) }
        kit.now = kit.now + .seconds(31)
        for _ in 0..<4 { #expect(try kit.call(.failure) == nil) }
        #expect(kit.breaker.isClosed)
    }

    @Test func `after the cool-down one probe passes, and its success lets all pass`() throws {
        let kit = Kit()
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        let (admission, change) = kit.breaker.admit(now: kit.now)
        guard case .pass(let probe) = admission else { throw Kit.Refused() }
        #expect(change == .halfOpened)
        #expect(probe.kind == .probe)
        #expect(kit.admit() == .refused(.seconds(5), .halfOpen))
        #expect(kit.breaker.record(.success, probe, now: kit.now) == .closed)
        #expect(try kit.permit().kind == .usual)
        #expect(kit.breaker.figures(now: kit.now) == (0, 0))
    }

    @Test func `each probe that fails doubles the cool-down, five seconds at most`() throws {
        let kit = Kit()
        try kit.trip()
        var waits: [TimeAmount] = []
        for _ in 0..<5 {
            let wait = try #require(kit.breaker.opensIn(now: kit.now))
            waits.append(wait)
            kit.now = kit.now + wait
            try kit.call(.failure)
        }
        #expect(waits == [1, 2, 4, 5, 5].map { .seconds($0) })
    }

    @Test func `a probe whose client left gives its place back at once`() throws {
        let kit = Kit()
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        let probe = try kit.permit()
        #expect(kit.breaker.record(.unknown, probe, now: kit.now) == nil)
        #expect(try kit.permit().kind == .probe)
        #expect(kit.breaker.state(now: kit.now) == .halfOpen)
    }

    @Test func `a probe that hangs loses its place, and its late failure counts for nothing`() throws {
        let kit = Kit()
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        let hung = try kit.permit()
        kit.now = kit.now + .seconds(5)
        let second = try kit.permit()
        #expect(kit.breaker.record(.failure, hung, now: kit.now) == nil)
        #expect(kit.breaker.state(now: kit.now) == .halfOpen)
        #expect(kit.breaker.record(.unknown, hung, now: kit.now) == nil)
        #expect(kit.admit() == .refused(.seconds(5), .halfOpen))
        #expect(kit.breaker.record(.success, second, now: kit.now) == .closed)
    }

    @Test func `a late success of any probe closes it`() throws {
        let kit = Kit()
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        let hung = try kit.permit()
        kit.now = kit.now + .seconds(5)
        _ = try kit.permit()
        #expect(kit.breaker.record(.success, hung, now: kit.now) == .closed)
    }

    @Test func `calls from before it opened say nothing of what is now`() throws {
        let kit = Kit()
        let early = try (kit.permit(), kit.permit())
        try kit.trip()
        #expect(kit.breaker.record(.success, early.0, now: kit.now) == nil)
        #expect(kit.breaker.state(now: kit.now) == .open)
        kit.now = kit.now + .seconds(1)
        try kit.call(.success)
        #expect(kit.breaker.record(.failure, early.1, now: kit.now) == nil)
        #expect(kit.breaker.figures(now: kit.now) == (0, 0))
    }

    @Test func `a refusal counts for nothing while it is closed, and shows a target alive when it is not`() throws {
        let kit = Kit()
        for _ in 0..<100 { #expect(try kit.call(.refusal) == nil) }
        for _ in 0..<100 { #expect(try kit.call(.unknown) == nil) }
        #expect(kit.breaker.figures(now: kit.now) == (0, 0))
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        #expect(try kit.call(.refusal) == .closed)
    }

    @Test func `calls that are too slow count as failed where that is asked for`() throws {
        let kit = Kit { $0.slowAfter = .seconds(10) }
        for _ in 0..<5 { try kit.call(.success, took: .seconds(10)) }
        #expect(kit.breaker.figures(now: kit.now) == (5, 0))
        for _ in 0..<4 { try kit.call(.success, took: .milliseconds(10_001)) }
        #expect(kit.breaker.isClosed)
        try kit.call(.success, took: .milliseconds(10_001))
        #expect(!kit.breaker.isClosed)
        let fast = Kit()
        for _ in 0..<50 { try fast.call(.success, took: .hours(1)) }
        #expect(fast.breaker.isClosed)
    }

    @Test func `a forced call goes through an open one, and its success closes it`() throws {
        let kit = Kit()
        try kit.trip()
        let failing = kit.breaker.force(now: kit.now)
        #expect(failing.kind == .forced)
        #expect(kit.breaker.record(.failure, failing, now: kit.now) == nil)
        #expect(kit.breaker.opensIn(now: kit.now) == .seconds(1))
        let working = kit.breaker.force(now: kit.now)
        #expect(kit.breaker.record(.success, working, now: kit.now) == .closed)
    }

    @Test func `an operator opens it until he closes it, or for a time`() throws {
        let kit = Kit()
        #expect(kit.breaker.hold(until: nil) == .heldOpen)
        kit.now = kit.now + .hours(24)
        #expect(kit.admit() == .refused(nil, .heldOpen))
        #expect(kit.breaker.opensIn(now: kit.now) == nil)
        #expect(!kit.breaker.wouldPass(now: kit.now))
        #expect(kit.breaker.closeByHand(now: kit.now) == .closedByHand)
        #expect(try kit.permit().kind == .usual)

        _ = kit.breaker.hold(until: kit.now + .seconds(60))
        #expect(kit.admit() == .refused(.seconds(60), .heldOpen))
        kit.now = kit.now + .seconds(60)
        #expect(kit.breaker.admit(now: kit.now).1 == .closedByHand)
        #expect(kit.breaker.isClosed)
    }

    @Test func `closing it by hand forgets that it ever opened`() throws {
        let kit = Kit()
        for _ in 0..<3 {
            try kit.trip()
            #expect(kit.breaker.closeByHand(now: kit.now) == .closedByHand)
        }
        try kit.trip()
        #expect(kit.breaker.opensIn(now: kit.now) == .seconds(1))
    }

    @Test func `one that opens again soon after it closed stays open for longer`() throws {
        let kit = Kit()
        try kit.trip()
        kit.now = kit.now + .seconds(1)
        try kit.call(.success)
        try kit.trip()
        #expect(kit.breaker.opensIn(now: kit.now) == .seconds(2))
        kit.now = kit.now + .seconds(2)
        try kit.call(.success)
        kit.now = kit.now + .seconds(30)
        try kit.trip()
        #expect(kit.breaker.opensIn(now: kit.now) == .seconds(1))
    }

    @Test func `one that is off counts and lets everything through, but for what an operator says`() throws {
        let kit = Kit { $0.isOn = false }
        for _ in 0..<20 { try kit.call(.failure) }
        #expect(kit.breaker.figures(now: kit.now) == (20, 20))
        _ = kit.breaker.hold(until: nil)
        #expect(kit.admit() == .refused(nil, .heldOpen))

        let open = Kit()
        try open.trip()
        open.breaker.rules.isOn = false
        #expect(open.breaker.wouldPass(now: open.now))
        #expect(try open.permit().kind == .usual)
    }

    @Test func `no rule and no clock makes it trap`() throws {
        for coolDown in [TimeAmount.nanoseconds(0), .nanoseconds(-1), .nanoseconds(1), .hours(24 * 365)] {
            for percent in [0, 1, 100, 1000] {
                let kit = Kit {
                    $0.coolDown = coolDown
                    $0.percent = percent
                    $0.failures = 0
                    $0.window = .nanoseconds(0)
                }
                kit.now = .uptimeNanoseconds(0)
                for step in 0..<200 {
                    if case .pass(let permit) = kit.admit() {
                        let outcome: BreakerOutcome = [.success, .failure, .refusal, .unknown][step % 4]
                        _ = kit.breaker.record(outcome, permit, now: kit.now)
                    }
                    kit.now = kit.now + .seconds(step % 7 == 0 ? 100 : 0)
                }
            }
        }
    }
}
