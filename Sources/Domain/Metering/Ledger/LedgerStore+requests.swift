internal import Core
package import Database

extension LedgerStore {
    /// The attempts of one request among the newest rows, the newest first, and corrections to them.
    ///
    /// - Parameters:
    ///   - requestID: What its answer said; clients may have given several calls the same.
    ///   - count: How many of the newest rows are looked at: there is no index to find them by.
    ///   - query: What else must hold.
    package func rows(
        ofRequest requestID: String,
        among count: Int64,
        _ query: UsageQuery,
        in session: any SQLSession
    ) throws(DatabaseError) -> [LedgerRow] {
        let last = try session.first("SELECT MAX(seq) AS seq FROM ledger")?.optionalInteger("seq") ?? 0
        let sql: SQL = "SELECT \(LedgerRow.columns) FROM ledger WHERE seq > \(last - count) "
        return try session.map(
            sql + "AND request_id = \(LedgerRow.text(requestID))" + query.rows + " ORDER BY seq DESC LIMIT 200"
        ) { row throws(DatabaseError) in
            try LedgerRow(row)
        }
    }
}
