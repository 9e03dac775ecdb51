import Resilience
import Testing

@Suite struct RendezvousTests {
    private static let targets = ["a", "b", "c", "d"].map { Rendezvous.identity(of: "target", $0) }

    /// Who wins a word among `identities`.
    private static func winner(_ word: UInt64, _ identities: [UInt64], _ weights: [Int]) -> UInt64? {
        zip(identities, weights).min {
            Rendezvous.draw(word, $0.0, weight: $0.1) < Rendezvous.draw(word, $1.0, weight: $1.1)
        }?.0
    }

    @Test func `a draw with random words keeps to the weights`() {
        var words = SeededWords(seed: 1)
        var wins: [UInt64: Int] = [:]
        let weights = [5, 3, 2, 0]
        for _ in 0..<20_000 {
            if let winner = Self.winner(words.next(), Self.targets, weights) { wins[winner, default: 0] += 1 }
        }
        #expect((9_700...10_300).contains(wins[Self.targets[0]] ?? 0))
        #expect((5_700...6_300).contains(wins[Self.targets[1]] ?? 0))
        #expect((3_700...4_300).contains(wins[Self.targets[2]] ?? 0))
        #expect(wins[Self.targets[3]] == nil)
    }

    @Test func `users spread by the weights however alike their names are`() {
        var wins: [UInt64: Int] = [:]
        let weights = [4, 2, 1, 1]
        for number in 0..<8_000 {
            let word = "u\(number)".utf8.withContiguousStorageIfAvailable {
                Rendezvous.identity(of: UnsafeRawBufferPointer($0), owner: "demo")
            }
            if let word, let winner = Self.winner(word, Self.targets, weights) { wins[winner, default: 0] += 1 }
        }
        for (target, weight) in zip(Self.targets, weights) {
            #expect((weight * 1_000 - 150...weight * 1_000 + 150).contains(wins[target] ?? 0), "\(wins)")
        }
    }

    @Test func `a target that goes moves only those who were there`() {
        let left = Array(Self.targets.dropLast())
        for number in 0..<2_000 {
            let word = Rendezvous.identity(of: "g", "\(number)")
            let before = Self.winner(word, Self.targets, [1, 1, 1, 1])
            let after = Self.winner(word, left, [1, 1, 1])
            if before != Self.targets.last { #expect(before == after) }
        }
    }

    @Test func `a larger weight only draws users in, a smaller one only lets them go`() {
        var moved = 0
        for number in 0..<4_000 {
            let word = Rendezvous.identity(of: "g", "\(number)")
            let before = Self.winner(word, Self.targets, [5, 95, 0, 0])
            let after = Self.winner(word, Self.targets, [10, 95, 0, 0])
            guard before != after else { continue }
            moved += 1
            #expect(after == Self.targets[0])
        }
        // From 5 % to 9.5 %.
        #expect((120...250).contains(moved))
    }

    @Test func `texts that only join alike are not the same`() {
        #expect(Rendezvous.identity(of: "ab", "c") != Rendezvous.identity(of: "a", "bc"))
        #expect(Rendezvous.identity(of: "a") != Rendezvous.identity(of: "a", ""))
        let bytes = Array("ann".utf8)
        let (one, other) = bytes.withUnsafeBytes {
            (Rendezvous.identity(of: $0, owner: "g"), Rendezvous.identity(of: $0, owner: "h"))
        }
        #expect(one != other)
    }

    @Test func `where somebody goes is the same in every version of the gateway`() {
        // A changed figure here would send everybody elsewhere with the next update.
        #expect(Rendezvous.identity(of: "target", "openai", "gpt-4o") == 0xEFED_72E4_DB34_0384)
        #expect(Rendezvous.mix(1) == 0x5692_161D_100B_05E5)
    }

    @Test(arguments: [UInt64.min, .max, 1])
    func `no word draws what is not a number`(word: UInt64) {
        for weight in [Int.min, 0, 1, .max] {
            let draw = Rendezvous.draw(word, word, weight: weight)
            #expect(draw >= 0 && !draw.isNaN)
        }
    }
}
