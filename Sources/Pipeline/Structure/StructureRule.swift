/// Whether answers are held against the schema of their request, and what is done about those that do not fit.
package struct StructureRule: Sendable, Equatable {
    package enum When: String, Sendable, CaseIterable {
        /// Never, whatever a call asks for.
        case never
        /// Where a call asks for it: `x-turnpike-validate: true`.
        case onRequest = "on_request"
        /// Always, but for calls that say `x-turnpike-validate: false`.
        case always
    }

    package var when = When.onRequest
    /// How often the model is asked again.
    package var repairsMax = 1

    package init(when: When = .onRequest, repairsMax: Int = 1) {
        self.when = when
        self.repairsMax = repairsMax
    }
}
