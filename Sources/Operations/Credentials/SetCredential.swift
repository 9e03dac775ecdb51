internal import Auth
package import Core
internal import Database
internal import Vault

extension Administration {
    /// Switches a credential on or off; safe to repeat.
    ///
    /// - Throws: `GatewayError`; `DUPLICATE_CREDENTIAL` if another one for the same provider is active.
    package func setCredential(
        _ id: String,
        of group: GroupID,
        isActive: Bool,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let deed = Deed(isActive ? "credential.activate" : "credential.deactivate", id, in: group)
        let permission = Permission(.groupAdmin, in: group)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            let record =
                isActive
                ? try credentials.activate(id, group: group, now: now, in: session)
                : try credentials.deactivate(id, group: group, now: now, in: session)
            deed.details.append(("provider", .string(record.provider)))
            return record
        }
        return self.stored(record, nil)
    }
}
