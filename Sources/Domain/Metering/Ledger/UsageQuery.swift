package import Core
internal import Database

/// What a report can group by; all but the times can also be asked for by value.
package enum UsageDimension: String, Sendable, CaseIterable {
    case month, week, day, hour
    case group, user, key, agent, model, operation, provider, upstreamModel, credential, variant

    /// Its name in answers: objects of their own end in `Id` there.
    package var member: String {
        switch self {
        case .group, .user, .key, .agent, .credential: self.rawValue + "Id"
        default: self.rawValue
        }
    }

    /// Whether it is a piece of time.
    package var isTime: Bool { self.column == nil }

    /// Its column, in the ledger and in the sums alike; nil for times.
    var column: SQL? {
        switch self {
        case .month, .week, .day, .hour: nil
        case .group: "group_id"
        case .user: "user_id"
        case .key: "key_id"
        case .agent: "agent_id"
        case .model: "model"
        case .operation: "operation"
        case .provider: "provider"
        case .upstreamModel: "upstream_model"
        case .credential: "credential_id"
        case .variant: "variant"
        }
    }
}

/// Which part of the ledger is wanted.
package struct UsageQuery: Sendable, Equatable {
    /// One condition: the value of a dimension that is no time.
    package struct Filter: Sendable, Equatable {
        package let dimension: UsageDimension
        package let value: String

        /// - Parameter value: Empty for what has none, such as calls with keys that belong to nobody.
        package init(_ dimension: UsageDimension, _ value: String) {
            precondition(!dimension.isTime, "\(dimension) is a time, not a value")
            self.dimension = dimension
            self.value = value
        }
    }

    /// Attempts that began at this time or later; nil for the beginning.
    ///
    /// Sums know only whole hours: of the hour that this is in, they count all.
    package var from: UnixTime?
    /// Attempts that began before this; nil for no end.
    ///
    /// Sums count all of an hour that this is in.
    package var to: UnixTime?
    /// All of them must hold.
    package var filters: [Filter]

    package init(from: UnixTime? = nil, to: UnixTime? = nil, filters: [Filter] = []) {
        self.from = from
        self.to = to
        self.filters = filters
    }

    /// The conditions on sums.
    var hours: SQL {
        var sql: SQL = " WHERE 1 = 1"
        if let from = self.from { sql += " AND hour >= \(UsageHourKey.start(of: from))" }
        if let to = self.to { sql += " AND hour < \(to)" }
        return sql + self.values
    }

    /// The conditions on rows, other than their numbers.
    var rows: SQL {
        var sql: SQL = ""
        if let from = self.from { sql += " AND started_at >= \(from)" }
        if let to = self.to { sql += " AND started_at < \(to)" }
        return sql + self.values
    }

    private var values: SQL {
        var sql: SQL = ""
        for filter in self.filters {
            guard let column = filter.dimension.column else { continue }
            sql += " AND \(column) = \(filter.value)"
        }
        return sql
    }
}

/// Moments as people write them.
package enum UsageMoment {
    /// What `moment` takes, for messages.
    package static let expectation =
        "a date (2026-11-20), a time (2026-11-20T10:00:00Z), today, yesterday, week, month, or so long ago (-7d, -12h)"

    /// Reads a moment: `2026-11-20` and `2026-11-20T10:00:00Z`; `now`; `today`, `yesterday`, `week` and `month`, which
    /// began at midnight UTC, a week on Monday; and `-90m`, `-12h`, `-7d`, `-2w`, counted back from now.
    ///
    /// - Returns: Nil for anything else.
    package static func read(_ text: String, now: UnixTime) -> UnixTime? {
        switch text {
        case "now": return now
        case "today": return now.startOfDay
        case "yesterday": return now.startOfDay.adding(days: -1)
        case "week": return now.startOfWeek
        case "month": return now.startOfMonth
        default: break
        }
        if text.hasPrefix("-") { return Self.ago(text.dropFirst(), now: now) }
        return UnixTime(rfc3339: text.utf8.count == 10 ? text + "T00:00:00Z" : text)
    }

    private static func ago(_ text: Substring, now: UnixTime) -> UnixTime? {
        let units: [Character: Int64] = ["m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            (0...100_000).contains(count)
        else { return nil }
        return UnixTime(milliseconds: max(0, now.milliseconds - count * unit))
    }
}
