internal import Core
package import Database

/// A column that holds sealed blobs, and how to find and replace them.
///
/// A store that has one declares it beside its SQL and puts it into `EncryptedColumns.all`; the rotation knows no
/// other way to a sealed value (row 63).
package struct EncryptedColumn: Sendable {
    /// `table.column`: the field inside the associated data, never to be changed.
    package let name: String
    private let table: SQL
    private let column: SQL
    private let keyID: SQL
    private let group: SQL
    private let provider: SQL

    /// - Parameters:
    ///   - keyID: The column beside it that repeats the blob's key id, for counting; a label, never trusted.
    ///   - group: The column with the group's id.
    ///   - provider: The column, or a literal, that stands for the provider in the associated data.
    package init(name: String, table: SQL, column: SQL, keyID: SQL, group: SQL, provider: SQL) {
        self.name = name
        self.table = table
        self.column = column
        self.keyID = keyID
        self.group = group
        self.provider = provider
    }

    /// One sealed value as it stands in the store.
    package struct Row: Sendable {
        package let id: String
        package let context: SealContext
        package let blob: [UInt8]
        /// What the column beside the blob says; the blob's own header counts.
        package let label: String
    }

    /// The next rows behind `id`, in the order of their ids.
    package func rows(after id: String, limit: Int, in session: any SQLSession) throws(DatabaseError) -> [Row] {
        try session.map(
            self.selection + "WHERE id > \(id) ORDER BY id LIMIT \(limit)"
        ) { row throws(DatabaseError) in try self.row(row) }
    }

    /// The row with this id, or nil.
    package func row(_ id: String, in session: any SQLSession) throws(DatabaseError) -> Row? {
        guard let row = try session.first(self.selection + "WHERE id = \(id)") else { return nil }
        return try self.row(row)
    }

    /// Puts `sealed` in the place of `blob`, unless somebody else has changed the row since it was read.
    ///
    /// - Returns: Whether the row was still as it was read.
    package func replace(
        _ row: Row,
        with sealed: SealedCredential,
        in session: any SQLSession
    ) throws(DatabaseError) -> Bool {
        try session.execute(
            """
            UPDATE \(self.table) SET \(self.column) = \(sealed.blob), \(self.keyID) = \(sealed.keyID.text)
            WHERE id = \(row.id) AND \(self.column) = \(row.blob)
            """
        ) == 1
    }

    /// How many rows there are.
    package func count(in session: any SQLSession) throws(DatabaseError) -> Int {
        Int(try session.first("SELECT count(*) AS n FROM \(self.table)")?.integer("n") ?? 0)
    }

    /// How many rows are labelled with each key id.
    package func labels(in session: any SQLSession) throws(DatabaseError) -> [String: Int] {
        var counts: [String: Int] = [:]
        try session.forEachRow(
            "SELECT \(self.keyID) AS label, count(*) AS n FROM \(self.table) GROUP BY \(self.keyID)"
        ) { row throws(DatabaseError) in counts[try row.text("label")] = Int(try row.integer("n")) }
        return counts
    }

    private var selection: SQL {
        """
        SELECT id, \(self.column) AS sealed, \(self.keyID) AS label, \(self.group) AS owner, \(self.provider) AS purpose
        FROM \(self.table)\u{20}
        """
    }

    private func row(_ row: SQLRow) throws(DatabaseError) -> Row {
        let id = try row.text("id")
        let context = SealContext(
            group: GroupID(try row.text("owner")),
            provider: try row.text("purpose"),
            credential: id,
            field: self.name
        )
        return Row(id: id, context: context, blob: try row.blob("sealed"), label: try row.text("label"))
    }
}

/// The columns that rotation, verification and backups know to be sealed.
package enum EncryptedColumns {
    /// What the stores of this build declare.
    package static let all: [EncryptedColumn] = [CredentialStore.sealedKey]

    /// Columns named `enc_…` that nobody declared; while there is one, keys are not rotated (row 63).
    ///
    /// Rotating would leave them under the old key, and retiring it would make them unreadable.
    package static func unregistered(
        beside registered: [EncryptedColumn] = all,
        in session: any SQLSession
    ) throws(DatabaseError) -> [String] {
        let known = Set(registered.map(\.name))
        return try session.map(
            """
            SELECT tables.name AS table_name, columns.name AS column_name
            FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
            WHERE tables.type = 'table' AND columns.name LIKE 'enc#_%' ESCAPE '#' ORDER BY 1, 2
            """
        ) { row throws(DatabaseError) in "\(try row.text("table_name")).\(try row.text("column_name"))" }
        .filter { !known.contains($0) }
    }
}
