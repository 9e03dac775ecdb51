internal import Core
package import Database

/// A look at every sealed value of the store: which key each needs, and whether it opens.
package struct Verification: Sendable, Equatable {
    /// Rows by the key that their blobs name; what is no blob is in `bad` alone.
    package private(set) var rowsByKey: [KeyID: Int] = [:]
    /// Rows whose label says another key than their blob; harmless, and mended by the next rotation.
    package private(set) var mislabelled = 0
    /// Rows that the ring does not open, at most `badRowsMax` of them.
    package private(set) var bad: [BadRow] = []
    package private(set) var badCount = 0
    package private(set) var total = 0

    /// How many bad rows are named.
    package static let badRowsMax = 1000
    private static let pageRows = 500

    /// Whether the ring opened everything.
    package var isComplete: Bool { self.badCount == 0 }

    /// How many rows still name `key`.
    package func rows(under key: KeyID) -> Int { self.rowsByKey[key] ?? 0 }

    /// Opens every row of every registered column with `ring`.
    ///
    /// With a ring of one key it says whether the others are still needed: labels are not trusted, a row that claims
    /// the key and is under another one is found (row 65). Rows are read a page at a time, so what is added or changed
    /// meanwhile may or may not be seen.
    /// - Parameter each: Sees each row that opened, with its plaintext, on the way.
    package static func run(
        _ database: any Database,
        ring: Keyring,
        columns: [EncryptedColumn] = EncryptedColumns.all
    ) async throws -> Verification {
        try await Self.run(database, ring: ring, columns: columns) { _, _, _ in nil }
    }

    static func run(
        _ database: any Database,
        ring: Keyring,
        columns: [EncryptedColumn],
        each: (SealedPlace, EncryptedColumn.Row, GuardedBytes) throws -> String?
    ) async throws -> Verification {
        var result = Verification()
        let vault = Vault(ring)
        for column in columns {
            var last = ""
            while true {
                let after = last
                let rows = try await database.read { try column.rows(after: after, limit: Self.pageRows, in: $0) }
                guard let end = rows.last else { break }
                last = end.id
                for row in rows { try result.look(at: row, of: column, with: vault, each) }
                try Task.checkCancellation()
            }
        }
        return result
    }

    private mutating func look(
        at row: EncryptedColumn.Row,
        of column: EncryptedColumn,
        with vault: Vault,
        _ each: (SealedPlace, EncryptedColumn.Row, GuardedBytes) throws -> String?
    ) throws {
        self.total += 1
        if let id = SealedCredential.keyID(ofBlob: row.blob) {
            self.rowsByKey[id, default: 0] += 1
            if row.label != id.text { self.mislabelled += 1 }
        }
        let place = SealedPlace(column: column.name, id: row.id)
        let plaintext: GuardedBytes
        do throws(VaultError) {
            plaintext = try vault.open(SealedCredential(blob: row.blob, context: row.context))
        } catch {
            return self.note(BadRow(place: place, group: row.context.group, reason: "\(error)"))
        }
        if let complaint = try each(place, row, plaintext) {
            self.note(BadRow(place: place, group: row.context.group, reason: complaint))
        }
    }

    private mutating func note(_ row: BadRow) {
        self.badCount += 1
        if self.bad.count < Self.badRowsMax { self.bad.append(row) }
    }
}
