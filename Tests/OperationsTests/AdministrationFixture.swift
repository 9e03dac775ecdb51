import Audit
import Auth
import Core
import Database
import Metering
import NIOConcurrencyHelpers
import SQLite
import Vault

@testable import Operations

/// The control path over a store in memory with two groups.
struct AdministrationFixture: Sendable {
    static let red = GroupID("red")
    static let blue = GroupID("blue")

    let database: SQLiteDatabase
    let administration: Administration
    let changes = NIOLockedValueBox(0)
    /// What the gateway of this store counts.
    let standings = NIOLockedValueBox<[BudgetBook.Standing]>([])
    let clock = NIOLockedValueBox(UnixTime(seconds: 1_700_000_000))

    let system = Actor(name: "root", role: .systemAdmin, group: GroupID("blue"), user: UserID("root"))
    let admin = Actor(name: "ada", role: .groupAdmin, group: GroupID("red"), user: UserID("ada"), keyID: "k1")

    init(test: CredentialTest = .skipped, budgets: [BudgetRule] = []) async throws {
        let database = try SQLiteDatabase.inMemory()
        let start = UnixTime(seconds: 1_700_000_000)
        try await MigrationRunner().run(on: database, now: start)
        let key = SealingKey(try KeyMaterial(newFrom: .system, source: "test"))
        let ring = Keyring(primary: key)
        try await database.write { session in
            _ = try KeyRingStore().reconcile(ring, now: start, in: session)
            for (group, user, role) in [(Self.red, "ada", Role.groupAdmin), (Self.blue, "root", .systemAdmin)] {
                try GroupStore().insert(Group(id: group, now: start), in: session)
                let person = try User(id: UserID(user), group: group, name: user, role: role, now: start)
                try UserStore().insert(person, in: session)
            }
        }
        let log = AuditLog(signer: AuditSigner(keyID: key.id.text) { key.mac($0, purpose: "audit head") })
        let (changes, clock, standings) = (self.changes, self.clock, self.standings)
        self.database = database
        self.administration = Administration(
            database: database,
            surroundings: Administration.Surroundings(
                vault: { Vault(ring) },
                audit: { log },
                now: { clock.withLockedValue { $0 } },
                generator: { SystemRandomNumberGenerator() },
                providers: { ["openai"] },
                liveTest: { _, _ in test },
                settingsBudgets: { budgets },
                standings: { standings.withLockedValue { $0 } },
                onChange: { changes.withLockedValue { $0 += 1 } }
            )
        )
    }

    func records() async throws -> [AuditRecord] {
        let log = self.administration.surroundings.audit()
        return try await self.database.read { try log.list(limit: 200, in: $0).records.reversed() }
    }
}

/// The code of what `body` fails with; nil if it does not.
func code<Result>(_ body: () async throws -> Result) async -> GatewayError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? GatewayError)?.code ?? .notImplemented
    }
}
