internal import Glibc

/// Who gets a call when the choice depends on a word: a random one, or one that stands for a user or a session.
///
/// Rendezvous hashing with weights: the word is hashed together with each candidate, and each hash becomes a sample of
/// an exponential distribution whose rate is the candidate's weight. The smallest sample wins, and by the laws of that
/// distribution each candidate wins in proportion to its weight. So one rule serves two ends:
///
/// - With a random word it is a weighted draw, and in order of the samples a weighted draw without replacement.
/// - With a word that stands for somebody it gives the same answer every time, in every process, without any memory; a
///   candidate that comes or goes, or whose weight changes, moves no more of them than it must.
///
/// Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998); with weights: Schindelhauer and
/// Schomaker (2005). The order of the samples is that of Efraimidis and Spirakis (2006).
package enum Rendezvous {
    /// A number that stands for a sequence of texts; different ones for different sequences, as far as 64 bits go.
    ///
    /// The same in every process, for ever: it protects nothing.
    package static func identity(of texts: String...) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in texts {
            hash = Self.add(text.utf8, to: hash)
            // No byte of UTF-8, so that ["ab", "c"] is not ["a", "bc"].
            hash = (hash ^ 0xFF) &* Self.prime
        }
        return Self.mix(hash)
    }

    /// The same for bytes that belong to somebody named by `owner`, without making a text of them.
    package static func identity(of bytes: UnsafeRawBufferPointer, owner: String) -> UInt64 {
        var hash = Self.add(owner.utf8, to: 0xCBF2_9CE4_8422_2325)
        hash = (hash ^ 0xFF) &* Self.prime
        return Self.mix((Self.add(bytes, to: hash) ^ 0xFF) &* Self.prime)
    }

    /// What a candidate draws for a word; the smallest wins.
    ///
    /// - Parameters:
    ///   - word: Random, or the identity of whom to stick to.
    ///   - identity: The candidate's.
    ///   - weight: Its share; infinity is drawn for 0 and less, so that it comes last.
    package static func draw(_ word: UInt64, _ identity: UInt64, weight: Int) -> Double {
        guard weight > 0 else { return .infinity }
        let hash = Self.mix(word ^ identity)
        // 53 random bits in 1...2^53, so that the logarithm is finite.
        let share = Double((hash >> 11) + 1) * 0x1p-53
        return -log(share) / Double(weight)
    }

    /// Spreads the difference of two numbers over all bits (Stafford's mix 13, the end of SplitMix64).
    package static func mix(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// FNV-1a.
    private static func add(_ bytes: some Sequence<UInt8>, to hash: UInt64) -> UInt64 {
        var hash = hash
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* Self.prime }
        return hash
    }

    private static let prime: UInt64 = 0x100_0000_01B3
}
