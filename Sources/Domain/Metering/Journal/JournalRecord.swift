/// What the journal says about an attempt.
///
/// Intents are boxed, or each move of any record would copy half a kilobyte.
package enum JournalRecord: Sendable, Equatable {
    /// The attempt is about to begin; the first record of each.
    indirect case intent(AttemptID, AttemptIntent)
    /// How far it has come. Each takes the place of the one before.
    case checkpoint(AttemptID, AttemptCheckpoint)
    /// It is over; the last record of each.
    case end(AttemptID, AttemptEnd)
    /// What is known of an attempt that is still open, written once more so that the old segment can go.
    ///
    /// It may stand behind the attempt's end, if that came while it was on its way; whoever has seen the end passes
    /// over it.
    indirect case carried(AttemptID, AttemptIntent, AttemptCheckpoint?)

    /// The attempt it is about.
    package var attempt: AttemptID {
        switch self {
        case .intent(let id, _), .checkpoint(let id, _), .end(let id, _), .carried(let id, _, _): id
        }
    }
}

/// The byte that says what a record is; part of the format.
package enum JournalKind: UInt8, Sendable {
    case intent = 1
    case checkpoint = 2
    case end = 3
    case carried = 4
    /// Nothing follows in this segment: the next one goes on.
    case seal = 255
}

/// A record as the reader found it.
package struct JournalEntry: Sendable, Equatable {
    package var record: JournalRecord
    /// Where it begins.
    package var position: JournalPosition
    /// Right behind it; whoever has dealt with it goes on from here.
    package var next: JournalPosition
}

/// Something in the journal that should not be so; a human should hear of each.
package struct JournalFault: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// Bytes that are no record, although records follow.
        case damaged
        /// A segment breaks off, although the next one has records: what stood between is lost.
        case unsealed
        /// Segments that must have been there are not.
        case missing
        /// The head of a segment's file is not one; the whole segment is passed over.
        case header
        /// A record whose check is right says something that makes no sense; it is passed over.
        case undecodable
    }

    package var kind: Kind
    /// The segment's file; for `missing`, where it should be.
    package var path: String
    package var position: JournalPosition
    /// How much was passed over, as far as that is known.
    package var bytes: Int

    package var description: String {
        "\(self.path): \(self.kind.rawValue) at byte \(self.position.offset), \(self.bytes) bytes passed over"
    }
}

/// How a journal ends.
package enum JournalEnding: Sendable, Equatable {
    /// After a whole record.
    case clean
    /// In the middle of a record that was being written: normal after a crash, and that record was never confirmed.
    case torn(JournalPosition, bytes: Int)
}
