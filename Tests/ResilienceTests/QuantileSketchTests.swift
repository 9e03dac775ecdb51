import NIOCore
import Resilience
import Testing

@Suite struct QuantileSketchTests {
    @Test func `a quantile is never below the true one and at most 3.2 percent above`() throws {
        var words = SeededWords(seed: 11)
        for _ in 0..<40 {
            var sketch = QuantileSketch()
            // From 100 µs to 50 s, as many in each octave.
            let durations = (0..<500).map { _ in
                Int64(100_000) << Int64(words.next() % 19) + Int64(words.next() % 90_000)
            }
            for duration in durations { sketch.add(.nanoseconds(duration)) }
            let sorted = durations.sorted()
            for permille in [0, 10, 500, 900, 950, 990, 1000] {
                let rank = max(1, (sorted.count * permille + 999) / 1000)
                let truth = sorted[rank - 1]
                let found = try #require(sketch.quantile(permille: permille)).nanoseconds
                #expect(found >= truth)
                #expect(Double(found) <= max(Double(truth) * 1.032 + 1000, 132_000), "\(permille): \(found), \(truth)")
            }
        }
    }

    @Test func `no duration and no share is out of its reach`() throws {
        var sketch = QuantileSketch()
        #expect(sketch.quantile(permille: 500) == nil)
        for duration in [Int64.min, -1, 0, 1, 999, .max] { sketch.add(.nanoseconds(duration)) }
        #expect(sketch.count == 6)
        #expect(try #require(sketch.quantile(permille: .min)) < .microseconds(140))
        #expect(try #require(sketch.quantile(permille: .max)) > .minutes(71))
    }

    @Test func `what was added can be taken away again`() {
        var (one, other) = (QuantileSketch(), QuantileSketch())
        for number in 1...100 {
            one.add(.milliseconds(Int64(number)))
            other.add(.milliseconds(Int64(number * 7)))
        }
        var sum = one
        sum.add(other)
        #expect(sum.count == 200)
        sum.remove(other)
        #expect(sum == one)
        sum.remove(other)
        sum.remove(one)
        #expect(sum.count == 0)
        #expect(sum.quantile(permille: 950) == nil)
    }
}

@Suite struct SlidingSketchTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000)

    private static func quantile(_ permille: Int, of sketch: SlidingSketch) -> TimeAmount? {
        var copy = sketch
        return copy.quantile(permille: permille)
    }

    @Test func `a busy route forgets what is older than six minutes`() throws {
        var sketch = SlidingSketch()
        var now = Self.start
        for _ in 0..<600 {
            sketch.add(.seconds(9), now: now)
            now = now + .seconds(1)
        }
        #expect(try #require(Self.quantile(500, of: sketch)) > .seconds(8))
        for _ in 0..<420 {
            sketch.add(.milliseconds(200), now: now)
            now = now + .seconds(1)
        }
        #expect(try #require(Self.quantile(990, of: sketch)) < .milliseconds(210))
        #expect(sketch.count <= 360)
    }

    @Test func `a quiet route keeps what a quantile needs, but not beyond a day`() {
        var sketch = SlidingSketch()
        var now = Self.start
        for _ in 0..<200 {
            sketch.add(.seconds(1), now: now)
            now = now + .minutes(5)
        }
        #expect(sketch.count == 200)
        sketch.add(.seconds(1), now: now + .hours(30))
        #expect(sketch.count == 1)
    }

    @Test func `a quantile follows within sixteen durations`() throws {
        var sketch = SlidingSketch()
        for _ in 0..<10 { sketch.add(.milliseconds(10), now: Self.start) }
        #expect(try #require(Self.quantile(1000, of: sketch)) < .milliseconds(11))
        _ = sketch.quantile(permille: 1000)
        for _ in 0..<16 { sketch.add(.seconds(5), now: Self.start) }
        #expect(try #require(Self.quantile(1000, of: sketch)) > .seconds(4))
        #expect(try #require(Self.quantile(100, of: sketch)) < .milliseconds(11))
    }
}
