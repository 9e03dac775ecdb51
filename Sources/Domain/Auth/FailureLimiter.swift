internal import Glibc
package import NIOCore

/// Counts failed attempts to sign in, by where they come from and by which key they were about (row 49).
///
/// Counts leak away evenly, so that a source that stops failing is soon as good as new. The room is fixed: a table of
/// sets with four ways each, in which a newcomer takes the place of whoever has failed least. Nobody is ever charged
/// with the failures of somebody else: entries are found by 64 bits of a hash that nobody outside can predict.
///
/// A value; a shell with a lock is `FailureGuard`.
package struct FailureLimiter: Sendable {
    /// How much is too much.
    ///
    /// Failures within `window` of one another count together.
    package struct Limits: Sendable {
        /// Failures of one address until the next ones are answered 429.
        package var perAddress: Double
        /// Failures about one key's public part, from anywhere, until the next ones are answered 429.
        package var perPrefix: Double
        /// Failures of one address until all it sends is answered 429, good keys included: from then on nothing can be
        /// learnt there by guessing.
        package var hardPerAddress: Double
        /// How long one limit's worth of failures takes to leak away.
        package var window: TimeAmount

        package init(
            perAddress: Double = 20,
            perPrefix: Double = 20,
            hardPerAddress: Double = 300,
            window: TimeAmount = .seconds(60)
        ) {
            self.perAddress = perAddress
            self.perPrefix = perPrefix
            self.hardPerAddress = hardPerAddress
            self.window = window
        }
    }

    /// What a failure leads to.
    package struct Verdict: Sendable, Equatable {
        /// How long whoever failed should wait; nil for an ordinary refusal.
        package var retryAfter: TimeAmount?
        /// Until when all that this address sends is refused; nil if it is not.
        package var blockedUntil: NIODeadline?
    }

    private struct Entry {
        var hash: UInt64 = 0
        /// Failures that have not leaked away, as of `at`.
        var level = 0.0
        var at = NIODeadline.uptimeNanoseconds(0)
    }

    private static let ways = 4

    package let limits: Limits
    private let seed: UInt64
    private let sets: Int
    private var entries: [Entry]

    /// - Parameters:
    ///   - entriesMax: Room for addresses and keys together, rounded down to a power of two, at least 8; 24 bytes each.
    ///   - seed: Random, so that nobody can choose addresses that share a set.
    package init(limits: Limits = Limits(), entriesMax: Int = 16_384, seed: UInt64) {
        var sets = 2
        while sets * 2 * Self.ways <= entriesMax { sets *= 2 }
        self.limits = limits
        self.seed = seed
        self.sets = sets
        self.entries = Array(repeating: Entry(), count: sets * Self.ways)
    }

    /// Counts one failed attempt.
    ///
    /// - Parameters:
    ///   - address: The client's, without port; IPv6 counts by its first 64 bits, since a client has all the rest. Nil
    ///     if it is not known.
    ///   - prefix: The public part of the key that was sent, `tp_<id>`; nil if it has none.
    package mutating func fail(address: String?, prefix: String?, now: NIODeadline) -> Verdict {
        let source =
            address.map { self.count(.address, Self.network(of: $0), limit: self.limits.perAddress, now) } ?? 0
        var wait = self.wait(source, over: self.limits.perAddress, limit: self.limits.perAddress)
        if let prefix {
            let level = self.count(.prefix, Array(prefix.utf8.prefix(64)), limit: self.limits.perPrefix, now)
            let other = self.wait(level, over: self.limits.perPrefix, limit: self.limits.perPrefix)
            wait = [wait, other].compactMap(\.self).max()
        }
        var verdict = Verdict(retryAfter: wait, blockedUntil: nil)
        if let rest = self.wait(source, over: self.limits.hardPerAddress, limit: self.limits.perAddress) {
            verdict.blockedUntil = now + rest
        }
        return verdict
    }

    /// How long all that `address` sends is refused, good keys included; nil if it is let in.
    package func block(of address: String, now: NIODeadline) -> TimeAmount? {
        let hash = self.hash(.address, Self.network(of: address))
        guard let index = self.index(of: hash) else { return nil }
        let level = self.level(self.entries[index], limit: self.limits.perAddress, now)
        return self.wait(level, over: self.limits.hardPerAddress, limit: self.limits.perAddress)
    }

    // MARK: - Levels

    private enum Kind: UInt8 { case address = 1, prefix = 2 }

    private func level(_ entry: Entry, limit: Double, _ now: NIODeadline) -> Double {
        let passed = Double(max(0, (now - entry.at).nanoseconds)) / Double(self.limits.window.nanoseconds)
        return max(0, entry.level - passed * limit)
    }

    /// How long until `level` has leaked to `bound`; nil if it is not above.
    private func wait(_ level: Double, over bound: Double, limit: Double) -> TimeAmount? {
        guard level > bound else { return nil }
        return .nanoseconds(Int64((level - bound) / limit * Double(self.limits.window.nanoseconds)) + 1)
    }

    /// Adds one failure and gives the level it leads to.
    private mutating func count(_ kind: Kind, _ name: [UInt8], limit: Double, _ now: NIODeadline) -> Double {
        let hash = self.hash(kind, name)
        let index = self.index(of: hash) ?? self.place(for: hash, now)
        var entry = self.entries[index]
        if entry.hash != hash { entry = Entry(hash: hash, level: 0, at: now) }
        // Nobody climbs without end: who stops is let in again within two windows of the hard limit.
        entry.level = min(self.level(entry, limit: limit, now) + 1, self.limits.hardPerAddress + limit)
        entry.at = now
        self.entries[index] = entry
        return entry.level
    }

    // MARK: - The table

    private func set(of hash: UInt64) -> Range<Int> {
        let start = Int((hash >> 1) & UInt64(self.sets - 1)) * Self.ways
        return start..<(start + Self.ways)
    }

    private func index(of hash: UInt64) -> Int? { self.set(of: hash).first { self.entries[$0].hash == hash } }

    /// The way of the set that has least to lose.
    private func place(for hash: UInt64, _ now: NIODeadline) -> Int {
        func level(_ index: Int) -> Double { self.level(self.entries[index], limit: self.limits.perAddress, now) }
        let set = self.set(of: hash)
        return set.min { level($0) < level($1) } ?? set.lowerBound
    }

    private func hash(_ kind: Kind, _ name: [UInt8]) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(self.seed)
        hasher.combine(kind.rawValue)
        hasher.combine(name)
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }

    /// What stands for an address: all of IPv4, the first 64 bits of IPv6, the text of anything else.
    static func network(of address: String) -> [UInt8] {
        var four = in_addr()
        if inet_pton(AF_INET, address, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        guard inet_pton(AF_INET6, address, &six) == 1 else { return Array(address.utf8.prefix(64)) }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes.suffix(4)) : Array(bytes.prefix(8))
    }
}
