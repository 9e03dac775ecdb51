package import Core
package import Database
internal import NIOCore

/// Names one sealed value for an operator: column and row.
package struct SealedPlace: Sendable, Hashable, CustomStringConvertible {
    /// `credentials.enc_key`.
    package let column: String
    package let id: String

    package init(column: String, id: String) {
        self.column = column
        self.id = id
    }

    package var description: String { "\(self.column) of \(self.id)" }
}

/// A sealed value that cannot be opened, or is not what it should be.
package struct BadRow: Sendable, Equatable, CustomStringConvertible {
    package let place: SealedPlace
    package let group: GroupID
    /// In words, without a secret.
    package let reason: String

    package var description: String { "\(self.place) (group \(self.group)): \(self.reason)" }
}

/// Why keys were not rotated.
///
/// Whatever it is, every row can be read with the old and the new key together, and running the same rotation again
/// goes on where this one stopped.
package enum RotationError: Error, Sendable, Equatable {
    /// Old and new are the same key.
    case sameKey
    /// The ring lacks a key that the rotation needs.
    case keyMissing(KeyID)
    /// The new key was destroyed before; a key that is gone does not come back as a new one.
    case keyDestroyed(KeyID)
    /// The store seals with another key than the one to rotate from.
    case notActive(KeyID, active: KeyID)
    /// Another rotation is running (row 67).
    case held(by: String, until: UnixTime)
    /// Somebody took over while this one was not heard of for the time of its lease.
    case leaseLost
    /// An earlier rotation between other keys is not finished; finish it first, or go back by exchanging its keys.
    case unfinished(from: KeyID, to: KeyID)
    /// Columns with sealed values that this build does not know (row 63).
    case unregisteredColumns([String])
    /// Rows that the ring cannot open, before anything was changed.
    case unreadable([BadRow])
    /// Running gateways that cannot read the new key yet (row 64).
    case instancesLackKey([String], key: KeyID)
    /// The backup failed, so nothing was re-sealed.
    case backupFailed(String)
    /// The key file could not be written.
    case keyFileFailed(String)
    /// The last look, with the new key alone, found rows that it does not open, or whose content is another one.
    case notVerified([BadRow])
    /// Rows were still under the old key after so many passes; somebody keeps writing them.
    case notConverging(rows: Int)
    /// The record of the rotation could not be written, so the old key was not retired.
    case auditFailed(String)
    case vault(VaultError)
    case database(DatabaseError)
    /// A part of the caller's failed: a pause that was cancelled, a progress display.
    case interrupted(String)
}

extension RotationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sameKey: "the old and the new key are the same"
        case .keyMissing(let id): "key \(id) is needed and was not given"
        case .keyDestroyed(let id): "key \(id) was destroyed; make another one with `turnpike keyring generate`"
        case .notActive(let id, let active): "the store is sealed with key \(active), not with \(id)"
        case .held(let holder, let until):
            "\(holder) is rotating; if it has died, try again after \(Self.text(until)), when its lease ends"
        case .leaseLost: "another rotation took over; nothing is lost"
        case .unfinished(let old, let new):
            "a rotation from \(old) to \(new) is not finished; run it again to finish it, or from \(new) to \(old) to "
                + "go back"
        case .unregisteredColumns(let columns):
            "sealed columns that this build does not know: \(columns.joined(separator: ", "))"
        case .unreadable(let rows): "\(rows.count) rows cannot be opened, first: \(Self.first(rows))"
        case .instancesLackKey(let names, let key):
            "running gateways that do not have key \(key) yet: \(names.joined(separator: ", ")); add it to their "
                + "previous_keys and reload them, then run this again"
        case .backupFailed(let reason): "the backup failed, nothing was re-sealed: \(reason)"
        case .keyFileFailed(let reason): "the key file could not be written: \(reason)"
        case .notVerified(let rows): "\(rows.count) rows are not readable with the new key alone: \(Self.first(rows))"
        case .notConverging(let rows): "\(rows) rows keep coming back under the old key; is an old gateway running?"
        case .auditFailed(let reason): "the audit record could not be written, the old key is not retired: \(reason)"
        case .vault(let error): "\(error)"
        case .database(let error): "\(error)"
        case .interrupted(let reason): "stopped: \(reason); run it again to go on"
        }
    }

    private static func first(_ rows: [BadRow]) -> String {
        rows.prefix(3).map(\.description).joined(separator: "; ")
    }

    private static func text(_ time: UnixTime) -> String { time.rfc3339 }
}
