import NIOHTTP1

/// What a request is addressed to: its path, its query, and the header fields that can change what a path means.
struct Target: Sendable {
    /// The path as it was sent, still percent-encoded.
    let path: String
    /// The query without its `?`.
    let query: String
    let headers: HTTPHeaders

    init(_ uri: String, headers: HTTPHeaders = HTTPHeaders()) {
        let mark = uri.firstIndex(of: "?") ?? uri.endIndex
        self.path = String(uri[..<mark])
        self.query = String(uri[mark...].dropFirst())
        self.headers = headers
    }

    /// What follows `prefix` in the path.
    ///
    /// Nil if the path begins otherwise.
    func path(after prefix: String) -> String? {
        self.path.hasPrefix(prefix) ? String(self.path.dropFirst(prefix.count)) : nil
    }

    /// A parameter of the query, decoded.
    func parameter(_ name: String) -> String? {
        for pair in self.query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if URLText.decoded(halves[0]) == name { return halves.count == 2 ? URLText.decoded(halves[1]) : "" }
        }
        return nil
    }
}

/// The simulator's own endpoints.
enum Control: String, Sendable, CaseIterable {
    case script = "/sim/script"
    case record = "/sim/record"
    case totals = "/sim/totals"
    case health = "/sim/health"

    init?(_ target: Target) { self.init(rawValue: target.path) }

    /// The methods it takes.
    var methods: [HTTPMethod] {
        switch self {
        case .script: return [.GET, .POST, .DELETE]
        case .record: return [.GET, .DELETE]
        case .totals, .health: return [.GET]
        }
    }
}
