package import Core
package import Database

/// Provider credentials of groups, sealed.
///
/// Every method runs inside the caller's transaction, so that a change and its audit record stand or fall together. A
/// change counts up the store's revision, which is how running gateways notice it.
///
/// A method that takes a `group` finds nothing of other groups; nil means any group.
package struct CredentialStore: Sendable {
    /// The provider's key.
    package static let sealedKey = EncryptedColumn(
        name: "credentials.enc_key",
        table: "credentials",
        column: "enc_key",
        keyID: "key_id",
        group: "group_id",
        provider: "provider"
    )

    /// Seals with the key that the store says is active, which may be newer than the vault knows.
    let vault: Vault
    private let entropy: Entropy

    package init(vault: Vault, entropy: Entropy = .system) {
        self.vault = vault
        self.entropy = entropy
    }

    /// Stores a key as the active credential of its group for its provider.
    ///
    /// - Throws: `CredentialStoreError.duplicate` if there is an active one.
    package func create(
        _ new: NewCredential,
        now: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        try Self.check(new)
        let id = try self.freshID()
        let context = SealContext(
            group: new.group,
            provider: new.provider,
            credential: id,
            field: Self.sealedKey.name
        )
        let sealed = try self.seal(new.key, for: context, in: session)
        let hint = CredentialRecord.hint(of: new.key)
        do throws(DatabaseError) {
            try session.execute(
                """
                INSERT INTO credentials (id, group_id, provider, enc_key, key_id, is_active, key_hint, created_by,
                    created_at, updated_at)
                VALUES (\(id), \(new.group), \(new.provider), \(sealed.blob), \(sealed.keyID.text), 1, \(hint),
                    \(new.createdBy), \(now), \(now))
                """
            )
            try session.bumpRevision()
        } catch .uniqueViolation {
            throw .duplicate(provider: new.provider)
        } catch .foreignKeyViolation {
            throw .unknownGroup(new.group)
        } catch {
            throw .database(error)
        }
        return try self.find(id, group: new.group, in: session)
    }

    /// Puts a new key in the place of a credential: afterwards the new one is active and the old one is not.
    ///
    /// The new credential has an id of its own; the old one stays in the list, switched off. If anything fails the old
    /// one is as it was, since the caller's transaction is undone.
    /// - Throws: `.notFound`; `.duplicate` if `id` was not active and another one is.
    package func replace(
        _ id: String,
        group: GroupID?,
        with key: Secret<String>,
        by actor: String,
        now: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        let old = try self.find(id, group: group, in: session)
        let new = NewCredential(group: old.group, provider: old.provider, key: key, createdBy: actor)
        try Self.check(new)
        try Self.wrap { () throws(DatabaseError) in
            try session.execute(
                "UPDATE credentials SET is_active = 0, updated_at = \(now) WHERE id = \(id) AND is_active = 1"
            )
        }
        return try self.create(new, now: now, in: session)
    }

    /// Switches a credential off; repeating it changes nothing.
    package func deactivate(
        _ id: String,
        group: GroupID?,
        now: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        try self.setActive(false, id, group: group, now: now, in: session)
    }

    /// Switches a credential on, and forgets that the provider refused it; repeating it changes nothing more.
    ///
    /// - Throws: `.duplicate` if another one of the group for the same provider is active.
    package func activate(
        _ id: String,
        group: GroupID?,
        now: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        try self.setActive(true, id, group: group, now: now, in: session)
    }

    /// Deletes a credential and its sealed key.
    package func delete(
        _ id: String,
        group: GroupID?,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        let record = try self.find(id, group: group, in: session)
        try Self.wrap { () throws(DatabaseError) in
            try session.execute("DELETE FROM credentials WHERE id = \(id)")
            try session.bumpRevision()
        }
        return record
    }

    private func setActive(
        _ isActive: Bool,
        _ id: String,
        group: GroupID?,
        now: UnixTime,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> CredentialRecord {
        let record = try self.find(id, group: group, in: session)
        if record.isActive == isActive, !isActive || record.rejectedAt == nil { return record }
        do throws(DatabaseError) {
            try session.execute(
                """
                UPDATE credentials SET is_active = \(isActive), updated_at = \(now),
                    rejected_at = \(isActive ? nil : record.rejectedAt)
                WHERE id = \(id)
                """
            )
            try session.bumpRevision()
        } catch .uniqueViolation {
            throw .duplicate(provider: record.provider)
        } catch {
            throw .database(error)
        }
        return try self.find(id, group: group, in: session)
    }

    /// Seals with the active key of the store, as of this transaction.
    ///
    /// A gateway may not have noticed yet that the active key changed; what it writes must not be under the old one.
    private func seal(
        _ key: Secret<String>,
        for context: SealContext,
        in session: any SQLSession
    ) throws(CredentialStoreError) -> SealedCredential {
        let active = try Self.wrap { () throws(DatabaseError) in try KeyRingStore().activeID(in: session) }
        do throws(VaultError) {
            return try self.vault(sealingWith: active).seal(key, for: context)
        } catch {
            throw .vault(error)
        }
    }

    /// The vault with another active key; as it is for a store that has not named one yet.
    func vault(sealingWith id: KeyID?) -> Vault {
        id.map { Vault(self.vault.keyring.sealing(with: $0), entropy: self.entropy) } ?? self.vault
    }

    /// `cred_` and 96 random bits.
    private func freshID() throws(CredentialStoreError) -> String {
        do throws(VaultError) {
            let digits = Array("0123456789abcdef".utf8)
            let bytes = try self.entropy.bytes(12).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return "cred_" + String(decoding: bytes, as: UTF8.self)
        } catch {
            throw .vault(error)
        }
    }

    private static func check(_ new: NewCredential) throws(CredentialStoreError) {
        let isUsable = new.key.reveal { text in
            (1...4096).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        guard isUsable else { throw .badKey }
        let provider = new.provider.utf8
        guard (1...100).contains(provider.count), provider.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .badProvider
        }
    }

    @discardableResult
    static func wrap<Result>(
        _ body: () throws(DatabaseError) -> Result
    ) throws(CredentialStoreError) -> Result {
        do throws(DatabaseError) { return try body() } catch { throw .database(error) }
    }
}
