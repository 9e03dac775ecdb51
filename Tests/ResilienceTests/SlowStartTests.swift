import NIOCore
import Resilience
import Testing

@Suite struct SlowStartTests {
    @Test func `the share rises from a tenth to all`() {
        func share(_ seconds: Int64) -> Double { SlowStart.share(after: .seconds(seconds), window: .seconds(10)) }
        #expect(share(0) == 0.1)
        #expect(abs(share(5) - 0.55) < 1e-9)
        #expect(share(10) == 1 && share(3_600) == 1)
        #expect(share(-5) == 0.1)
    }

    @Test func `without a window everything comes back at once`() {
        #expect(SlowStart.share(after: .zero, window: .zero) == 1)
        #expect(SlowStart.admits(.max, after: .zero, window: .zero))
    }

    @Test func `chance keeps to the share`() {
        var words = SeededWords(seed: 7)
        let admitted = (0..<10_000).filter { _ in
            SlowStart.admits(words.next(), after: .seconds(2), window: .seconds(10))
        }.count
        #expect((2_650...2_950).contains(admitted), "28 %: \(admitted)")
        #expect(SlowStart.admits(0, after: .zero, window: .seconds(10)))
        #expect(!SlowStart.admits(.max, after: .zero, window: .seconds(10)))
    }
}
