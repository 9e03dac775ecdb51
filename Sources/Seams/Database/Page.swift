package import Core

/// Which part of a list is wanted.
///
/// Lists are ordered by creation and then by id, so that a page begins where the last one ended, whatever was added or
/// deleted in between.
package struct PageRequest: Sendable, Hashable {
    /// How many rows a page may have.
    package static let limits = 1...200
    /// How many it has if the caller does not say.
    package static let standardLimit = 50
    /// The longest cursor that is looked at, in characters.
    package static let cursorLengthMax = 400

    /// The first page in its standard size.
    package static let first = PageRequest()

    /// Rows on this page, at most.
    package let limit: Int
    /// The row before the first one wanted; nil for the beginning.
    package let after: Position?

    /// A row's place in its list.
    package struct Position: Sendable, Hashable {
        package let createdAt: UnixTime
        package let id: String

        package init(createdAt: UnixTime, id: String) {
            self.createdAt = createdAt
            self.id = id
        }
    }

    private init() {
        self.limit = Self.standardLimit
        self.after = nil
    }

    /// Takes what a client asked for.
    ///
    /// - Parameter cursor: As it came with the page before; nil for the first page.
    package init(limit: Int? = nil, cursor: String? = nil) throws(PageError) {
        let limit = limit ?? Self.standardLimit
        guard Self.limits.contains(limit) else { throw .badLimit }
        self.limit = limit
        self.after = try cursor.map { text throws(PageError) in try Self.position(text) }
    }

    /// The condition and the order for a table with `created_at` and `id`, and one row more than fits, so that it
    /// shows whether there is another page.
    ///
    /// - Parameters:
    ///   - filter: A condition all rows of the list fulfil.
    ///   - newestFirst: Whether the list begins with what was created last; the same for all of its pages.
    package func clause(where filter: SQL, newestFirst: Bool = false) -> SQL {
        var sql: SQL = " WHERE \(filter)"
        if newestFirst {
            if let after = self.after { sql += " AND (created_at, id) < (\(after.createdAt), \(after.id))" }
            return sql + " ORDER BY created_at DESC, id DESC LIMIT \(self.limit + 1)"
        }
        if let after = self.after { sql += " AND (created_at, id) > (\(after.createdAt), \(after.id))" }
        return sql + " ORDER BY created_at, id LIMIT \(self.limit + 1)"
    }

    // MARK: - Cursors

    /// Hexadecimal, so that nobody reads meaning into it: the time in 16 digits, then the id.
    static func cursor(_ position: Position) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        let time = UInt64(bitPattern: position.createdAt.milliseconds)
        for shift in stride(from: 60, through: 0, by: -4) { text.append(digits[Int((time >> UInt64(shift)) & 15)]) }
        for byte in position.id.utf8 { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    private static func position(_ cursor: String) throws(PageError) -> Position {
        guard (18...Self.cursorLengthMax).contains(cursor.utf8.count) else { throw .badCursor }
        var nibbles: [UInt8] = []
        for byte in cursor.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): nibbles.append(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): nibbles.append(byte - UInt8(ascii: "a") + 10)
            default: throw .badCursor
            }
        }
        guard nibbles.count % 2 == 0 else { throw .badCursor }
        let time = nibbles.prefix(16).reduce(UInt64(0)) { $0 << 4 | UInt64($1) }
        let bytes = stride(from: 16, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
        guard let id = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else { throw .badCursor }
        return Position(createdAt: UnixTime(milliseconds: Int64(bitPattern: time)), id: id)
    }
}

/// Part of a list.
package struct Page<Item: Sendable>: Sendable {
    package let items: [Item]
    /// Asks for the next page; nil on the last.
    package let nextCursor: String?

    /// Cuts off the row that only shows there is more.
    ///
    /// - Parameters:
    ///   - rows: What the statement with `request.clause` gave.
    ///   - position: Where an item stands in the list.
    package init(_ rows: [Item], for request: PageRequest, position: (Item) -> PageRequest.Position) {
        let hasMore = rows.count > request.limit
        self.items = hasMore ? Array(rows.prefix(request.limit)) : rows
        self.nextCursor = hasMore ? self.items.last.map { PageRequest.cursor(position($0)) } : nil
    }

    /// The same page with other items in the same places.
    package func map<Other: Sendable>(_ make: (Item) -> Other) -> Page<Other> {
        Page<Other>(items: self.items.map(make), nextCursor: self.nextCursor)
    }

    private init(items: [Item], nextCursor: String?) {
        self.items = items
        self.nextCursor = nextCursor
    }
}

/// What is wrong with a request for a page.
package enum PageError: String, Error, Sendable, CaseIterable {
    case badLimit = "limit must be 1 to 200"
    case badCursor = "cursor must be the nextCursor of the page before"
}
