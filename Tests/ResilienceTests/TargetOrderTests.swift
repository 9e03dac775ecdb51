import Resilience
import Testing

@Suite struct TargetOrderTests {
    private static func order(_ entries: (tier: UInt8, score: Double)...) -> TargetOrder {
        var order = TargetOrder()
        for (position, entry) in entries.enumerated() { order.add(position, tier: entry.tier, score: entry.score) }
        return order
    }

    private static func positions(_ order: TargetOrder) -> [Int] { (0..<order.count).map { order[$0] } }

    @Test func `fitness goes before score, and score before place`() {
        let order = Self.order((1, 0), (0, 5), (0, 2), (0, 2), (4, -1))
        #expect(Self.positions(order) == [2, 3, 1, 0, 4])
        #expect(order.bestCount == 3)
        #expect(order.tier(at: 3) == 1)
    }

    @Test func `what is no number comes last and upsets nothing`() {
        let order = Self.order((0, .nan), (0, 3), (0, .infinity), (0, 1))
        #expect(Self.positions(order) == [3, 1, 0, 2])
    }

    @Test func `only the best are kept where there are too many`() {
        var order = TargetOrder()
        for position in 0..<64 { order.add(position, tier: 0, score: Double((position * 37) % 64)) }
        #expect(order.count == TargetOrder.countMax)
        #expect(Self.positions(order).map { ($0 * 37) % 64 } == Array(0..<16))
    }

    @Test func `turns are taken by those who can, the rest stays behind them`() {
        var order = Self.order((0, 0), (4, 1), (0, 2), (0, 3))
        order.rotate(by: 4)
        #expect(Self.positions(order) == [2, 3, 0, 1])
        var single = Self.order((0, 0), (1, 1))
        single.rotate(by: .max)
        #expect(Self.positions(single) == [0, 1])
    }

    @Test func `the better one of two is first, and each two come up equally often`() {
        var words = SeededWords(seed: 3)
        var firsts = [0, 0, 0, 0]
        for _ in 0..<12_000 {
            var order = Self.order((0, 10), (0, 20), (0, 30), (0, 40))
            order.pickOfTwo(words.next())
            let picked = Self.positions(order)
            #expect(picked[0] < picked[1] && picked.sorted() == [0, 1, 2, 3])
            firsts[picked[0]] += 1
        }
        // Of the six pairs, the best is in three, the second best leads two, the third one, the worst none.
        #expect((5_800...6_200).contains(firsts[0]) && (3_800...4_200).contains(firsts[1]), "\(firsts)")
        #expect((1_800...2_200).contains(firsts[2]) && firsts[3] == 0, "\(firsts)")
    }

    @Test func `of two the better one always leads, and what is not to be chosen is not picked`() {
        var words = SeededWords(seed: 4)
        for _ in 0..<200 {
            var two = Self.order((0, 2), (0, 1))
            two.pickOfTwo(words.next())
            #expect(Self.positions(two) == [1, 0])
            var standby = Self.order((0, 1), (0, .infinity), (0, 2), (0, 3), (1, 0))
            standby.pickOfTwo(words.next())
            #expect(standby[0] != 1 && standby[1] != 1 && standby[4] == 4)
        }
    }
}
