package import Core
package import Database

/// What a report cannot do.
package enum UsageReportError: String, Error, Sendable {
    case badCursor = "cursor must be the nextCursor of the page before, with the same by"
    case tooManyMonths = "a report by month spans at most 600 months: give from and to"
}

/// One group of a report: its values, in the order of the dimensions asked for, and the sums.
package struct UsageGroup: Sendable, Equatable {
    /// A piece of time, or a text.
    package enum Value: Sendable, Hashable {
        /// When it began.
        case time(UnixTime)
        case text(String)
    }

    package let values: [Value]
    package let sums: UsageSums

    package init(values: [Value], sums: UsageSums) {
        self.values = values
        self.sums = sums
    }
}

/// Some groups of a report, and where the others begin.
package struct UsageGroups: Sendable, Equatable {
    package let groups: [UsageGroup]
    /// Give it back for the next page; nil on the last one.
    package let next: String?
}

/// Some rows, the newest first, and where the older ones begin.
package struct LedgerRows: Sendable, Equatable {
    package let rows: [LedgerRow]
    /// Give it back for the next page; nil on the last one.
    package let next: String?
}

extension LedgerStore {
    /// The most groups, or rows, in one page.
    package static let pageMax = 1000
    private static let monthsMax = 600

    // MARK: - Sums

    /// What everything asked for amounts to.
    package func total(_ query: UsageQuery, in session: any SQLSession) throws(DatabaseError) -> UsageSums {
        let row = try session.first("SELECT \(Self.sumColumns) FROM usage_hours" + query.hours)
        var cells = LedgerCells(row?.values ?? [])
        return try UsageSums(&cells)
    }

    /// Sums grouped by some dimensions, in the order of their values, a page at a time.
    ///
    /// Takes as long as reading the hours that are asked for does, which does not grow with the rows of the ledger.
    ///
    /// - Parameters:
    ///   - dimensions: At least one, each once.
    ///   - cursor: `next` of the page before.
    ///   - limit: From 1 to `pageMax`; others become the nearest.
    /// - Throws: `UsageReportError`, `DatabaseError`.
    package func groups(
        _ query: UsageQuery,
        by dimensions: [UsageDimension],
        after cursor: String? = nil,
        limit: Int = Self.pageMax,
        in session: any SQLSession
    ) throws -> UsageGroups {
        precondition(!dimensions.isEmpty && Set(dimensions).count == dimensions.count, "a report groups by something")
        let limit = min(max(limit, 1), Self.pageMax)
        var expressions: [SQL] = []
        for dimension in dimensions { expressions.append(try self.expression(dimension, query, in: session)) }
        let list = Self.joined(expressions)
        var sql: SQL = "SELECT \(list), \(Self.sumColumns) FROM usage_hours" + query.hours
        if let cursor {
            let values = try UsageCursor.values(cursor, dimensions)
            sql += " AND (\(list)) > (\(list: values))"
        }
        let places = Self.joined(dimensions.indices.map { Self.position($0) })
        sql += " GROUP BY \(places) ORDER BY \(places) LIMIT \(limit + 1)"
        var groups: [UsageGroup] = []
        try session.forEachRow(sql) { row throws(DatabaseError) in
            var cells = LedgerCells(row.values)
            var values: [UsageGroup.Value] = []
            for dimension in dimensions {
                values.append(
                    dimension.isTime ? .time(UnixTime(milliseconds: try cells.integer())) : .text(try cells.text())
                )
            }
            groups.append(UsageGroup(values: values, sums: try UsageSums(&cells)))
        }
        let hasMore = groups.count > limit
        if hasMore { groups.removeLast() }
        return UsageGroups(groups: groups, next: hasMore ? groups.last.map { UsageCursor.text($0.values) } : nil)
    }

    /// What a dimension is computed from; times are the milliseconds at which they began.
    private func expression(
        _ dimension: UsageDimension,
        _ query: UsageQuery,
        in session: any SQLSession
    ) throws -> SQL {
        if let column = dimension.column { return column }
        switch dimension {
        case .day: return "(hour - hour % 86400000)"
        // 1 January 1970 was a Thursday: three days after a Monday.
        case .week: return "(hour - (hour + 259200000) % 604800000)"
        case .month: return try self.month(query, in: session)
        default: return "hour"
        }
    }

    /// The month of an hour, spelled with the months there are: databases have no common word for it.
    private func month(_ query: UsageQuery, in session: any SQLSession) throws -> SQL {
        let first = try session.first("SELECT MIN(hour) AS hour FROM usage_hours")?.optionalTime("hour")
        let last = try session.first("SELECT MAX(hour) AS hour FROM usage_hours")?.optionalTime("hour")
        guard let first, let last else { return "hour" }
        var month = max(first, min(query.from ?? first, last)).startOfMonth
        let end = min(last, query.to ?? last)
        var sql: SQL = "(CASE"
        var count = 0
        repeat {
            let next = month.startOfNextMonth
            sql += " WHEN hour < \(next) THEN \(month)"
            month = next
            count += 1
            guard count <= Self.monthsMax else { throw UsageReportError.tooManyMonths }
        } while month <= end
        return sql + " ELSE \(month) END)"
    }

