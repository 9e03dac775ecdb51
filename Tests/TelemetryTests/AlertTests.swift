import Core
import NIOCore
import Testing

@testable import Telemetry

@Suite struct AlertTests {
    private static let breaker = AlertCondition(.breakerOpen, "openai/gpt-4o", "The target is left alone.")
    private static let errors = AlertCondition(.errorRate, "openai", "It fails.")

    /// Looks at the book once a second.
    private struct Watcher {
        var book: AlertBook
        var second: Int64 = 0

        mutating func look(_ conditions: [AlertCondition], after seconds: Int64 = 1) -> [String] {
            self.second += seconds
            return self.book.observe(
                conditions,
                now: HealthTests.at(self.second),
                time: UnixTime(seconds: 1000 + self.second)
            ).map { "\($0.status.rawValue) \($0.condition.kind.rawValue)" }
        }
    }

    @Test func `a trouble is told once when it begins and once when it is over`() {
        var watcher = Watcher(book: AlertBook())
        #expect(watcher.look([Self.breaker]) == ["firing breaker_open"])
        for _ in 0..<1000 { #expect(watcher.look([Self.breaker]).isEmpty) }
        for _ in 0..<59 { #expect(watcher.look([]).isEmpty) }
        #expect(watcher.look([]) == ["resolved breaker_open"])
        for _ in 0..<100 { #expect(watcher.look([]).isEmpty) }
        #expect(watcher.look([Self.breaker]) == ["firing breaker_open"])
    }

    @Test func `a trouble that comes and goes is one trouble`() {
        var watcher = Watcher(book: AlertBook())
        var told: [String] = []
        for round in 0..<500 { told += watcher.look(round % 20 < 10 ? [Self.breaker] : []) }
        #expect(told == ["firing breaker_open"])
        for _ in 0..<60 { told += watcher.look([]) }
        #expect(told == ["firing breaker_open", "resolved breaker_open"])
    }

    @Test func `a trouble that goes on is told again as often as was asked for`() {
        var watcher = Watcher(book: AlertBook(.init(repeatEvery: .minutes(10))))
        var told: [String] = []
        for _ in 0..<1801 { told += watcher.look([Self.breaker]) }
        #expect(told == ["firing breaker_open"] + Array(repeating: "still breaker_open", count: 3))
    }

    @Test func `two troubles are told apart, and kinds that nobody wants to hear of are not told`() {
        var watcher = Watcher(book: AlertBook(.init(kinds: [.breakerOpen])))
        #expect(watcher.look([Self.errors, Self.breaker]) == ["firing breaker_open"])
        watcher.book.rules.kinds = [.errorRate, .breakerOpen]
        #expect(watcher.look([Self.errors, Self.breaker]) == ["firing error_rate"])
        watcher.book.rules.kinds = [.errorRate]
        #expect(watcher.look([Self.errors, Self.breaker]) == ["resolved breaker_open"])
        #expect(watcher.book.isFiring(.errorRate, "openai") && !watcher.book.isFiring(.breakerOpen, "openai/gpt-4o"))
    }

    @Test func `more troubles than there is room for are counted, and those that are told still end`() {
        var watcher = Watcher(book: AlertBook())
        let many = (0..<(AlertBook.troublesMax + 7)).map { AlertCondition(.breakerOpen, "p/\($0)", "Open.") }
        #expect(watcher.look(many).count == AlertBook.troublesMax)
        #expect(watcher.book.untold == 7)
        #expect(watcher.look([], after: 60).count == AlertBook.troublesMax)
        #expect(watcher.book.firing.isEmpty)
    }

    @Test func `what a webhook gets says what it is about, for people and for programs`() {
        let alert = Alert(
            status: .resolved,
            condition: AlertCondition(.latency, "p", "Slow.", [.init("p95Ms", 1500)]),
            since: UnixTime(seconds: 0),
            time: UnixTime(seconds: 600)
        )
        let json = alert.json(gateway: "here:8080")
        #expect(json["status"] == "resolved" && json["kind"] == "latency" && json["subject"] == "p")
        #expect(json["summary"] == "Over after 10 min: Slow.")
        #expect(json["text"] == "[OK] turnpike here:8080: Over after 10 min: Slow.")
        #expect(json["details"]?["p95Ms"] == 1500)
        #expect(json["since"] == "1970-01-01T00:00:00.000Z")
    }

    // MARK: - What is wrong

    private static func figures(answered: Int = 0, failed: Int = 0, took: TimeAmount = .zero) -> HealthFigures {
        let book = HealthBook(loops: 1)
        for _ in 0..<answered { book.add(.answered, provider: "p", latency: took, now: HealthTests.at(0), loop: 0) }
        for _ in 0..<failed {
            book.add(.failed(.providerError), provider: "p", latency: .zero, now: HealthTests.at(0), loop: 0)
        }
        return book.figures(of: ["p"], now: HealthTests.at(0))[0]
    }

    private static func kinds(
        _ rules: AlertRules,
        minute: HealthFigures,
        all: HealthFigures? = nil,
        isFiring: Bool = false
    ) -> [AlertKind] {
        let health = ProviderHealth(name: "p", figures: all ?? minute)
        return rules.conditions(health, minute: minute) { _, _ in isFiring }.map(\.kind)
    }

    @Test func `a share of failures is wrong only where there are enough attempts to judge by`() {
        let rules = AlertRules(errorPercent: 50, callsMin: 20)
        #expect(Self.kinds(rules, minute: Self.figures(answered: 9, failed: 10)).isEmpty)
        #expect(Self.kinds(rules, minute: Self.figures(answered: 10, failed: 10)) == [.errorRate])
        #expect(Self.kinds(rules, minute: Self.figures(answered: 11, failed: 10)).isEmpty)
        #expect(Self.kinds(rules, minute: Self.figures(answered: 1000, failed: 10)).isEmpty)
    }

    @Test func `what people know of is over with good signs, not with no signs at all`() {
        let rules = AlertRules(errorPercent: 50, callsMin: 20)
        let (bad, nothing) = (Self.figures(failed: 30), HealthFigures())
        // Left alone by its breaker, the provider has no attempts in this minute, and failed in those before.
        #expect(Self.kinds(rules, minute: nothing, all: bad, isFiring: true) == [.errorRate])
        #expect(Self.kinds(rules, minute: Self.figures(answered: 2), all: bad, isFiring: true).isEmpty)
        #expect(Self.kinds(rules, minute: Self.figures(failed: 1), all: bad, isFiring: true) == [.errorRate])
        #expect(Self.kinds(rules, minute: nothing, all: nothing, isFiring: true).isEmpty)
        #expect(Self.kinds(rules, minute: nothing, all: bad, isFiring: false).isEmpty)
    }

    @Test func `slowness is judged by the 95th percentile, and only where somebody set a limit`() {
        let slow = Self.figures(answered: 30, took: .seconds(3))
        #expect(Self.kinds(AlertRules(), minute: slow).isEmpty)
        #expect(Self.kinds(AlertRules(latency: .seconds(2)), minute: slow) == [.latency])
        #expect(Self.kinds(AlertRules(latency: .seconds(4)), minute: slow).isEmpty)
        #expect(Self.kinds(AlertRules(latency: .seconds(2), callsMin: 31), minute: slow).isEmpty)
    }

    @Test func `an open breaker and a silent probe are wrong, whatever calls say`() throws {
        let breakers = [BreakerFigures.State.closed, .open, .halfOpen, .heldOpen].enumerated().map {
            BreakerFigures(provider: "p", model: "m\($0)", credentialID: $0 == 1 ? "cred_1" : "", state: $1)
        }
        let probe = ProbeResult(
            isAnswered: false,
            time: UnixTime(seconds: 0),
            took: .zero,
            status: 0,
            reason: "nobody answers",
            failuresInRow: 3
        )
        let health = ProviderHealth(name: "p", figures: HealthFigures(), probe: probe, breakers: breakers)
        let found = AlertRules().conditions(health, minute: HealthFigures()) { _, _ in false }
        #expect(found.map(\.subject) == ["p", "p/m1 cred_1", "p/m2", "p/m3"])
        #expect(found.first?.summary == "The provider 'p' does not answer probes: nobody answers.")
        #expect(try #require(found.last).summary.contains("operator"))
    }

    @Test func `models that clients made up are one trouble for each key, and their names go to nobody's chat`() {
        let breakers = ["m", "<!channel> http://evil", "x1", "x2"].map {
            BreakerFigures(provider: "p", model: $0, credentialID: $0 == "x2" ? "cred_2" : "cred_1", state: .open)
        }
        let health = ProviderHealth(name: "p", figures: HealthFigures(), probe: nil, breakers: breakers)
        let found = AlertRules().conditions(health, minute: HealthFigures(), models: ["m"]) { _, _ in false }
        var book = AlertBook()
        let told = book.observe(found, now: .uptimeNanoseconds(1), time: UnixTime(seconds: 0))
        #expect(told.map(\.condition.subject) == ["p/m cred_1", "p/* cred_1", "p/* cred_2"])
        #expect(!told.contains { $0.json(gateway: "g").text.contains("evil") })
    }
}
