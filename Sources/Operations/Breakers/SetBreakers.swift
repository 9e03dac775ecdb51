internal import Auth
package import Core

extension Administration {
    /// The longest that breakers can be opened for, in seconds; longer is until they are closed.
    package static let breakerSecondsMax = 7 * 86_400

    /// The breakers of all targets that calls went to.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` where no gateway runs in this process.
    package func listBreakers(by actor: Actor) throws(GatewayError) -> [ReportedBreaker] {
        try Permission(.systemAdmin).check(actor)
        return try self.panel().list()
    }

    /// Keeps calls away from targets, whether any was called before or not.
    ///
    /// It is in the gateway's memory alone: another start begins anew.
    ///
    /// - Parameter seconds: For how long; nil: until they are closed.
    /// - Returns: Those of them that calls went to so far.
    /// - Throws: `GatewayError`; `NOT_FOUND` for a provider that is not configured.
    package func openBreakers(
        _ selection: BreakerSelection,
        for seconds: Int?,
        by actor: Actor
    ) async throws(GatewayError) -> [ReportedBreaker] {
        let panel = try self.panel()
        try await self.record("breaker.open", selection, seconds, by: actor)
        return panel.open(selection, seconds)
    }

    /// Lets calls go to targets again, whatever kept them away.
    ///
    /// - Returns: Those of them that calls went to so far.
    package func closeBreakers(
        _ selection: BreakerSelection,
        by actor: Actor
    ) async throws(GatewayError) -> [ReportedBreaker] {
        let panel = try self.panel()
        try await self.record("breaker.close", selection, nil, by: actor)
        return panel.close(selection)
    }

    /// Writes down what is about to be done: nothing happens without its record.
    private func record(
        _ action: String,
        _ selection: BreakerSelection,
        _ seconds: Int?,
        by actor: Actor
    ) async throws(GatewayError) {
        let known = self.surroundings.providers()
        guard known.contains(selection.provider) else {
            let hint = NearestName.find(selection.provider, in: known).map { " Did you mean '\($0)'?" } ?? ""
            throw GatewayError(.notFound, "There is no such provider.\(hint)")
        }
        var details: [(String, JSONValue)] = []
        if let model = selection.model { details.append(("model", .string(model))) }
        if let id = selection.credentialID { details.append(("credentialId", .string(id))) }
        if let seconds { details.append(("seconds", .integer(Int64(seconds)))) }
        let deed = Deed(action, selection.provider, details: details)
        try await self.change(deed, by: actor, needing: Permission(.systemAdmin)) { _, _, _ in }
    }

    private func panel() throws(GatewayError) -> BreakerPanel {
        guard let panel = self.surroundings.breakers else {
            throw GatewayError(
                .notFound,
                "Breakers are in the memory of a running gateway, and none was asked: give its URL and a key."
            )
        }
        return panel
    }
}
