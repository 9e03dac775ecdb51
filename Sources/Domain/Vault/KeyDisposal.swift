package import Core
package import Database

/// The end of a key: retired when no row needs it, destroyed when no backup does.
package struct KeyDisposal: Sendable {
    /// Why a key was not retired or destroyed; nothing was changed.
    package enum Failure: Error, Sendable, Equatable {
        case unknownKey(KeyID)
        /// The store seals with it.
        case isActive(KeyID)
        /// Rows that need it, or cannot be opened without it.
        case stillNeeded(rows: Int, first: [BadRow])
        /// Only a retired key can be destroyed.
        case notRetired(KeyID, KeyRingStore.State)
        /// Backups from its time may still be wanted.
        case tooEarly(until: UnixTime)
        /// What the operator typed is not the id of the key.
        case notConfirmed
    }

    private let database: any Database
    private let ring: Keyring
    private let columns: [EncryptedColumn]

    /// - Parameter ring: All keys of the settings, the one to dispose of included or not.
    package init(
        _ database: any Database,
        ring: Keyring,
        columns: [EncryptedColumn] = EncryptedColumns.all
    ) {
        self.database = database
        self.ring = ring
        self.columns = columns
    }

    /// Notes that no row needs `id` any more, after opening every row without it.
    ///
    /// The key can leave the settings then. It must be kept as long as there are backups from its time.
    /// - Parameter record: Writes the audit record in the same transaction.
    package func retire(
        _ id: KeyID,
        now: UnixTime,
        record: @escaping @Sendable (any SQLSession) throws -> Void
    ) async throws {
        try await self.checkUnneeded(id)
        try await self.database.write { session in
            guard try KeyRingStore().activeID(in: session) != id else { throw Failure.isActive(id) }
            try KeyRingStore().retire(id, now: now, in: session)
            try record(session)
        }
    }

    /// Notes that a retired key is gone for good, after opening every row without it once more.
    ///
    /// Turnpike cannot prove that a key is gone: this says that its owner removed it, and that backups from before its
    /// retirement are unreadable from now on.
    /// - Parameters:
    ///   - confirmation: The id once more, typed by the operator.
    ///   - retention: How long backups are kept, in milliseconds, counted from the key's retirement.
    ///   - remove: Takes the key out of the key file; called when everything else is checked.
    ///   - record: Writes the audit record in the transaction that notes the destruction.
    package func destroy(
        _ id: KeyID,
        confirmation: String,
        retention: Int64,
        now: UnixTime,
        remove: @Sendable () async throws -> Void,
        record: @escaping @Sendable (any SQLSession) throws -> Void
    ) async throws {
        guard KeyID(confirmation) == id else { throw Failure.notConfirmed }
        let entry = try await self.database.read { try KeyRingStore().entries(in: $0).first { $0.id == id } }
        guard let entry else { throw Failure.unknownKey(id) }
        guard entry.state == .retired else { throw Failure.notRetired(id, entry.state) }
        let end = UnixTime(milliseconds: entry.changedAt.milliseconds + retention)
        guard end <= now else { throw Failure.tooEarly(until: end) }
        try await self.checkUnneeded(id)
        try await remove()
        try await self.database.write { session in
            guard try KeyRingStore().state(of: id, in: session) == .retired else {
                throw Failure.notRetired(id, .decryptOnly)
            }
            try KeyRingStore().set(id, .destroyed, now: now, in: session)
            try record(session)
        }
    }

    private func checkUnneeded(_ id: KeyID) async throws {
        let entries = try await self.database.read { try KeyRingStore().entries(in: $0) }
        guard let entry = entries.first(where: { $0.id == id }) else { throw Failure.unknownKey(id) }
        guard entry.state != .active else { throw Failure.isActive(id) }
        let others = self.ring.keys.filter { $0.id != id }
        guard let first = others.first else { throw Failure.isActive(id) }
        let look = try await Verification.run(
            self.database,
            ring: Keyring(primary: first, previous: others),
            columns: self.columns
        )
        guard look.isComplete else { throw Failure.stillNeeded(rows: look.badCount, first: Array(look.bad.prefix(3))) }
    }
}
