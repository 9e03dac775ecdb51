internal import Auth
package import Core
internal import Database
internal import Vault

extension Administration {
    /// Gives what may be shown of a credential.
    ///
    /// - Throws: `GatewayError`; `CREDENTIAL_NOT_FOUND` also for one of another group.
    package func credential(
        _ id: String,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let record = try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try credentials.find(id, group: group, in: session)
        }
        return self.stored(record, nil)
    }
}
