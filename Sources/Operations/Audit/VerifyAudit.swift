package import Audit
internal import Auth
package import Core
internal import Database

extension Administration {
    /// Checks the whole log (row 55).
    ///
    /// - Parameter known: An end that was written down earlier.
    package func verifyAudit(against known: AuditHead?, by actor: Actor) async throws(GatewayError) -> AuditVerdict {
        let audit = self.surroundings.audit()
        return try await self.look(by: actor, needing: Permission(.systemAdmin)) { session in
            try audit.verify(against: known, in: session)
        }
    }
}
