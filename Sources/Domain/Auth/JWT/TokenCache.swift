import Core
import Crypto
import NIOConcurrencyHelpers

/// Tokens that were found good, so that a signature is checked once and not at every call (50 to 80 µs each).
///
/// Only good tokens get in, so that nobody can fill it without being let in; what was refused is checked again.
final class TokenCache: Sendable {
    /// SHA-256 over every byte of the token and over who may be believed for what (row 40).
    struct Key: Hashable, Sendable {
        fileprivate let digest: SHA256Digest

        init(_ token: UnsafeRawBufferPointer, trust: [UInt8]) {
            var hash = SHA256()
            trust.withUnsafeBytes { hash.update(bufferPointer: $0) }
            hash.update(bufferPointer: token)
            self.digest = hash.finalize()
        }
    }

    private struct Entry {
        var identity: VerifiedIdentity
        var until: UnixTime
    }

    /// Two generations: what was used since the last turn is in `young`, the rest goes at the next turn.
    private struct Shard {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
        var generation = 0

        mutating func insert(_ key: Key, _ entry: Entry, youngMax: Int) {
            if self.young.count >= youngMax {
                self.old = self.young
                self.young = [:]
            }
            self.young[key] = entry
        }
    }

    private let shards: [NIOLockedValueBox<Shard>]
    private let youngMax: Int

    /// The longest that a verdict is used without another look at the issuer's keys.
    private static let holdSeconds: Int64 = 15 * 60
    private static let shardCount = 16

    /// - Parameter capacity: The most tokens that are kept.
    init(capacity: Int) {
        self.shards = (0..<Self.shardCount).map { _ in NIOLockedValueBox(Shard()) }
        self.youngMax = max(1, capacity / Self.shardCount / 2)
    }

    /// Who the token stands for, if it was found good before and still is.
    func find(_ key: Key, now: UnixTime) -> VerifiedIdentity? {
        self.shard(of: key).withLockedValue { shard in
            if let entry = shard.young[key] {
                if now < entry.until { return entry.identity }
                shard.young[key] = nil
                return nil
            }
            guard let entry = shard.old.removeValue(forKey: key), now < entry.until else { return nil }
            shard.insert(key, entry, youngMax: self.youngMax)
            return entry.identity
        }
    }

    /// Read before a token is checked, and given back with the verdict.
    func generation(for key: Key) -> Int { self.shard(of: key).withLockedValue { $0.generation } }

    /// Keeps a verdict, unless keys have changed since `generation` was read.
    func insert(_ identity: VerifiedIdentity, for key: Key, generation: Int, now: UnixTime) {
        let held = UnixTime(milliseconds: now.milliseconds + Self.holdSeconds * 1000)
        let entry = Entry(identity: identity, until: min(identity.expires, held))
        self.shard(of: key).withLockedValue { shard in
            guard shard.generation == generation else { return }
            shard.insert(key, entry, youngMax: self.youngMax)
        }
    }

    /// Forgets all verdicts, because keys have changed.
    func removeAll() {
        for shard in self.shards {
            shard.withLockedValue { shard in
                shard.young = [:]
                shard.old = [:]
                shard.generation += 1
            }
        }
    }

    /// How many tokens are kept; for tests.
    var count: Int {
        self.shards.reduce(0) { sum, shard in sum + shard.withLockedValue { $0.young.count + $0.old.count } }
    }

    private func shard(of key: Key) -> NIOLockedValueBox<Shard> {
        let first = key.digest.withUnsafeBytes { $0[0] }
        return self.shards[Int(first) % Self.shardCount]
    }
}
