package import Core
package import Database

/// Where a rotation stands, as the store keeps it.
package struct RotationState: Sendable, Equatable {
    /// The steps, in their order; each is written in the transaction that finishes it.
    package enum Stage: String, Sendable, CaseIterable {
        /// Every row was opened. Next: `backedUp`.
        case checked
        /// There is a backup. Next: `keyAdded`.
        case backedUp = "backed_up"
        /// The new key is in the ring, for reading. Next: `resealing`, once every gateway has it.
        case keyAdded = "key_added"
        /// The new key seals; rows are being re-sealed. Next: `verified`.
        case resealing
        /// The new key alone opens every row. Next: `finished`.
        case verified
        /// The old key is retired. The end.
        case finished
    }

    package var stage: Stage
    package var old: KeyID
    package var new: KeyID
    /// Column and row of the last batch; nil before the first.
    package var cursor: SealedPlace?
    /// Rows there were when it began.
    package var counted: Int
    /// Rows re-sealed so far.
    package var resealed: Int
    package var backupPath: String?
    package var backupDigest: String?
    package var startedAt: UnixTime
    package var leaseHolder: String?
    package var leaseUntil: UnixTime?
}

/// The one row of the rotation.
package struct RotationStore: Sendable {
    package init() {}

    /// The last rotation, finished or not; nil if there never was one.
    package func state(in session: any SQLSession) throws(DatabaseError) -> RotationState? {
        guard let row = try session.first("SELECT * FROM rotation WHERE id = 1") else { return nil }
        guard
            let stage = RotationState.Stage(rawValue: try row.text("stage")),
            let old = KeyID(try row.text("old_key_id")), let new = KeyID(try row.text("new_key_id"))
        else { throw .badColumn("rotation", expected: "a stage and two key ids") }
        return RotationState(
            stage: stage,
            old: old,
            new: new,
            cursor: try row.optionalText("cursor").flatMap(Self.place),
            counted: Int(try row.integer("counted")),
            resealed: Int(try row.integer("resealed")),
            backupPath: try row.optionalText("backup_path"),
            backupDigest: try row.optionalText("backup_digest"),
            startedAt: try row.time("started_at"),
            leaseHolder: try row.optionalText("lease_holder"),
            leaseUntil: try row.optionalTime("lease_until")
        )
    }

    /// Begins or takes over; the caller has checked that nobody holds it.
    func begin(_ state: RotationState, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        try session.execute("DELETE FROM rotation WHERE id = 1")
        try session.execute(
            """
            INSERT INTO rotation (id, stage, old_key_id, new_key_id, cursor, counted, resealed, backup_path,
                backup_digest, started_at, updated_at, lease_holder, lease_until)
            VALUES (1, \(state.stage.rawValue), \(state.old.text), \(state.new.text), \(Self.text(state.cursor)),
                \(state.counted), \(state.resealed), \(state.backupPath), \(state.backupDigest), \(state.startedAt),
                \(now), \(state.leaseHolder), \(state.leaseUntil))
            """
        )
    }

    /// Writes progress and renews the lease.
    ///
    /// - Returns: False if somebody else holds it now; then nothing was written.
    func advance(_ state: RotationState, now: UnixTime, in session: any SQLSession) throws(DatabaseError) -> Bool {
        try session.execute(
            """
            UPDATE rotation SET stage = \(state.stage.rawValue), cursor = \(Self.text(state.cursor)),
                counted = \(state.counted), resealed = \(state.resealed), backup_path = \(state.backupPath),
                backup_digest = \(state.backupDigest), updated_at = \(now), lease_until = \(state.leaseUntil)
            WHERE id = 1 AND lease_holder = \(state.leaseHolder) AND old_key_id = \(state.old.text)
                AND new_key_id = \(state.new.text)
            """
        ) == 1
    }

    /// Lets go of the lease, if `holder` has it.
    func release(_ holder: String, in session: any SQLSession) throws(DatabaseError) {
        try session.execute(
            "UPDATE rotation SET lease_holder = NULL, lease_until = NULL WHERE id = 1 AND lease_holder = \(holder)"
        )
    }

    private static func text(_ place: SealedPlace?) -> String? { place.map { "\($0.column)/\($0.id)" } }

    private static func place(_ text: String) -> SealedPlace? {
        guard let slash = text.firstIndex(of: "/") else { return nil }
        return SealedPlace(column: String(text[..<slash]), id: String(text[text.index(after: slash)...]))
    }
}
