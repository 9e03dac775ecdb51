import Core
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

@testable import Limits

private let start: Int64 = 3_600_000_000_000
private let second: Int64 = 1_000_000_000

/// A book with rules, and the short way to ask it.
struct Booth {
    var book: LimitBook
    var now = start

    init(_ rules: LimitRule..., countersMax: Int = LimitBook.countersMax) {
        self.book = LimitBook(countersMax: countersMax)
        self.book.use(rules, now: at(start))
    }

    mutating func admit(
        _ group: String = "demo",
        user: String = "",
        model: String = "m",
        tokens: Int = 0,
        timeout: Int64 = 120 * second
    ) -> LimitDecision {
        let consumer = Consumer(group: group, user: user, key: "k", model: model)
        let request = LimitRequest(consumer: consumer, tokens: tokens, deadline: at(self.now + timeout))
        return self.book.admit(request, now: at(self.now))
    }

    mutating func poll(_ ticket: LimitTicket) -> LimitProgress { self.book.poll(ticket, now: at(self.now)) {} }
}

extension LimitDecision {
    var grant: LimitGrant? { if case .admitted(let grant, _) = self { grant } else { nil } }
    var ticket: LimitTicket? { if case .queued(let ticket) = self { ticket } else { nil } }
    var refusal: LimitRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    var isFree: Bool { if case .free = self { true } else { false } }
}

extension LimitProgress {
    var grant: LimitGrant? { if case .admitted(let grant, _, _) = self { grant } else { nil } }
    var refusal: LimitRefusal? { if case .refused(let refusal, _) = self { refusal } else { nil } }
    var until: NIODeadline? { if case .waiting(let until) = self { until } else { nil } }
}

@Suite struct LimitBookTests {
    @Test func `a call that no rule is about is free`() {
        var booth = Booth(LimitRule(name: "a", scope: Scope([.group: .one("other")]), requestsPerMinute: 1))
        #expect(booth.admit().isFree)
        #expect(booth.book.counters.count == 0)
        #expect(booth.admit("other").grant != nil)
    }

    @Test func `each value of a star is counted by itself, and nobody is not a value`() {
        var booth = Booth(LimitRule(name: "each", scope: Scope([.user: .each]), requestsPerMinute: 1))
        #expect(booth.admit(user: "anna").grant != nil)
        #expect(booth.admit(user: "anna").refusal?.reason == .requests)
        #expect(booth.admit(user: "bert").grant != nil)
        #expect(booth.admit().isFree)
    }

    @Test func `subjects of two stars do not run into each other`() {
        var booth = Booth(
            LimitRule(name: "pair", scope: Scope([.user: .each, .model: .each]), requestsPerMinute: 1)
        )
        #expect(booth.admit(user: "a", model: "bc").grant != nil)
        #expect(booth.admit(user: "ab", model: "c").grant != nil)
        #expect(booth.admit(user: "a", model: "bc").refusal != nil)
        #expect(booth.admit(user: "1:a", model: "b").grant != nil)
        #expect(booth.admit(user: "1", model: "a1:b").grant != nil)
    }

