internal import Core
package import Database
internal import NIOCore

/// Which messages of a session are wanted.
package struct MessagePage: Sendable, Equatable {
    /// How many a page may have.
    package static let limits = 1...200
    /// How many it has if nobody says.
    package static let standardLimit = 50
    /// Bytes of content after which a page ends, so that a page of long messages stays readable.
    package static let bytesMax = 4 << 20

    package var limit: Int
    /// Whether the page begins with the newest.
    package var newestFirst: Bool
    /// Only messages with a greater number; nil for all.
    package var after: Int?
    /// Only messages with a smaller number; nil for all.
    package var before: Int?

    package init(
        limit: Int = MessagePage.standardLimit,
        newestFirst: Bool = false,
        after: Int? = nil,
        before: Int? = nil
    ) {
        precondition(Self.limits.contains(limit), "a page has 1 to 200 messages, not \(limit)")
        self.limit = limit
        self.newestFirst = newestFirst
        self.after = after
        self.before = before
    }
}

extension SessionStore {
    /// Gives messages of a session, in the order that was asked for.
    ///
    /// At least one if there is any, however long; else as many as fit in `MessagePage.bytesMax`.
    ///
    /// - Returns: The messages, and the number of the last one if there are more behind it.
    /// - Throws: `SessionError.notFound`.
    package func messages(
        _ page: MessagePage,
        of id: String,
        for access: SessionAccess,
        in session: any SQLSession
    ) throws(SessionError) -> (messages: [SessionMessage], next: Int?) {
        _ = try self.get(id, for: access, in: session)
        var range: SQL = " WHERE session_id = \(id)"
        if let after = page.after { range += " AND seq > \(after)" }
        if let before = page.before { range += " AND seq < \(before)" }
        let order: SQL = page.newestFirst ? " ORDER BY seq DESC" : " ORDER BY seq"
        return try kept { () throws(DatabaseError) in
            // The sizes first, so that what does not fit is never read.
            var (fitting, bytes, hasMore) = (0, 0, false)
            let sizes: SQL = "SELECT seq, bytes FROM session_messages" + range + order + " LIMIT \(page.limit + 1)"
            try session.forEachRow(sizes) { row throws(DatabaseError) in
                let size = Int(clamping: try row.integer("bytes"))
                guard !hasMore, fitting < page.limit, fitting == 0 || bytes + size <= MessagePage.bytesMax else {
                    hasMore = true
                    return
                }
                fitting += 1
                bytes += size
            }
            let found = try session.map(
                SessionMessage.select + range + order + " LIMIT \(fitting)",
                SessionMessage.init
            )
            return (found, hasMore ? found.last?.seq : nil)
        }
    }

    /// Gives one message.
    ///
    /// - Throws: `SessionError.notFound`, `.noSuchMessage`.
    package func message(
        _ seq: Int,
        of id: String,
        for access: SessionAccess,
        in session: any SQLSession
    ) throws(SessionError) -> SessionMessage {
        _ = try self.get(id, for: access, in: session)
        guard let found = try self.messages(in: seq...seq, of: id, in: session).first else { throw .noSuchMessage }
        return found
    }

    /// Gives the messages of a range, in their order: what a summary is made of.
    ///
    /// Whoever calls knows that the session may be read.
    package func messages(
        in seqs: ClosedRange<Int>,
        of id: String,
        in session: any SQLSession
    ) throws(SessionError) -> [SessionMessage] {
        try kept { () throws(DatabaseError) in
            try session.map(
                SessionMessage.select + " WHERE session_id = \(id) AND seq >= \(seqs.lowerBound) "
                    + "AND seq <= \(seqs.upperBound) ORDER BY seq",
                SessionMessage.init
            )
        }
    }

    /// Gives what a model is told of messages, by their numbers, in their order.
    func told(_ seqs: [Int], of id: String, in session: any SQLSession) throws(SessionError) -> [ToldMessage] {
        guard let first = seqs.first, let last = seqs.last else { return [] }
        // Nearly always a piece without gaps, and one statement serves all.
        let range = try kept { () throws(DatabaseError) in
            try session.map(
                ToldMessage.select + " WHERE session_id = \(id) AND seq >= \(first) AND seq <= \(last) ORDER BY seq",
                ToldMessage.init
            )
        }
        guard range.count != seqs.count else { return range }
        let wanted = Set(seqs)
        return range.filter { wanted.contains($0.seq) }
    }
}