    /// A column of the result, by its place.
    private static func position(_ index: Int) -> SQL {
        let places: [SQL] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"]
        return places[index]
    }

    private static func joined(_ pieces: [SQL]) -> SQL {
        var sql: SQL = ""
        for (index, piece) in pieces.enumerated() { sql += index == 0 ? piece : ", " + piece }
        return sql
    }

    /// In the order of `UsageSums.Figure`; a sum of 64-bit numbers is wider in some databases.
    private static let sumColumns: SQL = {
        let columns: [SQL] = [
            "attempts", "calls", "ok", "failed", "charged_calls", "charged_tokens", "input_tokens", "output_tokens",
            "cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "audio_input_tokens",
            "audio_output_tokens", "images", "cache_write_long_tokens", "characters", "sound_ms", "searches", "cost",
            "charged", "source_provider", "source_partial", "source_estimated", "source_none",
        ]
        return Self.joined(columns.map { "CAST(COALESCE(SUM(\($0)), 0) AS \(.integer))" })
    }()

    // MARK: - Rows

    /// Rows from the newest to the oldest, a page at a time.
    ///
    /// Reads no more of the ledger than the rows between the first and the last that can be meant, which the sums know.
    /// Rows that are added meanwhile are newer than the first page, and so on none of the later ones.
    ///
    /// - Parameters:
    ///   - cursor: `next` of the page before.
    ///   - limit: From 1 to `pageMax`; others become the nearest.
    /// - Throws: `UsageReportError`, `DatabaseError`.
    package func rows(
        _ query: UsageQuery,
        before cursor: String? = nil,
        limit: Int = Self.pageMax,
        in session: any SQLSession
    ) throws -> LedgerRows {
        let limit = min(max(limit, 1), Self.pageMax)
        let first: Int64
        let last: Int64
        if let cursor {
            (first, last) = try UsageCursor.bounds(cursor)
        } else {
            let row = try session.first(
                "SELECT MIN(min_seq) AS low, MAX(max_seq) AS high FROM usage_hours" + query.hours
            )
            guard let low = try row?.optionalInteger("low"), let high = try row?.optionalInteger("high") else {
                return LedgerRows(rows: [], next: nil)
            }
            (first, last) = (low, high)
        }
        let sql: SQL = "SELECT \(LedgerRow.columns) FROM ledger WHERE seq >= \(first) AND seq <= \(last)" + query.rows
        var rows = try session.map(sql + " ORDER BY seq DESC LIMIT \(limit + 1)") { row throws(DatabaseError) in
            try LedgerRow(row)
        }
        let hasMore = rows.count > limit
        if hasMore { rows.removeLast() }
        return LedgerRows(
            rows: rows,
            next: hasMore ? rows.last.map { UsageCursor.text(first: first, last: $0.seq - 1) } : nil
        )
    }

    /// Rows behind one, the oldest first, for those who follow the ledger.
    package func rows(
        after seq: Int64,
        limit: Int,
        in session: any SQLSession
    ) throws(DatabaseError) -> [LedgerRow] {
        try session.map("SELECT \(LedgerRow.columns) FROM ledger WHERE seq > \(seq) ORDER BY seq LIMIT \(limit)") {
            row throws(DatabaseError) in
            try LedgerRow(row)
        }
    }
}

extension UsageSums {
    init(_ cells: inout LedgerCells) throws(DatabaseError) {
        self.init()
        for figure in Figure.allCases { self[figure] = try cells.integer() }
    }
}

/// Where a page ended, as an opaque text.
private enum UsageCursor {
    /// JSON of the last group's values, in hexadecimal so that nobody reads meaning into it.
    static func text(_ values: [UsageGroup.Value]) -> String {
        let json = JSONValue.array(
            values.map { value in
                switch value {
                case .time(let time): .integer(time.milliseconds)
                case .text(let text): .string(text)
                }
            }
        )
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: json.text.utf8.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func values(_ cursor: String, _ dimensions: [UsageDimension]) throws(UsageReportError) -> [SQLValue] {
        let nibbles = cursor.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard nibbles.count == cursor.utf8.count, nibbles.count % 2 == 0, nibbles.count <= 65_536 else {
            throw .badCursor
        }
        let bytes = stride(from: 0, to: nibbles.count, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
        let json = try? JSONValue.parse(String(decoding: bytes, as: UTF8.self))
        guard let elements = json?.arrayValue, elements.count == dimensions.count else { throw .badCursor }
        var values: [SQLValue] = []
        for (element, dimension) in zip(elements, dimensions) {
            switch element {
            case .integer(let number) where dimension.isTime: values.append(.integer(number))
            case .string(let text) where !dimension.isTime: values.append(.text(text))
            default: throw .badCursor
            }
        }
        return values
    }

    static func text(first: Int64, last: Int64) -> String { "\(last)-\(first)" }

    static func bounds(_ cursor: String) throws(UsageReportError) -> (first: Int64, last: Int64) {
        let parts = cursor.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 2, let last = parts[0], let first = parts[1] else { throw .badCursor }
        return (first, last)
    }
}
