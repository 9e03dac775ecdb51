package import Core

/// One row of a result: values by the names of their columns.
///
/// Every reader throws `DatabaseError.badColumn` if there is no such column or its value is of another type; the forms
/// that begin with `optional` give nil for NULL.
package struct SQLRow: Sendable {
    /// Names of the columns, shared by the rows of a result.
    private let columns: [String]
    /// Values in the order of the columns.
    package let values: [SQLValue]

    /// Made by drivers: as many values as columns.
    package init(columns: [String], values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// The value of a column.
    package func value(_ column: String) throws(DatabaseError) -> SQLValue {
        guard let index = self.columns.firstIndex(of: column), index < self.values.count else {
            throw .badColumn(column, expected: "a column of the result")
        }
        return self.values[index]
    }

    package func text(_ column: String) throws(DatabaseError) -> String {
        guard case .text(let text) = try self.value(column) else { throw .badColumn(column, expected: "text") }
        return text
    }

    package func optionalText(_ column: String) throws(DatabaseError) -> String? {
        try self.isNull(column) ? nil : self.text(column)
    }

    package func integer(_ column: String) throws(DatabaseError) -> Int64 {
        guard case .integer(let value) = try self.value(column) else { throw .badColumn(column, expected: "integer") }
        return value
    }

    package func optionalInteger(_ column: String) throws(DatabaseError) -> Int64? {
        try self.isNull(column) ? nil : self.integer(column)
    }

    /// A whole or other number.
    package func real(_ column: String) throws(DatabaseError) -> Double {
        switch try self.value(column) {
        case .real(let value): return value
        case .integer(let value): return Double(value)
        default: throw .badColumn(column, expected: "number")
        }
    }

    package func blob(_ column: String) throws(DatabaseError) -> [UInt8] {
        guard case .blob(let bytes) = try self.value(column) else { throw .badColumn(column, expected: "blob") }
        return bytes
    }

    package func optionalBlob(_ column: String) throws(DatabaseError) -> [UInt8]? {
        try self.isNull(column) ? nil : self.blob(column)
    }

    /// Accepts 0 and 1 alone.
    package func bool(_ column: String) throws(DatabaseError) -> Bool {
        switch try self.value(column) {
        case .integer(0): return false
        case .integer(1): return true
        default: throw .badColumn(column, expected: "0 or 1")
        }
    }

    /// A time, kept as milliseconds since 1970.
    package func time(_ column: String) throws(DatabaseError) -> UnixTime {
        UnixTime(milliseconds: try self.integer(column))
    }

    package func optionalTime(_ column: String) throws(DatabaseError) -> UnixTime? {
        try self.isNull(column) ? nil : self.time(column)
    }

    package func isNull(_ column: String) throws(DatabaseError) -> Bool { try self.value(column) == .null }
}
