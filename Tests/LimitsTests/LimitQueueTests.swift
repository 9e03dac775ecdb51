import Core
import NIOConcurrencyHelpers
import NIOCore
import TestKit
import Testing

@testable import Limits

private let second: Int64 = 1_000_000_000

@Suite struct LimitQueueTests {
    @Test func `a call that has to wait is let in when its units have come in`() throws {
        var booth = Booth(LimitRule(name: "r", scope: Scope(), requestsPerMinute: 60, queue: .seconds(5)))
        for _ in 0..<60 { #expect(booth.admit().grant != nil) }
        let first = try #require(booth.admit().ticket)
        let other = try #require(booth.admit().ticket)
        #expect(booth.poll(first).until == at(booth.now + second))
        booth.now += second - 1
        #expect(booth.poll(first).grant == nil)
        booth.now += 1
        #expect(booth.poll(other).grant == nil)
        #expect(booth.poll(first).grant != nil)
        #expect(booth.poll(other).until == at(booth.now + second))
        // A newcomer does not slip in before the one that waits.
        booth.now += second
        let late = try #require(booth.admit().ticket)
        #expect(booth.poll(other).grant != nil)
        #expect(booth.poll(late).until == at(booth.now + second))
        #expect(booth.book.waiting == 1)
    }

    @Test func `a call that cannot make its time is refused at once, with the honest wait`() throws {
        var booth = Booth(LimitRule(name: "r", scope: Scope(), requestsPerMinute: 60, queue: .seconds(5)))
        for _ in 0..<60 { #expect(booth.admit().grant != nil) }
        let tickets = try (0..<5).map { _ in try #require(booth.admit().ticket) }
        let refusal = try #require(booth.admit().refusal)
        #expect(refusal.reason == .deadline)
        #expect(refusal.wait == .seconds(6))
        #expect(refusal.patience == .seconds(5))
        // Its own time counts as well.
        for ticket in tickets.dropFirst() { booth.book.cancel(ticket, now: at(booth.now)) }
        let short = try #require(booth.admit(timeout: 1_900_000_000).refusal)
        #expect(short.reason == .deadline)
        #expect(short.wait == .seconds(2))
        #expect(booth.admit(timeout: 2 * second).ticket != nil)
    }

    @Test func `a queue takes no more than it may, and says so`() throws {
        var booth = Booth(
            LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(60), queueMax: 3)
        )
        #expect(booth.admit().grant != nil)
        for _ in 0..<3 { #expect(booth.admit().ticket != nil) }
        let refusal = try #require(booth.admit().refusal)
        #expect(refusal.reason == .queueFull)
        #expect(refusal.limit == 3)
    }

    @Test func `a place that becomes free wakes the next one, who has it when it looks`() throws {
        var booth = Booth(LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(60)))
        let running = try #require(booth.admit().grant)
        let ticket = try #require(booth.admit().ticket)
        let woken = NIOLockedValueBox(0)
        let progress = booth.book.poll(ticket, now: at(booth.now)) { woken.withLockedValue { $0 += 1 } }
        #expect(progress.until == at(booth.now + 60 * second))
        booth.book.release(running, tokens: nil, now: at(booth.now))
        for wake in booth.book.wakes { wake() }
        #expect(woken.withLockedValue { $0 } == 1)
        // It is let in already, so nobody else can be, before it even looks.
        #expect(booth.admit().ticket != nil)
        #expect(booth.poll(ticket).grant != nil)
    }

    @Test func `who waits in vain is told after its time, and the next one moves up`() throws {
        var booth = Booth(LimitRule(name: "c", scope: Scope(), concurrent: 1, queue: .seconds(5)))
        #expect(booth.admit().grant != nil)
        let ticket = try #require(booth.admit().ticket)
        booth.now += 3 * second
        let later = try #require(booth.admit().ticket)
        booth.now += 2 * second - 1
        #expect(booth.poll(ticket).until != nil)
        booth.now += 1
        let refusal = try #require(booth.poll(ticket).refusal)
        #expect(refusal.reason == .deadline)
        #expect(refusal.patience == .seconds(5))
        #expect(booth.book.waiting == 1)
        #expect(booth.poll(later).until != nil)
        // A ticket that was used up is nobody's.
        #expect(booth.poll(ticket).refusal != nil)
        booth.book.cancel(ticket, now: at(booth.now))
        #expect(booth.book.waiting == 1)
    }

    /// Row 91: whoever leaves holds nothing, even if it was let in at that very moment.
    @Test func `a call that leaves while it waits gives its place back`() throws {
        var booth = Booth(
            LimitRule(name: "c", scope: Scope(), requestsPerMinute: 10, concurrent: 1, queue: .seconds(60))
        )
        let running = try #require(booth.admit().grant)
        let leaving = try #require(booth.admit().ticket)
        let staying = try #require(booth.admit().ticket)
        booth.book.release(running, tokens: nil, now: at(booth.now))
        booth.book.cancel(leaving, now: at(booth.now))
        #expect(booth.poll(staying).grant != nil)
        #expect(booth.book.holds.count == 1)
        // The one that left does not count as a request: two of ten are used.
        #expect(booth.book.counters[booth.book.counters.slots[0]].requests?.remaining(now: at(booth.now)) == 8)
    }

    @Test func `two groups share one limit by weight while both wait`() throws {
        var booth = Booth(
            LimitRule(name: "model", scope: Scope([.model: .one("m")]), requestsPerMinute: 600, queue: .seconds(60)),
            LimitRule(name: "heavy", scope: Scope([.group: .one("b")]), weight: 3)
        )
        for _ in 0..<600 { #expect(booth.admit().grant != nil) }
        // One group brings ten times as many.
        var tickets: [(group: String, ticket: LimitTicket)] = []
        for index in 0..<330 {
            let group = index < 300 ? "a" : "b"
            tickets.append((group, try #require(booth.admit(group).ticket)))
        }
        var served: [String: Int] = [:]
        for _ in 0..<40 {
            booth.now += second / 10
            for (index, one) in tickets.enumerated().reversed() where booth.poll(one.ticket).grant != nil {
                served[one.group, default: 0] += 1
                tickets.remove(at: index)
            }
        }
        #expect(served["a", default: 0] + served["b", default: 0] == 40)
        #expect((29...31).contains(served["b"] ?? 0), "\(served)")
    }

    @Test func `in the queue of one group its people take turns`() throws {
        var booth = Booth(
            LimitRule(name: "g", scope: Scope([.group: .one("demo")]), requestsPerMinute: 60, queue: .seconds(60))
        )
        for _ in 0..<60 { #expect(booth.admit().grant != nil) }
        for _ in 0..<20 { #expect(booth.admit(user: "anna").ticket != nil) }
        let bert = try #require(booth.admit(user: "bert").ticket)
        booth.now += 2 * second
        #expect(booth.poll(bert).grant != nil)
    }

    @Test func `a call under two full limits waits for both, and takes from neither meanwhile`() throws {
        var booth = Booth(
            LimitRule(name: "c", scope: Scope([.group: .one("demo")]), concurrent: 1, queue: .seconds(60)),
            LimitRule(name: "r", scope: Scope([.model: .one("m")]), requestsPerMinute: 60, queue: .seconds(60))
        )
        for _ in 0..<59 { #expect(booth.admit("other").grant != nil) }
        let running = try #require(booth.admit().grant)
        let ticket = try #require(booth.admit().ticket)
        #expect(booth.admit("other").refusal == nil)
        booth.now += second / 2
        booth.book.release(running, tokens: nil, now: at(booth.now))
        #expect(booth.poll(ticket).grant == nil)
        for _ in 0..<10 {
            booth.now += second
            if booth.poll(ticket).grant != nil { return }
        }
        Issue.record("it was never let in")
    }

    @Test func `a rule that lets nobody wait refuses even where another would let wait`() throws {
        var booth = Booth(
            LimitRule(name: "patient", scope: Scope(), requestsPerMinute: 1, queue: .seconds(90)),
            LimitRule(name: "strict", scope: Scope(), requestsPerMinute: 1)
        )
        #expect(booth.admit().grant != nil)
        let refusal = try #require(booth.admit().refusal)
        #expect(refusal.rule == "strict")
        #expect(refusal.reason == .requests)
    }

    /// Every interleaving ends with nothing held, nobody waiting, and each call answered once (row 91).
    @Test(arguments: 0..<40)
    func `whatever happens in whatever order no permit leaks and nobody is forgotten`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var booth = Booth(
            LimitRule(name: "c", scope: Scope([.group: .each]), concurrent: 2, queue: .seconds(3), queueMax: 8),
            LimitRule(name: "m", scope: Scope([.model: .one("m")]), concurrent: 3, queue: .seconds(2), priority: 2),
            LimitRule(name: "t", scope: Scope([.user: .each]), tokensPerMinute: 6000, queue: .seconds(4)),
            LimitRule(name: "r", scope: Scope([.group: .one("a")]), requestsPerMinute: 300),
            countersMax: 6
        )
        let rules = booth.book.rules
        var running: [LimitGrant] = []
        var waiting: [LimitTicket] = []
        var counts = (asked: 0, admitted: 0, refused: 0, left: 0)
        for _ in 0..<2000 {
            booth.now += Int64(random.below(40_000_000))
            switch random.below(8) {
            case 0, 1, 2:
                counts.asked += 1
                let decision = booth.admit(
                    random.pick(["a", "b", "c"]),
                    user: random.pick(["x", "y", ""]),
                    model: random.pick(["m", "n"]),
                    tokens: random.below(400),
                    timeout: Int64(random.below(5)) * second
                )
                switch decision {
                case .admitted(let grant, _):
                    running.append(grant)
                    counts.admitted += 1
                case .queued(let ticket): waiting.append(ticket)
                case .refused: counts.refused += 1
                case .free: counts.left += 1
                }
            case 3, 4:
                guard !running.isEmpty else { continue }
                let grant = running.remove(at: random.below(running.count))
                booth.book.release(grant, tokens: random.oneIn(2) ? random.below(800) : nil, now: at(booth.now))
            case 5:
                guard !waiting.isEmpty else { continue }
                booth.book.cancel(waiting.remove(at: random.below(waiting.count)), now: at(booth.now))
                counts.left += 1
            case 6 where random.oneIn(40):
                booth.book.use(random.oneIn(3) ? Array(rules.dropFirst(random.below(3))) : rules, now: at(booth.now))
            default:
                for (index, ticket) in waiting.enumerated().reversed() {
                    switch booth.poll(ticket) {
                    case .waiting(let until): #expect(until > at(booth.now))
                    case .admitted(let grant, _, _):
                        running.append(grant)
                        waiting.remove(at: index)
                        counts.admitted += 1
                    case .refused:
                        waiting.remove(at: index)
                        counts.refused += 1
                    }
                }
            }
            booth.book.wakes = []
            #expect(booth.book.counters.count <= 6 + rules.count + 1)
            for slot in booth.book.counters.slots {
                #expect(booth.book.counters[slot].holds >= 0)
                #expect(booth.book.counters[slot].queued == booth.book.queues[slot]?.count ?? 0)
            }
        }
        for ticket in waiting { booth.book.cancel(ticket, now: at(booth.now)) }
        for grant in running { booth.book.release(grant, tokens: nil, now: at(booth.now)) }
        counts.left += waiting.count
        #expect(counts.asked == counts.admitted + counts.refused + counts.left)
        Self.expectNothingLeft(in: booth.book)
    }

    private static func expectNothingLeft(in book: LimitBook) {
        #expect(book.waiting == 0)
        #expect(book.tickets.isEmpty)
        #expect(book.queues.isEmpty)
        #expect(book.holds.count == 0)
        #expect(book.counters.slots.allSatisfy { book.counters[$0].holds == 0 })
    }

    /// Row 81: offered ten times the limit, for a minute, admitted within the bound.
    @Test(arguments: [60, 600, 6000])
    func `ten times the load gets the limit and the burst, with a queue as without`(limit: Int) {
        for queue in [nil, TimeAmount.seconds(2)] {
            var booth = Booth(LimitRule(name: "r", scope: Scope(), requestsPerMinute: limit, queue: queue))
            var waiting: [LimitTicket] = []
            var admitted = 0
            let step = 60 * second / Int64(limit * 10)
            for _ in 0..<(limit * 10) {
                switch booth.admit() {
                case .admitted: admitted += 1
                case .queued(let ticket): waiting.append(ticket)
                default: break
                }
                if let first = waiting.first {
                    let progress = booth.poll(first)
                    if progress.until == nil { waiting.removeFirst() }
                    if progress.grant != nil { admitted += 1 }
                }
                booth.now += step
            }
            for ticket in waiting where booth.poll(ticket).grant != nil { admitted += 1 }
            #expect(admitted <= 2 * limit)
            #expect(admitted >= 2 * limit - 1 - limit / 100, "\(admitted)")
        }
    }
}
