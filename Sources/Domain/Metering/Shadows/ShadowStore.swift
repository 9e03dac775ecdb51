package import Core
package import Database

/// Comparisons of answers with those of shadow targets, in a transaction of the caller.
///
/// Bounded for each alias: the oldest go first.
package struct ShadowStore: Sendable {
    /// What a list shows; nil for all.
    package struct Filter: Sendable, Equatable {
        package var group: GroupID?
        package var alias: String?

        package init(group: GroupID? = nil, alias: String? = nil) {
            self.group = group
            self.alias = alias
        }

        fileprivate var condition: SQL {
            var sql: SQL = "1 = 1"
            if let group = self.group { sql += " AND group_id = \(group)" }
            if let alias = self.alias { sql += " AND alias = \(alias)" }
            return sql
        }
    }

    /// How the comparisons of one alias with one target come out.
    package struct Summary: Sendable, Equatable {
        package var alias: String
        /// The shadow's.
        package var provider: String
        package var model: String
        package var count = 0
        /// Of those, how many the shadow target did not answer.
        package var failed = 0
        /// The mean of those that can be compared, in thousandths; nil if none can.
        package var likeness: Int?
        /// Medians over those that both answered, in milliseconds; nil if there are none.
        package var clientMedian: Int?
        package var shadowMedian: Int?
        /// Of all of them.
        package var clientCost = MicroDollars.zero
        package var shadowCost = MicroDollars.zero
    }

    package init() {}

    /// Adds comparisons; those of a group that is gone are left out.
    package func insert(_ answers: [ShadowAnswer], in session: any SQLSession) throws(DatabaseError) {
        for answer in answers {
            try session.execute(
                """
                INSERT INTO shadow_answers (
                    id, group_id, alias, request_id, created_at, operation, is_stream, likeness, client, shadow,
                    client_answer, shadow_answer
                )
                SELECT \(answer.id), id, \(answer.alias), \(answer.requestID), \(answer.createdAt),
                    \(answer.operation), \(answer.isStream), \(answer.likeness.map { Int64($0) }),
                    \(answer.client.stored), \(answer.shadow.stored),
                    \(Array(answer.client.text.utf8)), \(Array(answer.shadow.text.utf8))
                FROM groups WHERE id = \(answer.group)
                ON CONFLICT DO NOTHING
                """
            )
        }
    }

    /// Forgets the oldest of an alias.
    ///
    /// - Parameter keep: How many are left, at most.
    @discardableResult
    package func trim(_ alias: String, keep: Int, in session: any SQLSession) throws(DatabaseError) -> Int {
        try session.execute(
            """
            DELETE FROM shadow_answers WHERE alias = \(alias) AND (created_at, id) <= (
                SELECT created_at, id FROM shadow_answers WHERE alias = \(alias)
                ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET \(max(0, keep))
            )
            """
        )
    }

    /// Lists comparisons without their texts, the newest first.
    package func list(
        _ page: PageRequest = .first,
        _ filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(DatabaseError) -> Page<ShadowAnswer> {
        var sql: SQL = "\(Self.figures) FROM shadow_answers WHERE "
        sql += filter.condition
        if let after = page.after { sql += " AND (created_at, id) < (\(after.createdAt), \(after.id))" }
        sql += " ORDER BY created_at DESC, id DESC LIMIT \(page.limit + 1)"
        let rows = try session.map(sql) { row throws(DatabaseError) in try ShadowAnswer(row, withTexts: false) }
        return Page(rows, for: page) { PageRequest.Position(createdAt: $0.createdAt, id: $0.id) }
    }

    /// Gives one with its texts; nil if there is none.
    package func get(
        _ id: String,
        _ filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(DatabaseError) -> ShadowAnswer? {
        var sql: SQL = "\(Self.figures), client_answer, shadow_answer FROM shadow_answers WHERE id = \(id) AND "
        sql += filter.condition
        return try session.first(sql).map { row throws(DatabaseError) in try ShadowAnswer(row, withTexts: true) }
    }

    private static let figures: SQL = """
        SELECT id, group_id, alias, request_id, created_at, operation, is_stream, likeness, client, shadow
        """

    /// How all comparisons come out that are kept, by alias and shadow target.
    package func summaries(
        _ filter: Filter = Filter(),
        in session: any SQLSession
    ) throws(DatabaseError) -> [Summary] {
        var tallies: [[String]: Tally] = [:]
        var sql: SQL = "\(Self.figures) FROM shadow_answers WHERE "
        sql += filter.condition
        try session.forEachRow(sql) { row throws(DatabaseError) in
            let answer = try ShadowAnswer(row, withTexts: false)
            let key = [answer.alias, answer.shadow.provider, answer.shadow.model]
            tallies[key, default: Tally(answer)].add(answer)
        }
        return tallies.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { $0.value.summary }
    }

    /// What a summary is made of.
    private struct Tally {
        private var sums: Summary
        private var likeness: [Int] = []
        private var client: [Int] = []
        private var shadow: [Int] = []

        init(_ first: ShadowAnswer) {
            self.sums = Summary(alias: first.alias, provider: first.shadow.provider, model: first.shadow.model)
        }

        mutating func add(_ answer: ShadowAnswer) {
            self.sums.count += 1
            self.sums.clientCost += answer.client.cost
            self.sums.shadowCost += answer.shadow.cost
            guard answer.shadow.isAnswer else { return self.sums.failed += 1 }
            if let likeness = answer.likeness { self.likeness.append(likeness) }
            self.client.append(answer.client.totalMilliseconds)
            self.shadow.append(answer.shadow.totalMilliseconds)
        }

        var summary: Summary {
            var summary = self.sums
            if !self.likeness.isEmpty { summary.likeness = self.likeness.reduce(0, +) / self.likeness.count }
            summary.clientMedian = Self.median(self.client)
            summary.shadowMedian = Self.median(self.shadow)
            return summary
        }

        private static func median(_ values: [Int]) -> Int? {
            values.isEmpty ? nil : values.sorted()[values.count / 2]
        }
    }
}

extension ShadowStore.Summary {
    /// As administrators are shown it.
    package var json: JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
        return [
            "model": .string(self.alias),
            "shadowProvider": .string(self.provider),
            "shadowModel": .string(self.model),
            "comparisons": .integer(Int64(self.count)),
            "shadowFailed": .integer(Int64(self.failed)),
            "likeness": self.likeness.map { ShadowAnswer.fraction($0) } ?? .null,
            "clientMedianMs": number(self.clientMedian),
            "shadowMedianMs": number(self.shadowMedian),
            "clientCostUsd": .number(self.clientCost.dollars),
            "shadowCostUsd": .number(self.shadowCost.dollars),
        ]
    }
}

extension ShadowAnswer {
    fileprivate init(_ row: SQLRow, withTexts: Bool) throws(DatabaseError) {
        let clientText = withTexts ? try row.blob("client_answer") : []
        let shadowText = withTexts ? try row.blob("shadow_answer") : []
        self.init(
            id: try row.text("id"),
            group: GroupID(try row.text("group_id")),
            alias: try row.text("alias"),
            requestID: try row.text("request_id"),
            createdAt: try row.time("created_at"),
            operation: try row.text("operation"),
            isStream: try row.bool("is_stream"),
            client: Side(stored: try row.text("client"), said: clientText),
            shadow: Side(stored: try row.text("shadow"), said: shadowText)
        )
        self.likeness = try row.optionalInteger("likeness").map { Int(clamping: $0) }
    }
}
