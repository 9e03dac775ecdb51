/// The tables of Turnpike.
///
/// Times are milliseconds since 1970, booleans 0 or 1, lists JSON. `docs/schema.sql` shows the result.
package enum Schema {
    /// One file each, in the order of their versions.
    ///
    /// A table or a column is added by a new file at the end of this list.
    package static let migrations: [Migration] = [
        .storeRevision, .tenants, .credentials, .auditLog, .encryptionKeys, .ledger,
        .idempotency, .budgets, .shadowAnswers, .responses, .toolPins, .sessions, .usageUnits,
        .agents, .tasks,
    ]
}
