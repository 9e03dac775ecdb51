import Limits
import NIOCore
import TestKit
import Testing

/// A time on a clock that only the test moves.
func at(_ nanoseconds: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(nanoseconds)) }

/// One hour in, so that there is a past.
private let start: Int64 = 3_600_000_000_000

@Suite struct GCRATests {
    private static let limits = [1, 2, 7, 59, 60, 61, 600, 999_983, 1_000_000, 999_999_937, 1_000_000_000]

    @Test(arguments: limits)
    func `a full bucket gives out its limit, and not one more`(limit: Int) {
        var bucket = GCRA(perMinute: limit)
        let step = max(1, limit / 1000)
        var taken = 0
        while taken + step <= limit {
            #expect(bucket.admit(step, now: at(start)) == .admitted)
            taken += step
        }
        if taken < limit { #expect(bucket.admit(limit - taken, now: at(start)) == .admitted) }
        #expect(bucket.remaining(now: at(start)) == 0)
        guard case .later(let wait) = bucket.admit(1, now: at(start)) else {
            Issue.record("more than the limit was given out")
            return
        }
        #expect(wait > .zero)
        #expect(bucket.reset(now: at(start)) == .minutes(1))
    }

    @Test(arguments: limits)
    func `whoever waits as long as told is let in, and whoever comes a nanosecond early is not`(limit: Int) {
        var random = SeededGenerator(seed: UInt64(limit))
        var bucket = GCRA(perMinute: limit)
        var now = start
        for _ in 0..<500 {
            let units = 1 + random.below(limit)
            switch bucket.admit(units, now: at(now)) {
            case .admitted: now += Int64(random.below(10_000_000_000))
            case .never: Issue.record("\(units) of \(limit) can never be had")
            case .later(let wait):
                var early = bucket
                #expect(early.admit(units, now: at(now + wait.nanoseconds - 1)) != .admitted)
                now += wait.nanoseconds
                #expect(bucket.admit(units, now: at(now)) == .admitted)
            }
        }
    }

    /// Rows 80 and 81: there is no window, so there is no edge; the bound holds over every span.
    @Test(arguments: [1, 7, 60, 1000, 1_000_000_000])
    func `over any span at most the limit and what came in since was given out`(limit: Int) {
        for seed in 0..<20 {
            var random = SeededGenerator(seed: UInt64(seed))
            var bucket = GCRA(perMinute: limit)
            var now = start + Int64(random.below(60)) * 1_000_000_000
            var given: [(time: Int64, units: Int)] = []
            for _ in 0..<300 {
                let units = 1 + random.below(max(1, limit / 3))
                if bucket.admit(units, now: at(now)) == .admitted { given.append((now, units)) }
                // Often right at the turn of a minute, where windows would double.
                if random.oneIn(10) {
                    now += 60_000_000_000 - now % 60_000_000_000
                } else {
                    now += Int64(random.below(3_000_000_000))
                }
            }
            #expect(!given.isEmpty)
            for first in given.indices {
                var sum = 0
                for one in given[first...] {
                    sum += one.units
                    let span = Double(one.time - given[first].time) / 6e10
                    #expect(Double(sum) <= Double(limit) * (1 + span) * (1 + 1e-12))
                }
            }
        }
    }

    @Test func `any minute has at most twice the limit, and only after a quiet one`() {
        var bucket = GCRA(perMinute: 60)
        var minutes: [Int: Int] = [:]
        // Ten times the offered load, for ten minutes.
        for tick in 0..<6000 {
            let now = start + Int64(tick) * 100_000_000
            if bucket.admit(1, now: at(now)) == .admitted { minutes[tick / 600, default: 0] += 1 }
        }
        #expect(minutes[0] == 119)
        for minute in 1..<10 { #expect((59...61).contains(minutes[minute] ?? 0)) }
    }

    /// Row 80: only elapsed time fills a bucket, never a clock that is set.
    @Test func `a clock that stands still or goes back gives nothing away`() {
        var bucket = GCRA(perMinute: 10)
        for _ in 0..<10 { #expect(bucket.admit(1, now: at(start)) == .admitted) }
        for _ in 0..<100 { #expect(bucket.admit(1, now: at(start)) != .admitted) }
        #expect(bucket.admit(1, now: at(start - 3_000_000_000_000)) != .admitted)
        #expect(bucket.admit(1, now: at(start + 5_999_999_999)) != .admitted)
        #expect(bucket.admit(1, now: at(start + 6_000_000_000)) == .admitted)
        // However long it stood, it holds one limit.
        let late = start + 400 * 86_400_000_000_000
        for _ in 0..<10 { #expect(bucket.admit(1, now: at(late)) == .admitted) }
        #expect(bucket.admit(1, now: at(late)) != .admitted)
    }

    @Test func `what is larger than the bucket can never be had`() {
        var bucket = GCRA(perMinute: 100)
        #expect(bucket.admit(101, now: at(start)) == .never)
        #expect(bucket.wait(for: 101, now: at(start)) == nil)
        #expect(bucket.admit(100, now: at(start)) == .admitted)
    }

    @Test func `a wrong estimate is put right in both directions`() {
        var bucket = GCRA(perMinute: 1000)
        #expect(bucket.admit(600, now: at(start)) == .admitted)
        bucket.adjust(by: -500, now: at(start))
        #expect(bucket.remaining(now: at(start)) == 900)
        bucket.adjust(by: 1900, now: at(start))
        #expect(bucket.remaining(now: at(start)) == 0)
        // 1000 too many were used: they come in first.
        #expect(bucket.wait(for: 1, now: at(start)) == .nanoseconds(60_060_000_000))
        // What is given back later than the bucket needed to fill up is lost.
        let later = start + 600_000_000_000
        bucket.adjust(by: -500, now: at(later))
        #expect(bucket.remaining(now: at(later)) == 1000)
    }

    @Test func `debt ends after ten minutes, whatever a provider said`() {
        var bucket = GCRA(perMinute: 1000)
        for _ in 0..<100 { bucket.adjust(by: .max, now: at(start)) }
        #expect(bucket.reset(now: at(start)) == .nanoseconds(GCRA.window + GCRA.debtMax))
        #expect(bucket.wait(for: 1000, now: at(start)) == .nanoseconds(GCRA.window + GCRA.debtMax))
        bucket.adjust(by: .min, now: at(start))
        #expect(bucket.remaining(now: at(start)) == 1000)
    }

    @Test func `what is left and when it is full again fit together`() {
        var random = SeededGenerator(seed: 11)
        for limit in Self.limits {
            var bucket = GCRA(perMinute: limit)
            bucket.take(1 + random.below(limit), now: at(start))
            let left = bucket.remaining(now: at(start))
            #expect(left == 0 || bucket.wait(for: left, now: at(start)) == .zero)
            #expect(bucket.wait(for: left + 1, now: at(start)) != .zero)
            let reset = bucket.reset(now: at(start)).nanoseconds
            #expect(bucket.remaining(now: at(start + reset)) == limit)
            #expect(bucket.remaining(now: at(start + reset - 1)) < limit || limit > 500_000_000)
        }
    }

    @Test func `nothing that can be asked for traps`() {
        let numbers = [Int.min, -1, 0, 1, 1_000_000_000, .max]
        let times: [NIODeadline] = [
            .uptimeNanoseconds(0), at(start), .distantPast, .distantFuture, .uptimeNanoseconds(.max),
        ]
        for limit in [Int.min, 0, 1, 1_000_000_000, .max] {
            for time in times {
                for number in numbers {
                    var bucket = GCRA(perMinute: limit)
                    _ = bucket.admit(number, now: time)
                    bucket.take(number, now: at(start))
                    bucket.adjust(by: number, now: time)
                    _ = bucket.projection(of: number, now: time)
                    #expect(bucket.remaining(now: time) <= bucket.limit)
                    #expect(bucket.reset(now: time) >= .zero)
                    bucket.setLimit(number)
                }
            }
        }
    }
}
