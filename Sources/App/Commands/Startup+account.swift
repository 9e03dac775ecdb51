import Core
import Database
import Engine
import Vault

extension Startup {
    /// What the start-up text tells of the store.
    func account() async throws -> StartupText.Account {
        let filter = CredentialFilter(group: .defaultGroup, isActive: true)
        let credentials = self.store.credentials
        let page = try await self.store.database.read { session in
            try credentials.list(filter, limit: CredentialStore.pageMax, in: session)
        }
        let ring = self.store.keyring
        return StartupText.Account(
            firstKey: self.firstKey,
            isFirstKeyNew: self.isFirstKeyNew,
            providers: Set(page.records.map(\.provider)),
            store: self.store.path,
            encryptionKey: "\(ring.primary.source), id \(ring.activeID.short)",
            isEncryptionKeyNew: self.store.opening.isKeyNew,
            warnings: self.warnings
        )
    }
}
