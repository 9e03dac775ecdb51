internal import Core

/// What a request for reranking says of what it costs.
package enum RerankBody {
    private static let names = JSONNames("documents")

    /// How many documents there are to put in order; zero where there is no list of them.
    ///
    /// - Parameter body: A JSON object.
    package static func documents(_ body: UnsafeRawBufferPointer) -> Int {
        var count = 0
        let reader = JSONScanner(body)
        var members = JSONScanner(body)
        try? members.members(of: Self.names) { (_, member) throws(JSONError) in
            guard reader.kind(member.value) == .array else { return }
            var list = JSONScanner(body, at: member.value)
            try list.elements { _ in count += 1 }
        }
        return count
    }
}
