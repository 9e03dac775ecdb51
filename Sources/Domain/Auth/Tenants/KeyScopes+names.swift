extension KeyScopes {
    /// Every scope and its name, as the API and the store spell it.
    package static let all: [(name: String, scope: KeyScopes)] = [("inference", .inference), ("admin", .admin)]

    /// Takes names, each at most once needed.
    ///
    /// - Throws: `TenantError.invalid` for a name that is not known, and for no name at all.
    package init(names: some Sequence<String>) throws(TenantError) {
        var scopes: KeyScopes = []
        for name in names {
            guard let known = Self.all.first(where: { $0.name == name }) else {
                throw Self.invalid
            }
            scopes.insert(known.scope)
        }
        guard !scopes.isEmpty else { throw Self.invalid }
        self = scopes
    }

    /// The names, in a fixed order.
    package var names: [String] { Self.all.filter { self.contains($0.scope) }.map(\.name) }

    private static var invalid: TenantError {
        .invalid(field: "scopes", expected: "one or more of \(Self.all.map(\.name).joined(separator: ", "))")
    }
}
