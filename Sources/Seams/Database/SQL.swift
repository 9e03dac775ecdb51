/// A statement, with the values it is about bound beside it.
///
/// Text can only come from literals in the source and an interpolated value is always bound, so there is no way to
/// write a statement that a value could change (row 37):
///
/// ```swift
/// try session.rows("SELECT name FROM users WHERE group_id = \(group) AND id = \(id)")
/// ```
///
/// What SQLite and PostgreSQL name differently is a `SQLWord`, which the driver spells.
package struct SQL: ExpressibleByStringInterpolation, Sendable, Hashable {
    /// A piece of a statement.
    package enum Part: Sendable, Hashable {
        /// Text from the source.
        case text(String)
        /// A value to bind.
        case value(SQLValue)
        /// A word the driver spells.
        case word(SQLWord)
    }

    /// The pieces in their order.
    package private(set) var parts: [Part]

    /// Takes a literal.
    ///
    /// The type is what keeps other texts out: nothing at run time can make a `StaticString`.
    package init(stringLiteral literal: StaticString) { self.parts = [.text(literal.description)] }

    package init(stringInterpolation: StringInterpolation) { self.parts = stringInterpolation.parts }

    /// Joins two pieces; the space between them is up to the pieces.
    package static func + (left: SQL, right: SQL) -> SQL {
        var joined = left
        joined.parts += right.parts
        return joined
    }

    /// Appends a piece.
    package static func += (left: inout SQL, right: SQL) { left.parts += right.parts }

    /// The same statement about other values, in the order of their placeholders.
    package func binding(_ values: [SQLValue]) -> SQL {
        var rest = values[...]
        var bound = self
        bound.parts = self.parts.map { part in
            guard case .value = part else { return part }
            return .value(rest.popFirst() ?? .null)
        }
        return bound
    }

    /// The values to bind, in the order of their placeholders.
    package var values: [SQLValue] {
        self.parts.compactMap { part in
            if case .value(let value) = part { value } else { nil }
        }
    }

    /// The text to prepare.
    ///
    /// - Parameters:
    ///   - placeholder: Spells the place of the n-th value, counted from 1: `?` or `$1`.
    ///   - word: Spells a word.
    package func text(placeholder: (Int) -> String, word: (SQLWord) -> String) -> String {
        var text = ""
        var position = 0
        for part in self.parts {
            switch part {
            case .text(let piece):
                text += piece
            case .value:
                position += 1
                text += placeholder(position)
            case .word(let name):
                text += word(name)
            }
        }
        return text
    }

    /// Collects the pieces of an interpolated literal.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var parts: [Part] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            self.parts.reserveCapacity(interpolationCount * 2 + 1)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            guard literal.utf8CodeUnitCount > 0 else { return }
            self.parts.append(.text(literal.description))
        }

        /// Binds a value.
        package mutating func appendInterpolation(_ value: some SQLBindable) {
            self.parts.append(.value(value.sqlValue))
        }

        /// Binds a value, or NULL.
        package mutating func appendInterpolation(_ value: (some SQLBindable)?) {
            self.parts.append(.value(value?.sqlValue ?? .null))
        }

        /// Puts a piece of SQL, with the values it binds, in this place.
        package mutating func appendInterpolation(_ sql: SQL) { self.parts += sql.parts }

        /// Leaves a word to the driver.
        package mutating func appendInterpolation(_ word: SQLWord) { self.parts.append(.word(word)) }

        /// Places for values that come later, with commas between them; see `SQLSession.execute(_:rows:)`.
        package mutating func appendInterpolation(places count: Int) {
            for index in 0..<count {
                if index > 0 { self.parts.append(.text(", ")) }
                self.parts.append(.value(.null))
            }
        }

        /// Binds values one after the other with commas between them, for `IN (…)`.
        ///
        /// An empty list becomes `NULL`, so that `x IN (…)` holds for no `x`.
        package mutating func appendInterpolation(list values: some Collection<some SQLBindable>) {
            guard !values.isEmpty else { return self.parts.append(.text("NULL")) }
            for (index, value) in values.enumerated() {
                if index > 0 { self.parts.append(.text(", ")) }
                self.parts.append(.value(value.sqlValue))
            }
        }
    }
}

/// What the databases have different words for.
package enum SQLWord: String, Sendable, Hashable, CaseIterable {
    /// The type of a signed 64-bit number; also of times in milliseconds and of booleans as 0 and 1.
    case integer
    /// The type of bytes.
    case blob
    /// After the closing bracket of `CREATE TABLE`: values must have the type of their column.
    case strict
    /// In place of `strict`, for a table that is looked up and summed by its whole primary key.
    ///
    /// SQLite keeps the rows in the order of the key then, without a second tree beside it.
    case clustered
    /// After `CREATE TRIGGER … BEFORE UPDATE ON …` or `BEFORE DELETE ON …`: fails the statement that set it off.
    case refuse
}
