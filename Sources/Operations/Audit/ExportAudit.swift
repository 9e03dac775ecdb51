package import Audit
internal import Auth
internal import Core
internal import Database
package import NIOCore

extension Administration {
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
