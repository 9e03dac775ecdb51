internal import Auth
package import Core
internal import Database
package import Metering
package import NIOCore

extension Administration {
    /// A page of a report in sums, and what all of it amounts to.
    package struct UsageSumsPage: Sendable {
        package let dimensions: [UsageDimension]
        package let groups: [UsageGroup]
        package let next: String?
        /// Of everything that was asked for; only with the first page.
        package let total: UsageSums?
    }

    /// What was used and what it cost, in sums.
    ///
    /// - Parameters:
    ///   - dimensions: What to group by; one group of everything for none.
    ///   - cursor: `next` of the page before.
    package func usageSums(
        _ query: UsageQuery,
        by dimensions: [UsageDimension],
        after cursor: String? = nil,
        limit: Int,
        for actor: Actor
    ) async throws(GatewayError) -> UsageSumsPage {
        let query = try Self.scoped(query, to: actor)
        return try await self.read { session in
            let ledger = LedgerStore()
            let total = cursor == nil ? try ledger.total(query, in: session) : nil
            guard !dimensions.isEmpty else {
                guard cursor == nil, let total else { throw UsageReportError.badCursor }
                let all = UsageGroup(values: [], sums: total)
                return UsageSumsPage(dimensions: [], groups: [all], next: nil, total: total)
            }
            let page = try ledger.groups(query, by: dimensions, after: cursor, limit: limit, in: session)
            return UsageSumsPage(dimensions: dimensions, groups: page.groups, next: page.next, total: total)
        }
    }

    /// What was used, attempt by attempt, the newest first.
    package func usageRows(
        _ query: UsageQuery,
        before cursor: String? = nil,
        limit: Int,
        for actor: Actor
    ) async throws(GatewayError) -> LedgerRows {
        let query = try Self.scoped(query, to: actor)
        return try await self.read { try LedgerStore().rows(query, before: cursor, limit: limit, in: $0) }
    }

    /// How an export is written.
    package enum UsageFormat: String, Sendable, CaseIterable {
        /// A line of names, then a line each.
        case csv
        /// A JSON object in each line.
        case ndjson
    }

    /// A piece of an export, ready to be sent, and where the next one begins.
    package struct UsagePiece: Sendable {
        package let bytes: ByteBuffer
        /// Nil behind the last one.
        package let next: String?
    }

    /// The next piece of a whole report, a thousand lines at most.
    ///
    /// Written on the thread of the store, so that no event loop is held up by it.
    ///
    /// - Parameters:
    ///   - dimensions: What to group by; nil for rows.
    ///   - cursor: `next` of the piece before; nil for the first one.
    package func usagePiece(
        _ query: UsageQuery,
        by dimensions: [UsageDimension]?,
        as format: UsageFormat,
        after cursor: String?,
        for actor: Actor
    ) async throws(GatewayError) -> UsagePiece {
        let query = try Self.scoped(query, to: actor)
        return try await self.read { session in
            let ledger = LedgerStore()
            var bytes = ByteBuffer()
            func write(_ object: JSONValue) {
                guard format == .ndjson else { return _ = bytes.writeString(UsageCSV.line(object)) }
                object.write(into: &bytes)
                bytes.writeStaticString("\n")
            }
            let isFirst = cursor == nil && format == .csv
            guard let dimensions else {
                if isFirst { bytes.writeString(LedgerRow.csvHeader) }
                let page = try ledger.rows(query, before: cursor, in: session)
                for row in page.rows { write(row.json) }
                return UsagePiece(bytes: bytes, next: page.next)
            }
            if isFirst { bytes.writeString(UsageSums.csvHeader(dimensions)) }
            guard !dimensions.isEmpty else {
                write(try ledger.total(query, in: session).json())
                return UsagePiece(bytes: bytes, next: nil)
            }
            let page = try ledger.groups(query, by: dimensions, after: cursor, in: session)
            for group in page.groups { write(group.json(dimensions)) }
            return UsagePiece(bytes: bytes, next: page.next)
        }
    }

    // MARK: -

    /// Narrows a report to what somebody may see.
    ///
    /// System administrators see everything, group administrators their group, members themselves; a key that belongs
    /// to no person sees what it has used itself. A group that is gone has left its usage behind, so it is not looked
    /// for; another group is as if it did not exist (row 44).
    static func scoped(_ query: UsageQuery, to actor: Actor) throws(GatewayError) -> UsageQuery {
        guard actor.role != .systemAdmin else { return query }
        guard let group = actor.group else { throw Permission.noSuchGroup }
        for filter in query.filters where filter.dimension == .group {
            try Permission(.member, in: GroupID(filter.value)).check(actor)
        }
        var query = query
        query.filters.append(.init(.group, group.text))
        guard actor.role == .member else { return query }
        if let user = actor.user {
            query.filters.append(.init(.user, user.text))
        } else {
            query.filters.append(.init(.key, actor.keyID ?? actor.name))
        }
        return query
    }

    private func read<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws(GatewayError) -> Result {
        do {
            return try await self.database.read(body)
        } catch let error as UsageReportError {
            throw .invalid(error == .badCursor ? "cursor" : "from", expected: error.rawValue)
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }
}
