/// Where something stands in the journal of one epoch: the number of a segment, and a byte in it.
///
/// Positions grow as the journal does; the one an append returns is right behind what was appended.
package struct JournalPosition: Sendable, Hashable, Comparable {
    /// Counts from 1 within the epoch.
    package var segment: UInt32
    /// Bytes from the beginning of the segment's file.
    package var offset: UInt32

    package init(segment: UInt32, offset: UInt32) {
        self.segment = segment
        self.offset = offset
    }

    /// Before everything.
    package static let start = JournalPosition(segment: 1, offset: 0)

    package static func < (left: Self, right: Self) -> Bool { left.packed < right.packed }

    /// Both numbers in one word, in the order of positions, so that it can be handed over by one atomic store.
    var packed: UInt64 { UInt64(self.segment) << 32 | UInt64(self.offset) }

    init(packed: UInt64) {
        self.segment = UInt32(truncatingIfNeeded: packed >> 32)
        self.offset = UInt32(truncatingIfNeeded: packed)
    }
}
