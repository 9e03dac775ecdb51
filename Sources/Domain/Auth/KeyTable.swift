package import Core

/// All gateway keys at one moment, by the digest of the whole key.
///
/// Immutable: a change makes a new table.
///
/// A lookup does the same work for a key that is known, unknown, disabled or expired: one hash, at least one
/// comparison of full digests without early exit, and one decision at the end (row 38).
package struct KeyTable: Sendable {
    /// One key as it is kept.
    package struct Entry: Sendable {
        package var digest: KeyDigest
        package var principal: Principal
        package var isDisabled: Bool
        /// From this moment on the key no longer works.
        package var expires: UnixTime

        package init(
            digest: KeyDigest,
            principal: Principal,
            isDisabled: Bool = false,
            expires: UnixTime = UnixTime(milliseconds: .max)
        ) {
            self.digest = digest
            self.principal = principal
            self.isDisabled = isDisabled
            self.expires = expires
        }
    }

    /// A table without keys: everything is refused.
    package static let empty = KeyTable(unique: [])

    /// The keys, and behind them one that no credential matches.
    private let entries: ContiguousArray<Entry>
    /// Positions in `entries`, open addressing; the position of the last entry marks a free slot.
    private let slots: ContiguousArray<Int>

    /// - Throws: `KeyTableError.duplicateKey` if two entries are the same key.
    package init(_ entries: [Entry]) throws(KeyTableError) {
        var seen = Set<KeyDigest>()
        for entry in entries where !seen.insert(entry.digest).inserted {
            throw .duplicateKey(keyID: entry.principal.keyID)
        }
        self.init(unique: entries)
    }

    private init(unique entries: [Entry]) {
        let nobody = Principal(group: GroupID(""), keyID: "", scopes: [])
        self.entries = ContiguousArray(entries) + [Entry(digest: .none, principal: nobody, isDisabled: true)]
        var capacity = 8
        while capacity < entries.count * 2 { capacity *= 2 }
        var slots = ContiguousArray(repeating: entries.count, count: capacity)
        for (position, entry) in entries.enumerated() {
            var slot = entry.digest.bucketSeed & (capacity - 1)
            while slots[slot] != entries.count { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = position
        }
        self.slots = slots
    }

    /// Number of keys, those that no longer work included.
    package var count: Int { self.entries.count - 1 }

    /// Who `credential` is, or nil for a key that is unknown, disabled or expired, without a difference in the work.
    package func principal(for credential: UnsafeRawBufferPointer, now: UnixTime) -> Principal? {
        let digest = KeyDigest(of: credential)
        let none = self.entries.count - 1
        let wrap = self.slots.count - 1
        var slot = digest.bucketSeed & wrap
        var found = none
        var position: Int
        repeat {
            position = self.slots[slot]
            let mask = self.entries[position].digest.equalityMask(digest)
            found = (found & ~mask) | (position & mask)
            slot = (slot + 1) & wrap
        } while position != none
        let entry = self.entries[found]
        let isUsable = (found != none) && !entry.isDisabled && now < entry.expires
        return isUsable ? entry.principal : nil
    }
}

/// Why a list of keys is not a table.
package enum KeyTableError: Error, Sendable, Equatable {
    /// The same secret was given to two keys; `keyID` names the second.
    case duplicateKey(keyID: String)
}
