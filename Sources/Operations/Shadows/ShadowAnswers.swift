internal import Auth
package import Core
package import Database
package import Metering

/// Comparisons of what clients were answered with what shadow targets said: system administrators see all, group
/// administrators those of their group.
extension Administration {
    /// Lists comparisons without their texts, the newest first.
    ///
    /// - Parameter alias: Only of this alias; nil for all.
    package func shadowAnswers(
        _ request: PageRequest,
        of alias: String? = nil,
        by actor: Actor
    ) async throws(GatewayError) -> Page<ShadowAnswer> {
        let filter = ShadowStore.Filter(group: Permission.scope(of: actor), alias: alias)
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try ShadowStore().list(request, filter, in: session)
        }
    }

    /// Gives one comparison with both texts.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` also for another group's.
    package func shadowAnswer(_ id: String, by actor: Actor) async throws(GatewayError) -> ShadowAnswer {
        let filter = ShadowStore.Filter(group: Permission.scope(of: actor))
        let found = try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try ShadowStore().get(id, filter, in: session)
        }
        guard let found else { throw GatewayError(.notFound, "There is no such comparison.") }
        return found
    }

    /// How the comparisons come out that are kept, by alias and shadow target.
    package func shadowSummaries(
        of alias: String? = nil,
        by actor: Actor
    ) async throws(GatewayError) -> [ShadowStore.Summary] {
        let filter = ShadowStore.Filter(group: Permission.scope(of: actor), alias: alias)
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try ShadowStore().summaries(filter, in: session)
        }
    }
}
