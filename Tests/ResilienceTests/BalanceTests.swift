import NIOCore
import Resilience
import Testing

/// How calls spread over targets, in virtual time, by a seed.
@Suite struct BalanceTests {
    /// A target that answers in about the same time however much it has to do.
    private struct Target {
        /// Milliseconds to the first content.
        var latency: Int64
        var average = PeakEWMA()
        /// When each call that waits gets its answer, and how long that took.
        var waiting: [(end: NIODeadline, took: TimeAmount)] = []
        var calls = 0
    }

    private struct Run {
        var targets: [Target]
        var words: SeededWords
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        /// What each call waited, in milliseconds.
        var waits: [Int64] = []

        init(_ latencies: [Int64], seed: UInt64) {
            self.targets = latencies.map { Target(latency: $0) }
            self.words = SeededWords(seed: seed)
        }

        /// Calls at even distances.
        mutating func call(_ count: Int, every interval: TimeAmount) {
            for _ in 0..<count {
                self.now = self.now + interval
                for index in self.targets.indices { self.answer(at: index) }
                var order = TargetOrder()
                for (position, target) in self.targets.enumerated() {
                    let cost = target.average.cost(waiting: target.waiting.count, now: self.now)
                    order.add(position, tier: 0, score: cost)
                }
                order.pickOfTwo(self.words.next())
                // A tenth more or less.
                let latency = self.targets[order[0]].latency
                let took = latency * Int64(90 + self.words.next() % 21) / 100
                self.targets[order[0]].calls += 1
                self.targets[order[0]].waiting.append((self.now + .milliseconds(took), .milliseconds(took)))
                self.waits.append(took)
            }
        }

        private mutating func answer(at index: Int) {
            let due = self.targets[index].waiting.filter { $0.end <= self.now }.sorted { $0.end < $1.end }
            self.targets[index].waiting.removeAll { $0.end <= self.now }
            for call in due { self.targets[index].average.note(call.took, now: call.end) }
        }

        mutating func forget() {
            for index in self.targets.indices { self.targets[index].calls = 0 }
            self.waits = []
        }

        var shares: [Double] {
            let sum = Double(self.targets.reduce(0) { $0 + $1.calls })
            return self.targets.map { Double($0.calls) / max(1, sum) }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `targets that are alike share alike, and none is flooded`(seed: UInt64) {
        var run = Run([200, 200, 200, 200], seed: seed)
        run.call(4_000, every: .milliseconds(10))
        for share in run.shares { #expect((0.15...0.35).contains(share), "\(run.shares)") }
        for target in run.targets { #expect(target.waiting.count <= 15) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a slow target gets few calls, at any rate of calls`(seed: UInt64) {
        for (interval, most) in [(5, 0.02), (100, 0.01), (2_000, 0.04), (20_000, 0.2)] as [(Int64, Double)] {
            var run = Run([200, 200, 2_000], seed: seed)
            run.call(200, every: .milliseconds(interval))
            run.forget()
            run.call(2_000, every: .milliseconds(interval))
            #expect(run.shares[2] < most, "every \(interval) ms: \(run.shares)")
            #expect(run.shares[2] > 0, "it is tried now and then: \(interval)")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a target that becomes slow loses its calls within seconds, and gets them back when it is well`(seed: UInt64) {
        var run = Run([200, 200], seed: seed)
        run.call(1_000, every: .milliseconds(20))
        run.targets[0].latency = 3_000
        // 3 s until the first slow answer is there, and a second more.
        run.call(200, every: .milliseconds(20))
        run.forget()
        run.call(1_000, every: .milliseconds(20))
        #expect(run.shares[0] < 0.1, "\(run.shares)")
        run.targets[0].latency = 200
        run.call(9_000, every: .milliseconds(20))
        run.forget()
        run.call(1_000, every: .milliseconds(20))
        #expect((0.3...0.7).contains(run.shares[0]), "\(run.shares)")
    }
}