    @Test func `all rules or none: what one refuses takes nothing from the others`() {
        var booth = Booth(
            LimitRule(name: "wide", scope: Scope([.group: .one("demo")]), requestsPerMinute: 100),
            LimitRule(name: "tight", scope: Scope([.model: .one("m")]), requestsPerMinute: 2)
        )
        #expect(booth.admit().grant != nil)
        #expect(booth.admit().grant != nil)
        for _ in 0..<50 { #expect(booth.admit().refusal?.rule == "tight") }
        // 98 are left of the wide one, for another model.
        for _ in 0..<98 { #expect(booth.admit(model: "other").grant != nil) }
        #expect(booth.admit(model: "other").refusal?.rule == "wide")
    }

    @Test func `a refusal names the rule, what ran out, and the time after which the call passes`() throws {
        var booth = Booth(
            LimitRule(name: "slow", scope: Scope([.group: .one("demo")]), requestsPerMinute: 6),
            LimitRule(name: "tokens", scope: Scope([.group: .one("demo")]), tokensPerMinute: 600)
        )
        for _ in 0..<6 { #expect(booth.admit(tokens: 100).grant != nil) }
        let refusal = try #require(booth.admit(tokens: 300).refusal)
        // 300 tokens take 30 s, one request 10 s: both must be there.
        #expect(refusal.rule == "tokens")
        #expect(refusal.reason == .tokens)
        #expect(refusal.limit == 600)
        #expect(refusal.needed == 300)
        let wait = try #require(refusal.wait)
        #expect(wait == .seconds(30))
        booth.now += wait.nanoseconds
        #expect(booth.admit(tokens: 300).grant != nil)
    }

    @Test func `a request larger than the limit can never pass and is told so`() {
        var booth = Booth(
            LimitRule(name: "t", scope: Scope(), tokensPerMinute: 1000, queue: .seconds(60))
        )
        let refusal = booth.admit(tokens: 1001).refusal
        #expect(refusal?.reason == .tokens)
        #expect(refusal?.wait == nil)
        #expect(refusal?.needed == 1001)
        #expect(booth.admit(tokens: 1000).grant != nil)
    }

    @Test func `real use replaces the estimate`() throws {
        var booth = Booth(LimitRule(name: "t", scope: Scope(), tokensPerMinute: 1000))
        let first = try #require(booth.admit(tokens: 900).grant)
        #expect(booth.admit(tokens: 200).refusal != nil)
        booth.book.settle(first, tokens: 300, now: at(booth.now))
        let second = try #require(booth.admit(tokens: 200).grant)
        booth.book.release(first, tokens: 500, now: at(booth.now))
        #expect(booth.admit(tokens: 301).refusal != nil)
        booth.book.release(second, tokens: nil, now: at(booth.now))
        #expect(booth.admit(tokens: 300).grant != nil)
    }

    @Test func `what a call holds is given back once, however often it is released`() throws {
        var booth = Booth(LimitRule(name: "c", scope: Scope(), concurrent: 2))
        let first = try #require(booth.admit().grant)
        let second = try #require(booth.admit().grant)
        #expect(booth.admit().refusal?.reason == .concurrency)
        booth.book.release(first, tokens: nil, now: at(booth.now))
        booth.book.release(first, tokens: nil, now: at(booth.now))
        let third = try #require(booth.admit().grant)
        #expect(booth.admit().refusal != nil)
        // The place of the first is used again by the third, whom its old grant must not touch.
        booth.book.release(first, tokens: nil, now: at(booth.now))
        booth.book.settle(first, tokens: 5, now: at(booth.now))
        #expect(booth.admit().refusal != nil)
        for grant in [second, third] { booth.book.release(grant, tokens: nil, now: at(booth.now)) }
        #expect(booth.book.holds.count == 0)
    }

    @Test func `answers say what is left of the tightest limits`() throws {
        var booth = Booth(
            LimitRule(name: "a", scope: Scope(), requestsPerMinute: 100, tokensPerMinute: 50_000),
            LimitRule(name: "b", scope: Scope([.group: .each]), requestsPerMinute: 10, tokensPerMinute: 90_000)
        )
        guard case .admitted(_, let standing) = booth.admit(tokens: 1000) else {
            Issue.record("the first call was not let in")
            return
        }
        #expect(standing.requests?.limit == 10)
        #expect(standing.requests?.remaining == 9)
        #expect(standing.requests?.resetMilliseconds == 6000)
        #expect(standing.tokens?.limit == 50_000)
        #expect(standing.tokens?.remaining == 49_000)
        #expect(standing.tokens?.resetMilliseconds == 1200)
    }

    @Test func `refusals are worth a line once a second, which says how many there were`() {
        var booth = Booth(LimitRule(name: "a", scope: Scope(), requestsPerMinute: 1))
        #expect(booth.admit().grant != nil)
        #expect(booth.admit().refusal?.unlogged == 1)
        for _ in 0..<9 { #expect(booth.admit().refusal?.unlogged == 0) }
        booth.now += second
        #expect(booth.admit().refusal?.unlogged == 10)
    }

    // MARK: - Memory

    @Test func `counters of those who left are dropped`() {
        var booth = Booth(LimitRule(name: "each", scope: Scope([.user: .each]), requestsPerMinute: 60))
        for number in 0..<10_000 {
            if let grant = booth.admit(user: "user\(number)").grant {
                booth.book.release(grant, tokens: nil, now: at(booth.now))
            }
            booth.now += 10_000_000
        }
        // Each is full again after a second, which is a hundred of them.
        #expect(booth.book.counters.count < 1000)
    }

    @Test func `beyond the most counters newcomers are counted together, never not at all`() {
        var booth = Booth(
            LimitRule(name: "each", scope: Scope([.user: .each]), requestsPerMinute: 2),
            countersMax: 100
        )
        var admitted = 0
        for number in 0..<500 where booth.admit(user: "user\(number)").grant != nil { admitted += 1 }
        #expect(admitted == 102)
        #expect(booth.book.counters.count == 101)
        #expect(booth.admit(user: "user7").grant != nil)
    }

    @Test func `a counter that a waiting or running call needs is never dropped under it`() throws {
        var booth = Booth(
            LimitRule(name: "each", scope: Scope([.user: .each]), requestsPerMinute: 600_000, concurrent: 1),
            LimitRule(name: "all", scope: Scope(), concurrent: 1, queue: .seconds(100))
        )
        let running = try #require(booth.admit(user: "u0").grant)
        let waiting = try #require(booth.admit(user: "u1").ticket)
        for number in 2..<300 {
            booth.now += 1_000_000
            if let ticket = booth.admit(user: "u\(number)").ticket {
                booth.book.cancel(ticket, now: at(booth.now))
            }
        }
        booth.book.release(running, tokens: nil, now: at(booth.now))
        let grant = try #require(booth.poll(waiting).grant)
        #expect(booth.admit(user: "u1").refusal?.rule == "each")
        booth.book.release(grant, tokens: nil, now: at(booth.now))
        #expect(booth.admit(user: "u1").grant != nil)
    }

    // MARK: - Reload

    @Test func `a rule that stays goes on counting, with its new figures`() throws {
        var booth = Booth(
            LimitRule(name: "a", scope: Scope([.group: .each]), requestsPerMinute: 10, concurrent: 3)
        )
        let grants = try (0..<3).map { _ in try #require(booth.admit().grant) }
        for grant in grants { booth.book.release(grant, tokens: nil, now: at(booth.now)) }
        for _ in 0..<3 { #expect(booth.admit().grant != nil) }
        booth.book.use(
            [LimitRule(name: "a", scope: Scope([.group: .each]), requestsPerMinute: 20, concurrent: 4)],
            now: at(booth.now)
        )
        #expect(booth.admit().grant != nil)
        #expect(booth.admit().refusal?.reason == .concurrency)
        booth.book.use(
            [LimitRule(name: "a", scope: Scope([.group: .each]), requestsPerMinute: 20)],
            now: at(booth.now)
        )
        // Six of ten were used, so twelve of twenty; one since.
        var admitted = 0
        while booth.admit().grant != nil { admitted += 1 }
        #expect(admitted == 7)
    }

    @Test func `a rule that goes lets in who waited for it, and is forgotten with the last that holds it`() throws {
        var booth = Booth(LimitRule(name: "a", scope: Scope(), concurrent: 1, queue: .seconds(60)))
        let running = try #require(booth.admit().grant)
        let waiting = try #require(booth.admit().ticket)
        booth.book.use([], now: at(booth.now))
        let grant = try #require(booth.poll(waiting).grant)
        #expect(booth.admit().isFree)
        booth.book.release(running, tokens: nil, now: at(booth.now))
        booth.book.release(grant, tokens: nil, now: at(booth.now))
        #expect(booth.book.counters.count == 0)
        #expect(booth.book.holds.count == 0)
        #expect(booth.book.waiting == 0)
    }

    @Test func `those who wait are judged by the new rules`() throws {
        var booth = Booth(LimitRule(name: "a", scope: Scope(), concurrent: 1, queue: .seconds(60)))
        _ = try #require(booth.admit().grant)
        let tickets = try (0..<3).map { _ in try #require(booth.admit().ticket) }
        booth.book.use(
            [LimitRule(name: "a", scope: Scope(), concurrent: 2, queue: .seconds(60), queueMax: 1)],
            now: at(booth.now)
        )
        #expect(booth.poll(tickets[0]).grant != nil)
        #expect(booth.poll(tickets[1]).until != nil)
        #expect(booth.poll(tickets[2]).refusal != nil)
        #expect(booth.book.waiting == 1)
    }
}
