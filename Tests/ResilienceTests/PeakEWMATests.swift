import NIOCore
import Resilience
import Testing

@Suite struct PeakEWMATests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private static func milliseconds(_ latency: PeakEWMA, _ now: NIODeadline) -> Double {
        latency.nanoseconds(now: now) / 1e6
    }

    @Test func `a peak counts at once and is forgiven by several quick answers`() {
        var latency = PeakEWMA()
        var now = Self.start
        for _ in 0..<50 {
            now = now + .seconds(1)
            latency.note(.milliseconds(200), now: now)
        }
        #expect((199...201).contains(Self.milliseconds(latency, now)))
        now = now + .milliseconds(10)
        latency.note(.seconds(5), now: now)
        #expect(Self.milliseconds(latency, now) == 5_000)
        now = now + .milliseconds(10)
        latency.note(.milliseconds(200), now: now)
        #expect(Self.milliseconds(latency, now) > 4_900, "one quick answer forgives little")
        for _ in 0..<60 {
            now = now + .seconds(1)
            latency.note(.milliseconds(200), now: now)
        }
        #expect((200...215).contains(Self.milliseconds(latency, now)))
    }

    @Test func `a bad average fades where nobody is sent, slower than it would follow answers`() {
        var latency = PeakEWMA()
        latency.note(.seconds(1), now: Self.start)
        #expect((360...375).contains(Self.milliseconds(latency, Self.start + PeakEWMA.fading)))
        #expect(Self.milliseconds(latency, Self.start + PeakEWMA.memory) > 800)
        #expect(Self.milliseconds(latency, Self.start + .hours(24)) < 1e-6)
    }

    @Test func `who waits makes a target dearer, and one that nobody knows is tried by one call at a time`() {
        var latency = PeakEWMA()
        #expect(latency.cost(waiting: 0, now: Self.start) == 0)
        let unknown = latency.cost(waiting: 1, now: Self.start)
        latency.note(.seconds(30), now: Self.start)
        #expect(unknown > latency.cost(waiting: 2, now: Self.start))
        #expect(latency.cost(waiting: 3, now: Self.start) == 4 * latency.cost(waiting: 0, now: Self.start))
        #expect(latency.cost(waiting: -5, now: Self.start) == latency.cost(waiting: 0, now: Self.start))
    }

    @Test func `failing at once is no virtue`() {
        var latency = PeakEWMA()
        latency.note(.milliseconds(300), now: Self.start)
        latency.noteFailure(after: .milliseconds(2), now: Self.start)
        #expect(Self.milliseconds(latency, Self.start) == 1_000)
        for _ in 0..<20 { latency.noteFailure(after: .milliseconds(2), now: Self.start) }
        #expect(Self.milliseconds(latency, Self.start) == 120_000, "it doubles up to a bound")
    }

    @Test func `an answer that nobody waited for counts only as a peak`() {
        var latency = PeakEWMA()
        latency.note(.milliseconds(300), now: Self.start)
        latency.noteSilence(.milliseconds(100), now: Self.start)
        #expect(Self.milliseconds(latency, Self.start) == 300)
        latency.noteSilence(.seconds(9), now: Self.start)
        #expect(Self.milliseconds(latency, Self.start) == 9_000)
    }

    @Test func `absurd figures do no harm`() {
        var latency = PeakEWMA()
        latency.note(.nanoseconds(.min), now: Self.start)
        latency.note(.nanoseconds(.max), now: Self.start)
        // A clock that goes backwards.
        latency.note(.milliseconds(1), now: .uptimeNanoseconds(0))
        latency.noteFailure(after: .nanoseconds(.max), now: .distantFuture)
        let cost = latency.cost(waiting: .max, now: .distantPast)
        #expect(cost.isFinite && cost >= 0)
    }
}
