import Core
import Metering
import TestKit
import Testing

@Suite struct BudgetBookTests {
    private static let noon = UnixTime(seconds: 1_795_262_400)  // 2026-11-21T12:00:00Z
    private static let demo = Consumer(group: "demo", user: "ann", key: "k1", model: "fast")

    private static func book(_ rules: [BudgetRule]) -> BudgetBook {
        var book = BudgetBook()
        _ = book.use(rules, now: Self.noon)
        return book
    }

    private static func rule(
        _ limit: Int64,
        _ matches: [Scope.Dimension: Scope.Match] = [.group: .one("demo")],
        per window: BudgetWindow = .month,
        _ mode: BudgetRule.Mode = .hard,
        unit: BudgetUnit = .money,
        alerts: [Int] = []
    ) -> BudgetRule {
        BudgetRule(
            name: "b",
            scope: Scope(matches),
            unit: unit,
            limit: limit,
            window: window,
            mode: mode,
            alerts: alerts
        )
    }

    private static func money(_ value: Int64) -> BudgetBook.Need { .init(money: MicroDollars(value), requests: 1) }

    @Test func `exactly as many calls are let in as the budget covers (rows 69, 70)`() throws {
        for seed in 0..<200 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var book = Self.book([Self.rule(100)])
            var open: [BudgetBook.Reservation] = []
            var admitted = 0
            for _ in 0..<1000 {
                if let reservation = try? book.reserve(Self.money(1), for: Self.demo, at: Self.noon) {
                    admitted += 1
                    open.append(reservation)
                }
                if !open.isEmpty, Bool.random(using: &generator) {
                    let one = open.remove(at: Int.random(in: 0..<open.count, using: &generator))
                    _ = book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(1))
                }
            }
            #expect(admitted == 100)
            for one in open { _ = book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(1)) }
            let standing = try #require(book.standings(at: Self.noon).first)
            #expect(standing.spent == 100)
            #expect(standing.reserved == 0)
        }
    }

    @Test func `reserve, extend, settle and void in any order keep every sum, and never pass the limit (row 72)`()
        throws
    {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let limit = Int64.random(in: 0...500, using: &generator)
            var book = Self.book([
                Self.rule(limit), Self.rule(limit * 2, [:], per: .day), Self.rule(1, [:], per: .week, .soft),
            ])
            var open: [(BudgetBook.Reservation, Int64)] = []
            var spent: Int64 = 0
            for _ in 0..<200 {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0, 1:
                    let amount = Int64.random(in: 0...60, using: &generator)
                    if let one = try? book.reserve(Self.money(amount), for: Self.demo, at: Self.noon) {
                        open.append((one, amount))
                    }
                case 2 where !open.isEmpty:
                    let place = Int.random(in: 0..<open.count, using: &generator)
                    let more = Int64.random(in: 0...30, using: &generator)
                    if book.extend(&open[place].0, byMoney: MicroDollars(more)) { open[place].1 += more }
                case 3 where !open.isEmpty:
                    let (one, amount) = open.remove(at: Int.random(in: 0..<open.count, using: &generator))
                    let used = Bool.random(using: &generator) ? 0 : Int64.random(in: 0...amount, using: &generator)
                    spent += used
                    _ = book.settle(one, of: Self.demo, at: Self.noon, used: .init(money: MicroDollars(used)))
                default: break
                }
                let reserved = open.reduce(0) { $0 + $1.1 }
                let standing = try #require(book.standings(at: Self.noon).first)
                #expect(standing.spent == spent)
                #expect(standing.reserved == reserved)
                #expect(spent + reserved <= limit)
            }
        }
    }

    @Test func `a call that outlives rules and counters goes on in those that are left`() throws {
        for used in [Int64(0), 7] {
            let (kept, gone) = (Self.rule(100), Self.rule(100, [:], per: .day))
            var book = Self.book([kept, gone])
            // Another consumer's counter, which goes away and moves what stands behind it.
            let other = try book.reserve(Self.money(1), for: Consumer(group: "other"), at: Self.noon)
            var free = try book.reserve(Self.money(0), for: Self.demo, at: Self.noon)
            var paid = try book.reserve(Self.money(10), for: Self.demo, at: Self.noon)
            _ = book.settle(other, of: Consumer(group: "other"), at: Self.noon, used: .init())
            _ = book.use([kept], now: Self.noon)
            #expect(book.extend(&free, byMoney: MicroDollars(5)))
            #expect(book.extend(&paid, byMoney: MicroDollars(5)))
            #expect(book.standings(at: Self.noon).map(\.reserved) == [15])
            for one in [free, paid] { _ = book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(used)) }
            #expect(book.standings(at: Self.noon).map(\.reserved) == [0])
            #expect(book.standings(at: Self.noon).map(\.spent) == [2 * used])
            #expect(book.reservedTotal == 0)
        }
    }

    @Test func `a refusal names the tightest budget and when it renews`() throws {
        var book = Self.book([
            Self.rule(50), BudgetRule(name: "ann", scope: Scope([.user: .each]), limit: 10, window: .day),
        ])
        do {
            _ = try book.reserve(Self.money(11), for: Self.demo, at: Self.noon)
            Issue.record("it was let in")
        } catch {
            #expect(error.rule.name == "ann")
            #expect(error.subject[.user] == "ann")
            #expect(error.renewsAt == UnixTime(seconds: 1_795_305_600))
        }
        // Nothing was set aside in the other one.
        #expect(book.reservedTotal == 0)
        _ = try book.reserve(Self.money(10), for: Self.demo, at: Self.noon)
        #expect(throws: BudgetRefusal.self) { try book.reserve(Self.money(1), for: Self.demo, at: Self.noon) }
        _ = try book.reserve(Self.money(10), for: Consumer(group: "demo", user: "bob"), at: Self.noon)
    }

    @Test func `a soft budget warns, at each threshold once`() throws {
        var book = Self.book([Self.rule(100, [:], per: .month, .soft, alerts: [50, 100])])
        var alerts: [Int] = []
        for _ in 0..<15 {
            let one = try book.reserve(Self.money(10), for: Self.demo, at: Self.noon)
            alerts += book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(10)).map(\.percent)
        }
        #expect(alerts == [50, 100])
    }

    @Test func `what was spent before counts, and was warned of before`() throws {
        var book = BudgetBook()
        let rule = Self.rule(100, alerts: [50])
        let lines = book.use([rule], now: Self.noon)
        #expect(lines == [rule.line])
        book.load(Self.money(60), of: Self.demo, at: Self.noon, into: lines)
        book.settleAlerts()
        #expect(throws: BudgetRefusal.self) { try book.reserve(Self.money(41), for: Self.demo, at: Self.noon) }
        let one = try book.reserve(Self.money(40), for: Self.demo, at: Self.noon)
        #expect(book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(1)).isEmpty)
    }

    @Test func `a clock that jumps renews no budget twice (row 80)`() throws {
        var book = Self.book([Self.rule(100, per: .day)])
        let one = try book.reserve(Self.money(100), for: Self.demo, at: Self.noon)
        _ = book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(100))
        for days in [-400, -1, 0] as [Int64] {
            #expect(throws: BudgetRefusal.self) {
                try book.reserve(Self.money(1), for: Self.demo, at: Self.noon.adding(days: days))
            }
        }
        for days in [1, 400] as [Int64] {
            let later = Self.noon.adding(days: days)
            let other = try book.reserve(Self.money(100), for: Self.demo, at: later)
            _ = book.settle(other, of: Self.demo, at: later, used: Self.money(100))
        }
        // Back, and forth again: every window remembers what was spent in it.
        for days in [0, 1, 400] as [Int64] {
            #expect(throws: BudgetRefusal.self) {
                try book.reserve(Self.money(1), for: Self.demo, at: Self.noon.adding(days: days))
            }
        }
    }

    @Test func `counters of windows that are long over go, and none that is needed (row 80)`() throws {
        var book = Self.book([Self.rule(100, per: .day)])
        func spend(at time: UnixTime) throws {
            let one = try book.reserve(Self.money(100), for: Self.demo, at: time)
            _ = book.settle(one, of: Self.demo, at: time, used: Self.money(100))
        }
        try spend(at: Self.noon)
        let tomorrow = Self.noon.adding(days: 1)
        try spend(at: tomorrow)
        for _ in 0..<BudgetBook.ageMax { book.prune(at: tomorrow) }
        #expect(throws: BudgetRefusal.self) { try spend(at: Self.noon) }
        book.prune(at: tomorrow)
        #expect(throws: BudgetRefusal.self) { try spend(at: tomorrow) }
        #expect(book.standings(at: Self.noon).first?.spent == 0)
    }

    @Test func `windows begin at midnight UTC, on Mondays, and on the first`() {
        let start = { (window: BudgetWindow) in window.start(at: Self.noon) }
        #expect(start(.day) == UnixTime(seconds: 1_795_219_200))
        #expect(start(.week) == UnixTime(seconds: 1_794_787_200))  // Monday, 16 November
        #expect(start(.month) == UnixTime(seconds: 1_793_491_200))
        #expect(BudgetWindow.month.end(from: start(.month)) == UnixTime(seconds: 1_796_083_200))
        #expect(BudgetWindow.total.end(from: start(.total)) == nil)
        let newYear = BudgetWindow.month.end(from: UnixTime(seconds: 1_796_083_200))
        #expect(newYear == UnixTime(seconds: 1_798_761_600))
    }

    @Test func `a reload keeps what was counted, and counts anew only what nobody counted`() throws {
        var book = Self.book([Self.rule(100)])
        let open = try book.reserve(Self.money(30), for: Self.demo, at: Self.noon)
        let second = Self.rule(45, per: .day)
        #expect(
            book.use([Self.rule(40), second], now: Self.noon) == [
                second.line
            ]
        )
        #expect(throws: BudgetRefusal.self) { try book.reserve(Self.money(11), for: Self.demo, at: Self.noon) }
        _ = book.settle(open, of: Self.demo, at: Self.noon, used: Self.money(30))
        _ = try book.reserve(Self.money(10), for: Self.demo, at: Self.noon)
    }

    @Test func `a group's key that is no person's is not held to the people's budget`() throws {
        var book = Self.book([Self.rule(5, [.user: .each])])
        _ = try book.reserve(Self.money(100), for: Consumer(group: "demo"), at: Self.noon)
        #expect(throws: BudgetRefusal.self) { try book.reserve(Self.money(6), for: Self.demo, at: Self.noon) }
    }

    @Test func `sums stay at the end of their range instead of wrapping (row 72)`() throws {
        var book = Self.book([Self.rule(.max, [:])])
        let one = try book.reserve(Self.money(.max), for: Self.demo, at: Self.noon)
        _ = book.settle(one, of: Self.demo, at: Self.noon, used: Self.money(.max))
        let two = try? book.reserve(Self.money(1), for: Self.demo, at: Self.noon)
        #expect(two == nil)
        book.load(Self.money(.max), of: Self.demo, at: Self.noon, into: [Self.rule(.max, [:]).line])
        #expect(book.standings(at: Self.noon).first?.spent == .max)
    }
}

extension BudgetBook {
    /// Finds what is about a consumer and sets aside, as the meter does.
    fileprivate mutating func reserve(
        _ need: Need,
        for consumer: Consumer,
        at time: UnixTime
    ) throws(BudgetRefusal) -> Reservation {
        var claims = self.claims(of: consumer, at: time)
        try self.reserve(need, &claims)
        return claims
    }
}
