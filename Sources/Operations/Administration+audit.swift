package import Audit
internal import Auth
package import Core
internal import Database
package import NIOCore

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

    /// Checks the whole log (row 55).
    ///
    /// - Parameter known: An end that was written down earlier.
    package func verifyAudit(against known: AuditHead?, by actor: Actor) async throws(GatewayError) -> AuditVerdict {
        let audit = self.surroundings.audit()
        return try await self.look(by: actor, needing: Permission(.systemAdmin)) { session in
            try audit.verify(against: known, in: session)
        }
    }

    /// Writes the log as lines of JSON, the oldest record first, a few hundred at a time.
    package func exportAudit(
        _ filter: AuditFilter,
        by actor: Actor,
        to write: (ByteBuffer) async throws -> Void
    ) async throws {
        try Permission(.systemAdmin).check(actor)
        try await self.surroundings.audit().export(filter, from: self.database, to: write)
    }
}
