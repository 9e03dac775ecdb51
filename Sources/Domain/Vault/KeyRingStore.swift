package import Core
package import Database

/// What the store knows about sealing keys: their names and states, never a key.
package struct KeyRingStore: Sendable {
    /// The life of a key.
    package enum State: String, Sendable, CaseIterable {
        /// Everything new is sealed with it; there is one at most. Next: `decryptOnly`.
        case active
        /// Opens what it sealed. Next: `active`, `retired`.
        case decryptOnly = "decrypt_only"
        /// Seals no row any more; old backups may still need it. Next: `decryptOnly`, `destroyed`.
        case retired
        /// Whoever had the key has said that it is gone, and with it every backup that needs it. The end.
        case destroyed
    }

    /// One key.
    package struct Entry: Sendable, Equatable {
        package let id: KeyID
        package let state: State
        package let createdAt: UnixTime
        package let changedAt: UnixTime
    }

    package init() {}

    /// All keys there ever were, the oldest first.
    package func entries(in session: any SQLSession) throws(DatabaseError) -> [Entry] {
        try session.map(
            "SELECT key_id, state, created_at, changed_at FROM key_ring ORDER BY created_at, key_id"
        ) { row throws(DatabaseError) in
            guard let id = KeyID(try row.text("key_id")) else { throw .badColumn("key_id", expected: "a key id") }
            guard let state = State(rawValue: try row.text("state")) else {
                throw .badColumn("state", expected: "a state")
            }
            return Entry(
                id: id,
                state: state,
                createdAt: try row.time("created_at"),
                changedAt: try row.time("changed_at")
            )
        }
    }

    /// The key that everybody is to seal with; nil in a store that has never sealed anything.
    package func activeID(in session: any SQLSession) throws(DatabaseError) -> KeyID? {
        guard let row = try session.first("SELECT key_id FROM key_ring WHERE state = 'active'") else { return nil }
        return KeyID(try row.text("key_id"))
    }

    /// The state of one key; nil for one the store has not heard of.
    package func state(of id: KeyID, in session: any SQLSession) throws(DatabaseError) -> State? {
        try self.entries(in: session).first { $0.id == id }?.state
    }

    /// Notes that a key can be read with; changes nothing for one that is known and not retired or destroyed.
    ///
    /// Also the way back from `retired` and `destroyed`: who has the key again can say so.
    package func admit(_ id: KeyID, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        switch try self.state(of: id, in: session) {
        case nil:
            try session.execute(
                """
                INSERT INTO key_ring (key_id, state, created_at, changed_at)
                VALUES (\(id.text), 'decrypt_only', \(now), \(now))
                """
            )
        case .retired, .destroyed: try self.set(id, .decryptOnly, now: now, in: session)
        case .active, .decryptOnly: break
        }
    }

    /// Makes `id` the key that everybody seals with, and the one before it a key to read with.
    ///
    /// Running gateways notice by the store's revision.
    package func activate(_ id: KeyID, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        let active = try self.activeID(in: session)
        guard active != id else { return }
        try self.admit(id, now: now, in: session)
        if let active { try self.set(active, .decryptOnly, now: now, in: session) }
        try self.set(id, .active, now: now, in: session)
        try session.bumpRevision()
    }

    /// Notes that no row needs `id` any more; the caller has just verified it.
    package func retire(_ id: KeyID, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        try self.set(id, .retired, now: now, in: session)
        try session.bumpRevision()
    }

    func set(_ id: KeyID, _ state: State, now: UnixTime, in session: any SQLSession) throws(DatabaseError) {
        try session.execute(
            "UPDATE key_ring SET state = \(state.rawValue), changed_at = \(now) WHERE key_id = \(id.text)"
        )
    }
}

extension KeyRingStore {
    /// What a start or a reload finds out about its keys.
    package enum Standing: Sendable, Equatable {
        /// The settings' key is the active one; seal and open.
        case current
        /// The settings name another key first than the store seals with: a rotation to it is wanted. Until it has
        /// happened, the active key of the store seals, and it is in the ring.
        case rotationWanted(from: KeyID, to: KeyID)
        /// The settings still name a key first that a rotation has retired. Nothing is re-sealed to it again: the
        /// active key seals, and it is in the ring.
        case retiredKeyFirst(KeyID, active: KeyID)
        /// The store's active key is not in the ring and seals `rows` rows: they cannot be opened, and nothing is
        /// sealed. What other keys sealed works.
        case activeKeyMissing(KeyID, rows: Int)
    }

    /// Compares the ring of the settings with the store, at every start and reload, and notes new keys.
    ///
    /// The first key of an empty store becomes active at once. So does the settings' key if the active one is missing
    /// and seals nothing: that is how one goes on after a key was lost and its rows deleted.
    /// - Returns: How they stand to each other, and the ring that seals with the store's active key.
    package func reconcile(
        _ ring: Keyring,
        columns: [EncryptedColumn] = EncryptedColumns.all,
        now: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> (standing: Standing, ring: Keyring) {
        let active = try self.activeID(in: session)
        for id in ring.ids where try self.state(of: id, in: session) == nil {
            try self.admit(id, now: now, in: session)
        }
        guard let active else {
            try self.activate(ring.primary.id, now: now, in: session)
            return (.current, ring.sealing(with: ring.primary.id))
        }
        if active == ring.primary.id { return (.current, ring.sealing(with: active)) }
        if ring.ids.contains(active) {
            return (try self.wish(of: ring, active, in: session), ring.sealing(with: active))
        }
        var rows = 0
        for column in columns { rows += try column.labels(in: session)[active.text] ?? 0 }
        guard rows == 0 else { return (.activeKeyMissing(active, rows: rows), ring.sealing(with: active)) }
        try self.activate(ring.primary.id, now: now, in: session)
        return (.current, ring.sealing(with: ring.primary.id))
    }

    /// What settings want whose first key is not the active one, which they have too.
    ///
    /// A retired key is never wished for: settings that were not changed after a rotation would undo it.
    package func wish(
        of ring: Keyring,
        _ active: KeyID,
        in session: any SQLSession
    ) throws(DatabaseError) -> Standing {
        switch try self.state(of: ring.primary.id, in: session) {
        case .retired, .destroyed: .retiredKeyFirst(ring.primary.id, active: active)
        case .active, .decryptOnly, nil: .rotationWanted(from: active, to: ring.primary.id)
        }
    }
}
