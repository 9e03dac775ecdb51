package import Audit
internal import Auth
package import Core
internal import Database

extension Administration {
    /// Records of the audit log, the newest first; group administrators see those of their group.
    package func listAudit(
        _ filter: AuditFilter,
        after cursor: String?,
        limit: Int,
        by actor: Actor
    ) async throws(GatewayError) -> AuditPage {
        let audit = self.surroundings.audit()
        var filter = filter
        // A group that is gone has left its records behind, so it is not looked for.
        if let scope = Permission.scope(of: actor) {
            if let wanted = filter.group { try Permission(.groupAdmin, in: wanted).check(actor) }
            filter.group = scope
        }
        let wanted = filter
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try audit.list(wanted, after: cursor, limit: limit, in: session)
        }
    }
}
