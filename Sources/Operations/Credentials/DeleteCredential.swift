internal import Auth
package import Core
internal import Database
internal import Vault

extension Administration {
    /// Deletes a credential and its sealed key.
    package func deleteCredential(_ id: String, of group: GroupID, by actor: Actor) async throws(GatewayError) {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let deed = Deed("credential.delete", id, in: group)
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) { session, _, deed in
            let record = try credentials.delete(id, group: group, in: session)
            deed.details.append(("provider", .string(record.provider)))
        }
    }
}
