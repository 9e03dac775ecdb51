import Auth
import Core
import Database
import SQLite
import Testing

/// A cold start with 100,000 keys.
@Suite struct TenantsLoadTests {
    static let count = 100_000

    @Test func `a hundred thousand keys load whole`() async throws {
        let store = try await TenantStore()
        for group in 0..<100 { try await store.addGroup("group-\(group)") }
        try await store.write { session in
            for number in 0..<Self.count {
                let draft = GatewayKeyRecord.Draft(
                    name: "key \(number)",
                    allowedModels: number % 10 == 0 ? ["fast", "openai/*"] : nil
                )
                let record = try GatewayKeyRecord(
                    draft,
                    id: GatewayKeyID("key-\(number)"),
                    group: GroupID("group-\(number % 100)"),
                    createdBy: "test",
                    now: TenantStore.now
                )
                try store.keys.insert(record, digest: KeyDigest(of: "secret-of-key-\(number)"), in: session)
            }
        }
        let clock = ContinuousClock()
        var table = KeyTable.empty
        let time = try await clock.measure { table = try await store.table() }
        #expect(table.count == Self.count)
        for number in [0, 1, 99_990, 99_999] {
            var secret = "secret-of-key-\(number)"
            let found = secret.withUTF8 { table.principal(for: UnsafeRawBufferPointer($0), now: TenantStore.now) }
            #expect(found?.keyID == "key-\(number)")
            #expect(found?.group == GroupID("group-\(number % 100)"))
            #expect(found?.mayUse(model: "slow") == (number % 10 != 0))
        }
        // Reading them takes less than writing them did; the figure of a release build is in the benchmarks.
        Attachment.record("\(Self.count) keys loaded in \(time)", named: "load-time.txt")
    }
}
