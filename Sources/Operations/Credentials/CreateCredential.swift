internal import Auth
package import Core
internal import Database
internal import Vault

/// A provider key on its way in.
package struct CredentialDraft: Sendable {
    package var provider: String
    package var key: Secret<String>
    /// Whether to try the key first, and to store it only if the provider takes it.
    package var isTested: Bool

    package init(provider: String, key: Secret<String>, isTested: Bool) {
        self.provider = provider
        self.key = key
        self.isTested = isTested
    }
}

extension Administration {
    /// Stores a provider key as the active credential of its group.
    ///
    /// - Throws: `GatewayError`; `DUPLICATE_CREDENTIAL` if there is an active one, `CREDENTIAL_REJECTED` if it was to
    ///   be tried and the provider refused it, `PROVIDER_UNAVAILABLE` if the provider could not say. Nothing is stored
    ///   then.
    package func createCredential(
        _ draft: CredentialDraft,
        in group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let permission = Permission(.groupAdmin, in: group)
        let deed = Deed("credential.create", in: group, details: [("provider", .string(draft.provider))])
        try await self.admit(actor, permission, deed)
        try self.checkProvider(draft.provider)
        let credentials = CredentialStore(vault: self.surroundings.vault())
        if draft.isTested {
            // Nobody's key is tried only to find that there is no room for it.
            let filter = CredentialFilter(group: group, provider: draft.provider, isActive: true)
            let active = try await self.look(by: actor, needing: permission) { session in
                try credentials.list(filter, limit: 1, in: session).records
            }
            guard active.isEmpty else {
                throw GatewayError(
                    administration: CredentialStoreError.duplicate(provider: draft.provider),
                    isChange: true
                )
            }
        }
        let test = try await self.tryOut(draft, deed, by: actor)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            let new = NewCredential(
                group: group,
                provider: draft.provider,
                key: draft.key,
                createdBy: actor.name
            )
            let record = try credentials.create(new, now: now, in: session)
            deed.objectID = record.id
            if let test { deed.details.append(("test", .string(test.name))) }
            return record
        }
        return self.stored(record, test)
    }
}
