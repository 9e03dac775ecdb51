import Auth
import Core
import Database
import SQLite

/// A store in memory with the tables of this build.
struct TenantStore {
    static let now = UnixTime(seconds: 1_700_000_000)

    let database: SQLiteDatabase
    let groups = GroupStore()
    let users = UserStore()
    let keys = GatewayKeyStore()

    init() async throws {
        self.database = try SQLiteDatabase.inMemory()
        try await MigrationRunner().run(on: self.database, now: Self.now)
    }

    static func at(_ seconds: Int64) -> UnixTime { UnixTime(milliseconds: Self.now.milliseconds + seconds * 1000) }

    /// Runs what is one transaction.
    @discardableResult
    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async throws -> Result {
        try await self.database.write(body)
    }

    func revision() async throws -> Int64 { try await self.database.read { try $0.revision() } }

    /// The tenant error of `body`, or nil.
    func failure<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLSession) throws -> Result
    ) async -> TenantError? {
        do {
            _ = try await self.database.write(body)
            return nil
        } catch {
            return error as? TenantError
        }
    }

    func addGroup(_ id: String, at seconds: Int64 = 0) async throws {
        try await self.write { [groups] in
            try groups.insert(try Group(id: GroupID(id), now: Self.at(seconds)), in: $0)
        }
    }

    @discardableResult
    func addUser(
        _ id: String,
        group: String,
        role: Role = .member,
        email: String? = nil,
        identity: User.Identity? = nil,
        at seconds: Int64 = 0
    ) async throws -> User {
        let user = try User(
            id: UserID(id),
            group: GroupID(group),
            name: "Name of \(id)",
            email: email,
            role: role,
            identity: identity,
            now: Self.at(seconds)
        )
        try await self.write { [users] in try users.insert(user, in: $0) }
        return user
    }

    /// Adds a key whose secret is `secret-of-<id>`.
    @discardableResult
    func addKey(
        _ id: String,
        group: String,
        draft: GatewayKeyRecord.Draft = GatewayKeyRecord.Draft(name: "key"),
        at seconds: Int64 = 0
    ) async throws -> GatewayKeyRecord {
        let record = try GatewayKeyRecord(
            draft,
            id: GatewayKeyID(id),
            group: GroupID(group),
            createdBy: "test",
            now: Self.at(seconds)
        )
        try await self.write { [keys] in
            try keys.insert(record, digest: KeyDigest(of: "secret-of-\(id)"), in: $0)
        }
        return record
    }

    /// The table a gateway would hold at a moment.
    func table(at seconds: Int64 = 0) async throws -> KeyTable {
        let entries = try await self.database.read { [keys] in try keys.activeEntries(now: Self.at(seconds), in: $0) }
        return try KeyTable(entries)
    }

    /// Who a secret is at a moment.
    func principal(_ secret: String, at seconds: Int64 = 0) async throws -> Principal? {
        let table = try await self.table(at: seconds)
        var text = secret
        return text.withUTF8 { table.principal(for: UnsafeRawBufferPointer($0), now: Self.at(seconds)) }
    }
}
