internal import Auth
package import Core
internal import Database
package import Vault

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

/// A credential, and what came of trying it if that was asked for.
package struct StoredCredential: Sendable {
    package let record: CredentialRecord
    package let test: CredentialTest?
    /// Whether the keys in force open it.
    package let isReadable: Bool
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
        let test = try await self.test(draft, deed, by: actor)
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

    /// Lists the credentials of a group; `filter.group` is set here.
    package func listCredentials(
        of group: GroupID,
        filter: CredentialFilter,
        after cursor: String?,
        limit: Int,
        by actor: Actor
    ) async throws(GatewayError) -> (items: [StoredCredential], next: String?) {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        var filter = filter
        filter.group = group
        let wanted = filter
        let page = try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try credentials.list(wanted, after: cursor, limit: limit, in: session)
        }
        return (page.records.map { self.stored($0, nil) }, page.next)
    }

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
        let test = try await self.test(draft, deed, by: actor)
        let record = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            let record = try credentials.replace(id, group: group, with: key, by: actor.name, now: now, in: session)
            deed.details.append(("newId", .string(record.id)))
            if let test { deed.details.append(("test", .string(test.name))) }
            return record
        }
        return self.stored(record, test)
    }

    /// Deletes a credential and its sealed key.
    package func deleteCredential(_ id: String, of group: GroupID, by actor: Actor) async throws(GatewayError) {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let deed = Deed("credential.delete", id, in: group)
        try await self.change(deed, by: actor, needing: Permission(.groupAdmin, in: group)) { session, _, deed in
            let record = try credentials.delete(id, group: group, in: session)
            deed.details.append(("provider", .string(record.provider)))
        }
    }

    /// Tries a stored credential against its provider, and notes whether the provider takes it.
    package func testCredential(
        _ id: String,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let permission = Permission(.groupAdmin, in: group)
        let deed = Deed("credential.test", id, in: group)
        try await self.admit(actor, permission, deed)
        let (record, key) = try await self.look(by: actor, needing: permission) { session in
            (
                try credentials.find(id, group: group, in: session),
                try credentials.open(id, group: group, in: session)
            )
        }
        let test = await self.surroundings.liveTest(record.provider, key)
        let tested = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            deed.details = [("provider", .string(record.provider)), ("test", .string(test.name))]
            switch test {
            case .accepted: try credentials.markAccepted(id, in: session)
            case .refused: try credentials.markRejected(id, at: now, in: session)
            case .unknown, .skipped: break
            }
            return try credentials.find(id, group: group, in: session)
        }
        return self.stored(tested, test)
    }

    // MARK: -

    private func stored(_ record: CredentialRecord, _ test: CredentialTest?) -> StoredCredential {
        let ring = self.surroundings.vault().keyring
        return StoredCredential(record: record, test: test, isReadable: record.isReadable(with: ring))
    }

    private func checkProvider(_ name: String) throws(GatewayError) {
        let known = self.surroundings.providers()
        guard !known.contains(name) else { return }
        let hint = NearestName.find(name, in: known).map { " Did you mean '\($0)'?" } ?? ""
        var error = GatewayError(.invalidRequest, "There is no such provider here.\(hint)", param: "provider")
        error.details = [(key: "field", value: "provider"), (key: "expected", value: known.joined(separator: ", "))]
        throw error
    }

    /// Tries a key that is not stored yet, if that was asked for.
    private func test(
        _ draft: CredentialDraft,
        _ deed: Deed,
        by actor: Actor
    ) async throws(GatewayError) -> CredentialTest? {
        guard draft.isTested else { return nil }
        let key: GuardedBytes
        do throws(VaultError) {
            key = try Self.guarded(draft.key)
        } catch {
            throw GatewayError(administration: error, isChange: true)
        }
        let test = await self.surroundings.liveTest(draft.provider, key)
        switch test {
        case .accepted, .skipped:
            return test
        case .refused(let status):
            let text = "The provider refused the key with status \(status). Nothing was stored."
            let failure = GatewayError(.credentialRejected, text, param: "apiKey")
            await self.note(failure, deed, by: actor)
            throw failure
        case .unknown(let reason):
            let text =
                "The key could not be tried: \(reason). Nothing was stored; send \"test\": false to store it anyway."
            throw GatewayError(.providerUnavailable, text)
        }
    }

    private static func guarded(_ secret: Secret<String>) throws(VaultError) -> GuardedBytes {
        try secret.reveal { text throws(VaultError) in
            let bytes = Array(text.utf8)
            return try GuardedBytes(count: max(1, bytes.count)) { memory throws(VaultError) in
                memory.copyBytes(from: bytes)
            }
        }
    }
}
