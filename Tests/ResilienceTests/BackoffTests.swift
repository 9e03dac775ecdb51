import NIOCore
import Resilience
import Testing

@Suite struct BackoffTests {
    @Test func `the longest wait doubles from 100 ms to 2 s, row 86`() {
        let backoff = Backoff.standard
        let ceilings = (1...8).map { backoff.ceiling(retry: $0) }
        #expect(ceilings == [100, 200, 400, 800, 1600, 2000, 2000, 2000].map { .milliseconds($0) })
    }

    @Test func `waits are spread evenly over all of zero to the longest`() {
        let backoff = Backoff.standard
        var generator = SeededWords(seed: 7)
        var quarters = [0, 0, 0, 0]
        for _ in 0..<40_000 {
            let wait = backoff.wait(retry: 2, chance: generator.next())
            #expect(wait >= .zero && wait <= .milliseconds(200))
            quarters[min(3, Int(wait.nanoseconds / 50_000_000))] += 1
        }
        for quarter in quarters { #expect(abs(quarter - 10_000) < 500) }
        #expect(backoff.wait(retry: 2, chance: 0) == .zero)
        #expect(backoff.wait(retry: 2, chance: .max) == .milliseconds(200))
    }

    @Test func `no number of retries and no setting overflows`() {
        let huge = Backoff(first: .nanoseconds(.max), longest: .nanoseconds(.max))
        for retry in [Int.min, -1, 0, 1, 62, 63, 64, 1000, .max] {
            #expect(Backoff.standard.wait(retry: retry, chance: .max) <= .seconds(2))
            #expect(huge.wait(retry: retry, chance: .max) <= .nanoseconds(.max))
        }
        let backwards = Backoff(first: .seconds(-1), longest: .seconds(-2))
        #expect(backwards.wait(retry: 3, chance: .max) == .zero)
        #expect(Backoff(first: .seconds(3), longest: .seconds(1)).ceiling(retry: 1) == .seconds(3))
    }
}
