package import Core
package import Database
package import NIOCore

/// Which records to list.
package struct AuditFilter: Sendable, Equatable {
    package var group: GroupID?
    package var actor: String?
    package var action: String?
    package var objectKind: String?
    package var objectID: String?
    package var outcome: AuditEntry.Outcome?
    package var requestID: String?
    /// Not earlier than this.
    package var since: UnixTime?
    /// Earlier than this.
    package var until: UnixTime?

    package init(
        group: GroupID? = nil,
        actor: String? = nil,
        action: String? = nil,
        objectKind: String? = nil,
        objectID: String? = nil,
        outcome: AuditEntry.Outcome? = nil,
        requestID: String? = nil,
        since: UnixTime? = nil,
        until: UnixTime? = nil
    ) {
        self.group = group
        self.actor = actor
        self.action = action
        self.objectKind = objectKind
        self.objectID = objectID
        self.outcome = outcome
        self.requestID = requestID
        self.since = since
        self.until = until
    }

    /// `WHERE` and its conditions.
    var condition: SQL {
        var condition: SQL = "WHERE 1 = 1"
        if let group = self.group { condition += " AND group_id = \(group)" }
        if let actor = self.actor { condition += " AND actor = \(actor)" }
        if let action = self.action { condition += " AND action = \(action)" }
        if let kind = self.objectKind { condition += " AND object_kind = \(kind)" }
        if let id = self.objectID { condition += " AND object_id = \(id)" }
        if let outcome = self.outcome { condition += " AND outcome = \(outcome.rawValue)" }
        if let requestID = self.requestID { condition += " AND request_id = \(requestID)" }
        if let since = self.since { condition += " AND at >= \(since)" }
        if let until = self.until { condition += " AND at < \(until)" }
        return condition
    }
}

/// Some records, the newest first, and where the older ones begin.
package struct AuditPage: Sendable {
    package let records: [AuditRecord]
    /// Give it back for the next page; nil on the last one.
    package let next: String?
}

extension AuditLog {
    /// The most that one page lists.
    package static let pageMax = 200
    private static let exportPageRows = 500

    private static let selection: SQL = """
        SELECT seq, at, actor, actor_group, action, object_kind, object_id, group_id, outcome, request_id, details,
            prev_hash, hash
        FROM audit_log\u{20}
        """

    /// Records from the newest to the oldest, a page at a time.
    ///
    /// - Parameters:
    ///   - cursor: `next` of the page before.
    ///   - limit: From 1 to `pageMax`; others become the nearest.
    package func list(
        _ filter: AuditFilter = AuditFilter(),
        after cursor: String? = nil,
        limit: Int = 50,
        in session: any SQLSession
    ) throws(AuditError) -> AuditPage {
        let limit = min(max(limit, 1), Self.pageMax)
        var query = Self.selection + filter.condition
        if let cursor {
            guard let seq = Int64(cursor) else { throw .badCursor }
            query += " AND seq < \(seq)"
        }
        query += " ORDER BY seq DESC LIMIT \(limit + 1)"
        let all = query
        let records = try Self.wrap { () throws(DatabaseError) in
            try session.map(all) { row throws(DatabaseError) in try AuditRecord(row) }
        }
        guard records.count > limit, let last = records.prefix(limit).last else {
            return AuditPage(records: records, next: nil)
        }
        return AuditPage(records: Array(records.prefix(limit)), next: String(last.seq))
    }

    /// Goes through the records from the oldest to the newest.
    func forEach(
        _ filter: AuditFilter = AuditFilter(),
        in session: any SQLSession,
        _ each: (AuditRecord) throws(DatabaseError) -> Void
    ) throws(AuditError) {
        try Self.wrap { () throws(DatabaseError) in
            try session.forEachRow(Self.selection + filter.condition + " ORDER BY seq") { row throws(DatabaseError) in
                try each(try AuditRecord(row))
            }
        }
    }

    /// Writes the log as lines of JSON, the oldest record first, and the signed end as the last line.
    ///
    /// The end is written only for a whole log, without a filter: it is what a copy elsewhere is good for. Records
    /// that are added meanwhile are in the export up to that end.
    /// - Parameter write: Takes some lines at a time; not more than a few hundred records are in memory.
    package func export(
        _ filter: AuditFilter = AuditFilter(),
        from database: any Database,
        to write: (ByteBuffer) async throws -> Void
    ) async throws {
        var last: Int64 = 0
        let isWhole = filter == AuditFilter()
        let head = isWhole ? try await database.read { try self.head(in: $0) } : nil
        let selected = Self.selection + filter.condition + " AND seq <= \(head?.seq ?? Int64.max)"
        while true {
            let page = selected + " AND seq > \(last) ORDER BY seq LIMIT \(Self.exportPageRows)"
            let records = try await database.read { session in
                try session.map(page) { row throws(DatabaseError) in try AuditRecord(row) }
            }
            guard let end = records.last else { break }
            last = end.seq
            var lines = ByteBuffer()
            for record in records {
                record.writeJSON(into: &lines)
                lines.writeStaticString("\n")
            }
            try await write(lines)
        }
        guard let head else { return }
        var line = ByteBuffer(string: "{\"head\":")
        appendJSONString(head.text, into: &line)
        line.writeStaticString("}\n")
        try await write(line)
    }
}
