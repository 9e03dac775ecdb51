internal import Auth
package import Core
internal import Database
internal import Vault

extension Administration {
    /// Puts a new key in the place of a credential's: the new one becomes active, or the old one stays.
    ///
    /// - Throws: `GatewayError` as `createCredential`; nothing has changed then.
    package func replaceCredential(
        _ id: String,
        of group: GroupID,
        with key: Secret<String>,
        isTested: Bool,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let permission = Permission(.groupAdmin, in: group)
        var deed = Deed("credential.replace", id, in: group)
        try await self.admit(actor, permission, deed)
        let old = try await self.look(by: actor, needing: permission) { session in
            try credentials.find(id, group: group, in: session)
        }
        deed.details.append(("provider", .string(old.provider)))
        let draft = CredentialDraft(provider: old.provider, key: key, isTested: isTested)
        let test = try await self.tryOut(draft, deed, by: actor)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            let record = try credentials.replace(id, group: group, with: key, by: actor.name, now: now, in: session)
            deed.details.append(("newId", .string(record.id)))
            if let test { deed.details.append(("test", .string(test.name))) }
            return record
        }
        return self.stored(record, test)
    }
}
