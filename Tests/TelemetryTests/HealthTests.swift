import Core
import NIOCore
import Testing

@testable import Telemetry

@Suite struct HealthTests {
    /// A moment of the monotonic clock, in seconds.
    static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds) }

    static func health(_ figures: HealthFigures) -> ProviderHealth { ProviderHealth(name: "p", figures: figures) }

    @Test func `a provider that fails is degraded, then down, and is well again five minutes later`() {
        var window = HealthWindow()
        func status(_ second: Int64) -> ProviderHealth.Status {
            Self.health(window.figures(now: Self.at(second))).status
        }
        #expect(status(0) == .ok)
        for _ in 0..<20 { window.add(.answered, latency: .milliseconds(1), now: Self.at(0)) }
        #expect(status(0) == .ok)
        for _ in 0..<4 { window.add(.failed(.providerTimeout), latency: .zero, now: Self.at(30)) }
        #expect(status(30) == .degraded)
        for _ in 0..<30 { window.add(.failed(.providerError), latency: .zero, now: Self.at(60)) }
        #expect(status(60) == .down)
        let figures = window.figures(now: Self.at(60))
        #expect(figures.lastFailure == .providerError && figures.lastFailureTime == Self.at(60))
        #expect(status(200) == .down)
        #expect(status(400) == .ok)
        let later = window.figures(now: Self.at(400))
        #expect(later.judged == 0 && later.total == 54 && later.lastFailure == .providerError)
    }

    @Test func `what is old goes, and nothing of it comes back when its place is used again`() {
        var window = HealthWindow()
        for second in stride(from: Int64(0), to: 3000, by: 10) {
            window.add(.answered, latency: .milliseconds(10), now: Self.at(second))
        }
        // 15 pieces of 20 seconds, two attempts in each; the newest one is begun.
        #expect(window.figures(now: Self.at(2990)).answered == 30)
        #expect(window.figures(now: Self.at(2990), pieces: 3).answered == 6)
        #expect(window.figures(now: Self.at(3100)).answered == 18)
        #expect(window.figures(now: Self.at(10_000)).answered == 0)
    }

    @Test func `attempts that were limited say nothing about how well a provider is`() {
        var window = HealthWindow()
        for _ in 0..<100 { window.add(.limited, latency: .zero, now: Self.at(0)) }
        let figures = window.figures(now: Self.at(0))
        #expect(figures.successRate == nil && figures.limited == 100 && figures.judged == 0)
        #expect(Self.health(figures).status == .ok)
    }

    @Test(arguments: [1, 3, 7, 40, 99, 250, 1_234, 30_000, 119_000])
    func `a percentile is right to an eighth`(milliseconds: Int64) throws {
        var counts = LatencyCounts()
        for _ in 0..<95 { counts.add(.milliseconds(milliseconds)) }
        // Nothing is known apart above some 17 minutes.
        for _ in 0..<5 { counts.add(.milliseconds(min(milliseconds * 50, 900_000))) }
        let middle = try #require(counts.quantile(0.5)?.nanoseconds)
        #expect(abs(Double(middle) / 1e6 - Double(milliseconds)) <= Double(milliseconds) / 8 + 0.125)
        #expect(counts.quantile(0.95)?.nanoseconds == middle)
        #expect(try #require(counts.quantile(0.96)?.nanoseconds) > middle * 5)
    }

    @Test func `no time is too long or too short to be counted`() {
        var counts = LatencyCounts()
        for time in [TimeAmount.nanoseconds(.min), .zero, .nanoseconds(1), .hours(5000), .nanoseconds(.max)] {
            counts.add(time)
        }
        #expect(counts.quantile(0) == counts.quantile(0.6))
        #expect(counts.quantile(1).map { $0 > .minutes(10) } == true)
        #expect(LatencyCounts().quantile(0.5) == nil)
    }

    @Test func `two loops' views of a provider are added up, and the later failure counts`() {
        let book = HealthBook(loops: 2)
        book.add(.answered, provider: "p", latency: .milliseconds(10), now: Self.at(0), loop: 0)
        book.add(.failed(.providerError), provider: "p", latency: .zero, now: Self.at(5), loop: 0)
        book.add(.failed(.providerTimeout), provider: "p", latency: .zero, now: Self.at(3), loop: 1)
        let figures = book.figures(of: ["other", "p"], now: Self.at(6))
        #expect(figures[0].total == 0)
        #expect(figures[1].judged == 3 && figures[1].lastFailure == .providerError)
    }

    @Test func `names beyond the limit are not kept, and those before it go on`() {
        let book = HealthBook(loops: 1)
        for number in 0...HealthBook.providersMax {
            book.add(.answered, provider: "p\(number)", latency: .zero, now: Self.at(0), loop: 0)
        }
        book.add(.answered, provider: "p0", latency: .zero, now: Self.at(0), loop: 0)
        let last = "p\(HealthBook.providersMax)"
        let figures = book.figures(of: ["p0", last], now: Self.at(0))
        #expect(figures.map(\.total) == [2, 0])
    }

    @Test func `refused keys are handed over once, however often they were refused`() {
        let book = HealthBook(loops: 1)
        for number in 0..<(HealthBook.refusalsMax * 3) {
            let id = "cred_\(number % (HealthBook.refusalsMax * 2))"
            book.noteRefusal(.init(group: GroupID("g"), provider: "p", credentialID: id))
        }
        #expect(book.takeRefusals().count == HealthBook.refusalsMax)
        #expect(book.takeRefusals().isEmpty)
    }

    // MARK: - Probes and breakers

    private static func figures(answered: Int) -> HealthFigures {
        var window = HealthWindow()
        for _ in 0..<answered { window.add(.answered, latency: .zero, now: Self.at(0)) }
        return window.figures(now: Self.at(0))
    }

    @Test func `three failed probes make a provider down, unless calls are answered meanwhile`() throws {
        let book = ProbeBook()
        func result(_ isAnswered: Bool) -> ProbeResult {
            ProbeResult(isAnswered: isAnswered, time: UnixTime(seconds: 1), took: .zero, status: isAnswered ? 401 : 0)
        }
        func status(answered: Int) throws -> ProviderHealth.Status {
            let probe = try #require(book.result(of: "p"))
            return ProviderHealth(name: "p", figures: Self.figures(answered: answered), probe: probe).status
        }
        for _ in 0..<2 { book.add(result(false), of: "p") }
        #expect(try status(answered: 0) == .ok)
        book.add(result(false), of: "p")
        #expect(try status(answered: 0) == .down)
        #expect(try status(answered: 1) == .degraded)
        book.add(result(true), of: "p")
        #expect(try status(answered: 0) == .ok)
        #expect(book.result(of: "p")?.failuresInRow == 0)
        book.keep(only: ["q"])
        #expect(book.result(of: "p") == nil)
    }

    @Test func `a provider is down when all its breakers are open, and degraded when some are`() {
        func status(_ states: [BreakerFigures.State]) -> ProviderHealth.Status {
            let breakers = states.map { BreakerFigures(provider: "p", model: "m", credentialID: "", state: $0) }
            return ProviderHealth(name: "p", figures: HealthFigures(), breakers: breakers).status
        }
        #expect(status([.closed, .closed]) == .ok)
        #expect(status([.closed, .open]) == .degraded)
        #expect(status([.halfOpen, .closed]) == .degraded)
        #expect(status([.open, .heldOpen]) == .down)
    }

    @Test func `the gateway is down when every provider that anything is known of is`() {
        func provider(_ name: String, failed: Int, answered: Int) -> ProviderHealth {
            var window = HealthWindow()
            for _ in 0..<answered { window.add(.answered, latency: .zero, now: Self.at(0)) }
            for _ in 0..<failed { window.add(.failed(.providerError), latency: .zero, now: Self.at(0)) }
            return ProviderHealth(name: name, figures: window.figures(now: Self.at(0)))
        }
        let unused = provider("unused", failed: 0, answered: 0)
        let bad = provider("bad", failed: 3, answered: 0)
        let good = provider("good", failed: 0, answered: 3)
        #expect(ProviderHealth.overall([]) == .ok)
        #expect(ProviderHealth.overall([unused]) == .ok)
        #expect(ProviderHealth.overall([unused, bad]) == .down)
        #expect(ProviderHealth.overall([unused, bad, good]) == .degraded)
        #expect(ProviderHealth.overall([unused, good]) == .ok)
    }
}
