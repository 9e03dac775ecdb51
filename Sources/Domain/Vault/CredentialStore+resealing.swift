package import Database

extension CredentialStore {
    /// Seals these credentials again with the store's active key, as far as they are under another one.
    ///
    /// For rows that calls come across during a rotation without downtime; the background sweep is `Rotation`. A row
    /// that cannot be opened, or that somebody changes meanwhile, is left as it is.
    /// - Returns: How many rows were re-sealed.
    @discardableResult
    package func reseal(_ ids: [String], in session: any SQLSession) throws(CredentialStoreError) -> Int {
        let active = try Self.wrap { () throws(DatabaseError) in try KeyRingStore().activeID(in: session) }
        guard let active, self.vault.keyring.ids.contains(active) else { return 0 }
        let vault = self.vault(sealingWith: active)
        var count = 0
        for id in ids {
            let row = try Self.wrap { () throws(DatabaseError) in try Self.sealedKey.row(id, in: session) }
            guard let row, SealedCredential.keyID(ofBlob: row.blob) != active else { continue }
            guard
                let content = try? vault.open(SealedCredential(blob: row.blob, context: row.context)),
                let sealed = try? vault.seal(content, for: row.context)
            else { continue }
            let isReplaced = try Self.wrap { () throws(DatabaseError) in
                try Self.sealedKey.replace(row, with: sealed, in: session)
            }
            if isReplaced { count += 1 }
        }
        if count > 0 { try Self.wrap { () throws(DatabaseError) in try session.bumpRevision() } }
        return count
    }
}
