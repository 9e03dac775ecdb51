/// A fast generator with a seed, so that a failure can be had again (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to `bound`, which is positive.
    package mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: self.next() >> 33) % bound }

    package mutating func pick<Element>(_ choices: [Element]) -> Element { choices[self.below(choices.count)] }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool { self.below(count) == 0 }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) }
    }

    /// Visible ASCII characters.
    package mutating func text(_ length: Int) -> String {
        String(decoding: (0..<length).map { _ in UInt8(ascii: "!") + UInt8(self.below(94)) }, as: UTF8.self)
    }
}
