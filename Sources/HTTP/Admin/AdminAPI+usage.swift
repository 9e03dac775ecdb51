internal import Core
internal import Database
internal import Metering
internal import Operations
internal import Pipeline
internal import Transport

/// A report that was asked for.
struct UsageRequest: Sendable {
    let query: UsageQuery
    /// What to group by; nil for rows.
    let dimensions: [UsageDimension]?
    /// Nil for pages of JSON.
    let format: Administration.UsageFormat?
    let limit: Int
    let cursor: String?

    /// Parameters of the query.
    static let shape = BodyShape(
        properties: Self.times.properties + [
            .init(
                "by",
                .text,
                "What to group by, with commas: " + UsageDimension.allCases.map(\.rawValue).joined(separator: ", ")
                    + "."
            ),
            .init("rows", .flag, "Whether to answer single attempts, the newest first, instead of sums."),
            .init("format", .choice(["json"] + Administration.UsageFormat.allCases.map(\.rawValue)), Self.formatNote),
            .init("limit", .whole(PageRequest.limits), "How many, at most; 50 if not given. Not for exports."),
            .init("cursor", .text, "The nextCursor of the page before. Not for exports."),
        ]
            + UsageDimension.allCases.filter { !$0.isTime }.map { dimension in
                .init(dimension.rawValue, .text, "Only this \(dimension.rawValue); empty for those without one.")
            }
    )

    /// Those that say from when to when.
    static let times = BodyShape(properties: [
        .init("from", .text, "Not before: \(UsageMoment.expectation). Sums count whole hours."),
        .init("to", .text, "Before; as from."),
    ])

    private static let formatNote = "json in pages; csv or ndjson all at once. accept: text/csv asks for csv too."

    /// - Parameter acceptsCSV: Whether the client would rather have a CSV where it does not say `format`.
    init(_ query: Body, now: UnixTime, acceptsCSV: Bool = false) throws(GatewayError) {
        let filters = UsageDimension.allCases.compactMap { dimension in
            dimension.isTime ? nil : query.text(dimension.rawValue).map { UsageQuery.Filter(dimension, $0) }
        }
        var times = try Self.times(of: query, now: now)
        times.filters = filters
        self.query = times
        let dimensions = try query.text("by").map { text throws(GatewayError) in try Self.dimensions(text) }
        let isRows = query.flag("rows") ?? false
        guard !isRows || dimensions == nil else { throw .invalid("by", expected: "left out where rows=true") }
        self.dimensions = isRows ? nil : dimensions ?? []
        let format = query.text("format") ?? (acceptsCSV ? "csv" : "json")
        self.format = Administration.UsageFormat(rawValue: format)
        for name in ["limit", "cursor"] where self.format != nil && query.has(name) {
            throw .invalid(name, expected: "left out: \(format) answers everything")
        }
        self.limit = query.whole("limit") ?? PageRequest.standardLimit
        self.cursor = query.text("cursor")
    }

    /// The calls between the times that a query names.
    static func times(of query: Body, now: UnixTime) throws(GatewayError) -> UsageQuery {
        func moment(_ name: String) throws(GatewayError) -> UnixTime? {
            guard let text = query.text(name) else { return nil }
            guard let time = UsageMoment.read(text, now: now) else {
                throw .invalid(name, expected: UsageMoment.expectation)
            }
            return time
        }
        return UsageQuery(from: try moment("from"), to: try moment("to"))
    }

    private static func dimensions(_ text: String) throws(GatewayError) -> [UsageDimension] {
        var found: [UsageDimension] = []
        for name in text.split(separator: ",") {
            guard let dimension = UsageDimension(rawValue: String(name)), !found.contains(dimension) else {
                let names = UsageDimension.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("by", expected: "some of \(names), each once")
            }
            found.append(dimension)
        }
        return found
    }
}

extension AdminAPI {
    /// A page of a report.
    func usage(_ context: Context) async throws(GatewayError) -> AdminAnswer {
        let request = try UsageRequest(context.query, now: context.now)
        guard request.format == nil else {
            throw .invalid("format", expected: "json: exports are answered over HTTP alone")
        }
        guard let dimensions = request.dimensions else {
            let page = try await self.administration.usageRows(
                request.query,
                before: request.cursor,
                limit: request.limit,
                for: context.actor
            )
            return .list(AdminJSON.list(page.rows.map(\.json), next: page.next))
        }
        let page = try await self.administration.usageSums(
            request.query,
            by: dimensions,
            after: request.cursor,
            limit: request.limit,
            for: context.actor
        )
        return .list([
            "data": .array(page.groups.map { $0.json(dimensions) }),
            "nextCursor": page.next.map { .string($0) } ?? .null,
            "total": page.total?.json() ?? .null,
        ])
    }
}
