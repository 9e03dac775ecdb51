import Testing

/// Outages as a seed decides them: RELIABILITY.md rows 86 and 94, and the figures of part C.
@Suite struct OutageTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `whatever providers do, no rule is broken and every call ends once`(seed: UInt64) {
        let kinds: [OutageSimulation.Weather] = [
            .fair(failsOneIn: 100), .out, .firstOut, .firstStalls, .wild, .fair(failsOneIn: 3),
        ]
        var simulation = OutageSimulation(
            seed: seed,
            targets: Int(seed % 4) + 1,
            callsPerSecond: [5, 40, 120][Int(seed % 3)],
            seconds: 60
        ) { second in
            kinds[Int(SeededWords.word(seed &* 31 &+ UInt64(second / 5)) % UInt64(kinds.count))]
        }
        let report = simulation.run()
        #expect(report.violations.isEmpty, "seed \(seed): \(report.violations)")
        #expect(report.offered > 0 && report.answered > 0)
    }

    @Test func `the same seed gives the same course`() {
        func run() -> OutageSimulation.Report {
            var simulation = OutageSimulation(seed: 9, targets: 3, callsPerSecond: 50, seconds: 20) { _ in .wild }
            return simulation.run()
        }
        #expect(run() == run())
    }

    @Test(arguments: [1, 2, 3, 5])
    func `a total outage adds a tenth at most, and goodput is whole again within ten seconds`(targets: Int) {
        var simulation = OutageSimulation(seed: 77, targets: targets, callsPerSecond: 200, seconds: 90) { second in
            (20..<60).contains(second) ? .out : .fair(failsOneIn: 10_000)
        }
        let report = simulation.run()
        #expect(report.violations.isEmpty, "\(report.violations)")
        #expect(Double(report.sent) <= Double(report.offered) * 1.1)
        for second in 70..<88 {
            #expect(Double(report.goodput[second] ?? 0) >= Double(report.load[second] ?? 0) * 0.9, "second \(second)")
        }
    }

    @Test func `with one target down and one that works, no call fails`() {
        var simulation = OutageSimulation(seed: 5, targets: 2, callsPerSecond: 200, seconds: 60) { second in
            (10..<50).contains(second) ? .firstOut : .fair(failsOneIn: .max)
        }
        let report = simulation.run()
        #expect(report.violations.isEmpty, "\(report.violations)")
        #expect(report.failed == 0)
        #expect(report.sent < report.offered + 200)
        #expect(report.opened > 0)
    }

    @Test func `two hours of changing weather leave nothing behind`() {
        var simulation = OutageSimulation(seed: 3, targets: 3, callsPerSecond: 20, seconds: 7_200) { second in
            switch (second / 60) % 5 {
            case 0: .fair(failsOneIn: 50)
            case 1: .firstOut
            case 2: .out
            case 3: .firstStalls
            default: .wild
            }
        }
        let report = simulation.run()
        #expect(report.violations.isEmpty, "\(report.violations)")
        #expect(report.offered == 144_000)
    }
}

extension SeededWords {
    /// One word for a number.
    static func word(_ number: UInt64) -> UInt64 {
        var words = SeededWords(seed: number)
        return words.next()
    }
}
