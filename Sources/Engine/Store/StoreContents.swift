package import Agents
package import Auth
package import Core
import Database
package import Metering
import Providers
package import Vault

/// What calls need of the store, at one moment.
package struct StoreContents: Sendable {
    /// The number of changes that are in it.
    var revision: Int64
    package var keys: KeyTable
    /// Sealed.
    package var credentials: [ActiveCredential]
    /// Everybody who may come with a token; empty where no issuer is configured.
    package var people: [User]
    /// Empty where no issuer is configured.
    package var groups: Set<GroupID>
    /// The key that everybody is to seal with.
    var activeKey: KeyID?
    /// The budgets that administrators made, beside those of the settings.
    package var budgets: [BudgetRule]
    /// The agents that administrators made, beside those of the settings.
    package var agents: [AgentProfile]

    /// Reads all of it in one snapshot.
    ///
    /// - Parameter withPeople: Whether tokens are believed, so that people matter.
    package static func load(_ store: Store, withPeople: Bool, now: UnixTime) async throws -> StoreContents {
        let credentials = store.credentials
        return try await store.database.read { session in
            StoreContents(
                revision: try session.revision(),
                keys: try KeyTable(try GatewayKeyStore().activeEntries(now: now, in: session)),
                credentials: try credentials.active(in: session),
                people: withPeople ? try Self.people(in: session) : [],
                groups: withPeople ? try Self.groups(in: session) : [],
                activeKey: try KeyRingStore().activeID(in: session),
                budgets: try BudgetStore().all(in: session),
                agents: try AgentStore().all(in: session)
            )
        }
    }

    private static func people(in session: any SQLSession) throws -> [User] {
        var people: [User] = []
        var request: PageRequest? = try PageRequest(limit: PageRequest.limits.upperBound)
        while let page = request {
            let found = try UserStore().list(page, of: nil, in: session)
            people += found.items.filter { $0.identity != nil }
            request = try found.nextCursor.map { try PageRequest(limit: PageRequest.limits.upperBound, cursor: $0) }
        }
        return people
    }

    private static func groups(in session: any SQLSession) throws -> Set<GroupID> {
        var groups: Set<GroupID> = []
        var request: PageRequest? = try PageRequest(limit: PageRequest.limits.upperBound)
        while let page = request {
            let found = try GroupStore().list(page, in: session)
            groups.formUnion(found.items.map(\.id))
            request = try found.nextCursor.map { try PageRequest(limit: PageRequest.limits.upperBound, cursor: $0) }
        }
        return groups
    }

    /// The credentials for the book: those of the store, and behind them those that the environment brings to the
    /// group `default` alone.
    func credentialEntries(_ vault: Vault, environment: EnvironmentCredentials) -> [CredentialBook.Entry] {
        let stored = self.credentials.map { credential in
            let sealed = credential.sealed
            return CredentialBook.Entry(
                id: credential.id,
                group: credential.group,
                provider: credential.provider,
                isRejected: credential.rejectedAt != nil,
                isStale: sealed.map { $0.keyID != vault.keyring.activeID } ?? false,
                open: { buffer in
                    guard let sealed else { throw VaultError.unreadable }
                    try vault.open(sealed, into: &buffer)
                }
            )
        }
        let taken = Set(self.credentials.lazy.filter { $0.group == .defaultGroup }.map(\.provider))
        return stored + environment.entries(except: taken)
    }
}

/// The provider keys that environment variables bring to the group `default`, sealed under a key of this process.
///
/// They are not written to the store: a variable that is gone takes its key with it. A stored credential that is active
/// goes before one of the environment.
package struct EnvironmentCredentials: Sendable {
    /// How the ids of these begin, in logs; no stored credential has such an id.
    static let idPrefix = "env:"

    private struct Sealed: Sendable {
        var variable: String
        var provider: String
        var sealed: SealedCredential
    }

    private let vault: Vault
    private let all: [Sealed]

    /// - Throws: `VaultError` if the system gives no memory or no randomness.
    init(_ settings: Settings) throws(VaultError) {
        let key = SealingKey(try KeyMaterial(newFrom: .system, source: "environment"))
        let vault = Vault(Keyring(primary: key))
        var all: [Sealed] = []
        for credential in settings.group(.defaultGroup)?.credentials ?? [] {
            guard let variable = credential.variable else { continue }
            let context = SealContext(
                group: .defaultGroup,
                provider: credential.provider,
                credential: Self.idPrefix + variable,
                field: "environment"
            )
            let sealed = try vault.seal(credential.key, for: context)
            all.append(Sealed(variable: variable, provider: credential.provider, sealed: sealed))
        }
        self.vault = vault
        self.all = all
    }

    fileprivate func entries(except taken: Set<String>) -> [CredentialBook.Entry] {
        let vault = self.vault
        return self.all.filter { !taken.contains($0.provider) }.map { credential in
            CredentialBook.Entry(
                id: Self.idPrefix + credential.variable,
                group: .defaultGroup,
                provider: credential.provider,
                open: { buffer in try vault.open(credential.sealed, into: &buffer) }
            )
        }
    }
}
