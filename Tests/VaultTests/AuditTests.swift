import Audit
import Core
import Database
import NIOConcurrencyHelpers
import NIOCore
import SQLite
import TestKit
import Testing
import Vault

@Suite struct AuditTests {
    private let database: SQLiteDatabase
    private let key: SealingKey
    private let log: AuditLog
    private let start = UnixTime(milliseconds: 1_700_000_000_000)

    init() async throws {
        self.database = try SQLiteDatabase.inMemory()
        self.key = try SealingKey(seed: 1)
        self.log = AuditLog(signer: Self.signer(self.key))
        _ = try await MigrationRunner().run(on: self.database, now: self.start)
    }

    private static func signer(_ key: SealingKey) -> AuditSigner {
        AuditSigner(keyID: key.id.text) { key.mac($0, purpose: "audit head") }
    }

    private static func entry(_ index: Int) -> AuditEntry {
        AuditEntry(
            actor: "user-\(index % 3)",
            actorGroup: index % 2 == 0 ? GroupID("acme") : nil,
            action: index % 5 == 0 ? "key.revoke" : "credential.create",
            objectKind: "credential",
            objectID: "cred_\(index)",
            group: GroupID(index % 4 == 0 ? "bolt" : "acme"),
            outcome: index % 7 == 0 ? .refused : .done,
            requestID: index % 3 == 0 ? nil : "req_\(index)",
            details: ["provider": "openai", "n": .integer(Int64(index))]
        )
    }

    private func fill(_ count: Int, from first: Int = 0) async throws {
        let (log, start) = (self.log, self.start)
        try await self.database.write { session in
            for index in first..<(first + count) {
                try log.append(
                    Self.entry(index),
                    now: UnixTime(milliseconds: start.milliseconds + Int64(index)),
                    in: session
                )
            }
        }
    }

    private func verdict(against known: AuditHead? = nil, _ log: AuditLog? = nil) async throws -> AuditVerdict {
        let log = log ?? self.log
        return try await self.database.read { try log.verify(against: known, in: $0) }
    }

    /// What a check says after `change`, which is undone afterwards.
    private func verdict(after change: @escaping @Sendable (any SQLSession) throws -> Void) async throws -> AuditVerdict
    {
        let found = NIOLockedValueBox<AuditVerdict?>(nil)
        let log = self.log
        await #expect(throws: TestFailure.injected) {
            try await self.database.write { session in
                try change(session)
                let verdict = try log.verify(in: session)
                found.withLockedValue { $0 = verdict }
                throw TestFailure.injected
            }
        }
        return try #require(found.withLockedValue { $0 })
    }

    /// What `body` fails with.
    private func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `an untouched log is good, empty or not`() async throws {
        let empty = try await self.verdict()
        #expect(empty.isIntact && empty.count == 0 && empty.head == nil)
        try await self.fill(30)
        let full = try await self.verdict()
        #expect(full.isIntact && full.count == 30 && full.head?.seq == 30)
    }

    /// Row 55.
    @Test func `every changed byte of every field of every record is found, at its number`() async throws {
        try await self.fill(8)
        let records = try await self.database.read { try self.log.list(in: $0) }.records
        let texts: [(SQL, @Sendable (AuditRecord) -> String?)] = [
            ("actor", { $0.actor }), ("actor_group", { $0.actorGroup }), ("action", { $0.action }),
            ("object_kind", { $0.objectKind }), ("object_id", { $0.objectID }), ("group_id", { $0.group }),
            ("outcome", { $0.outcome }), ("request_id", { $0.requestID }), ("details", { $0.details }),
        ]
        var changes = 0
        for record in records {
            let seq = record.seq
            func expectFound(_ what: String, _ change: SQL) async throws {
                let verdict = try await self.verdict(after: { session in
                    _ = try session.execute("UPDATE audit_log SET " + change + " WHERE seq = \(seq)")
                })
                #expect(verdict.fault?.seq == seq, "\(what) of \(seq)")
                changes += 1
            }
            for (column, read) in texts {
                if let text = read(record) {
                    for index in text.utf8.indices {
                        var bytes = Array(text.utf8)
                        bytes[text.utf8.distance(from: text.utf8.startIndex, to: index)] ^= 1
                        let changed = String(decoding: bytes, as: UTF8.self)
                        try await expectFound("\(column.parts)", "\(column) = \(changed)")
                    }
                } else {
                    try await expectFound("\(column.parts)", "\(column) = ''")
                }
            }
            for bit in stride(from: 0, to: 64, by: 3) {
                let time = record.at.milliseconds ^ (1 << Int64(bit))
                try await expectFound("at", "at = \(time)")
            }
            for (column, bytes) in [("prev_hash" as SQL, record.previousHash), ("hash", record.hash)] {
                for index in bytes.indices {
                    var changed = bytes
                    changed[index] ^= 0x40
                    try await expectFound("hash", "\(column) = \(changed)")
                }
            }
        }
        #expect(changes > 1000)
    }

    @Test func `a text moved from one field to the next is found`() async throws {
        try await self.fill(3)
        let verdict = try await self.verdict { session in
            try session.execute("UPDATE audit_log SET action = action || 'c', object_kind = 'redential' WHERE seq = 2")
        }
        #expect(verdict.fault?.seq == 2)
    }

    @Test func `records that are gone, exchanged or put in are found, anywhere in a log of 1000 (row 55)`() async throws
    {
        try await self.fill(1000)
        var chance = SeededGenerator(seed: 4)
        for _ in 0..<25 {
            let seq = 1 + chance.below(999)
            let other = seq + 1 + chance.below(1000 - seq)
            let gone = try await self.verdict { try $0.execute("DELETE FROM audit_log WHERE seq = \(seq)") }
            #expect(gone.fault?.seq == Int64(seq))
            let closed = try await self.verdict { session in
                try session.execute("DELETE FROM audit_log WHERE seq = \(seq)")
                try session.execute("UPDATE audit_log SET seq = -seq WHERE seq > \(seq)")
                try session.execute("UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0")
            }
            #expect(closed.fault?.seq == Int64(seq))
            let exchanged = try await self.verdict { session in
                try session.execute("UPDATE audit_log SET seq = 5000 WHERE seq = \(seq)")
                try session.execute("UPDATE audit_log SET seq = \(seq) WHERE seq = \(other)")
                try session.execute("UPDATE audit_log SET seq = \(other) WHERE seq = 5000")
            }
            #expect(exchanged.fault?.seq == Int64(seq))
            let doubled = try await self.verdict { session in
                try session.execute("UPDATE audit_log SET seq = -seq WHERE seq > \(seq)")
                try session.execute("UPDATE audit_log SET seq = 1 - seq WHERE seq < 0")
                try session.execute(
                    """
                    INSERT INTO audit_log SELECT \(seq + 1), at, actor, actor_group, action, object_kind, object_id,
                        group_id, outcome, request_id, details, prev_hash, hash FROM audit_log WHERE seq = \(seq)
                    """
                )
            }
            #expect(doubled.fault?.seq == Int64(seq + 1))
        }
    }

    @Test func `a tail of any length that is cut off is found, with its first missing number (row 55)`() async throws {
        try await self.fill(40)
        for kept in 0..<40 {
            let verdict = try await self.verdict { try $0.execute("DELETE FROM audit_log WHERE seq > \(kept)") }
            #expect(verdict.fault?.seq == Int64(kept + 1))
        }
    }

    @Test func `a log that is written anew without the key is found, whatever is done to its end`() async throws {
        try await self.fill(10)
        // Somebody who can write the database makes a consistent log of his own.
        let forger = AuditLog(signer: Self.signer(try SealingKey(seed: 66)))
        let start = self.start
        let verdict = try await self.verdict { session in
            try session.execute("DELETE FROM audit_log")
            try session.execute("DELETE FROM audit_head")
            for index in 0..<10 { try forger.append(Self.entry(index + 100), now: start, in: session) }
        }
        #expect(verdict.fault?.reason.contains("not in the ring") == true)
        let keyID = self.key.id.text
        let relabelled = try await self.verdict { session in
            try session.execute("DELETE FROM audit_log")
            try session.execute("DELETE FROM audit_head")
            for index in 0..<10 { try forger.append(Self.entry(index + 100), now: start, in: session) }
            try session.execute("UPDATE audit_head SET key_id = \(keyID)")
        }
        #expect(relabelled.fault?.reason.contains("signature") == true)
        let headless = try await self.verdict { try $0.execute("DELETE FROM audit_head") }
        #expect(headless.fault?.seq == 10)
        let unsigned = try await self.verdict { session in
            try session.execute("UPDATE audit_head SET seq = 9")
        }
        #expect(unsigned.fault != nil)
    }

    @Test func `appending after a change does not make it good again`() async throws {
        try await self.fill(10)
        let log = self.log
        let start = self.start
        let append: @Sendable (any SQLSession) throws -> Void = { session in
            for index in 0..<3 { try log.append(Self.entry(index), now: start, in: session) }
        }
        let cut = try await self.verdict { session in
            try session.execute("DELETE FROM audit_log WHERE seq > 6")
            try append(session)
        }
        #expect(cut.fault?.seq == 7)
        let headless = try await self.verdict { session in
            try session.execute("DELETE FROM audit_log WHERE seq > 6")
            try session.execute("DELETE FROM audit_head")
            try append(session)
        }
        #expect(headless.fault?.seq == 7)
        let forged = try await self.verdict { session in
            try session.execute("DELETE FROM audit_log WHERE seq > 6")
            try session.execute(
                "UPDATE audit_head SET seq = 6, hash = (SELECT hash FROM audit_log WHERE seq = 6), key_id = 'gone'"
            )
            try append(session)
        }
        #expect(forged.fault?.seq == 7)
    }

    @Test func `a whole older state is found with an end that was noted elsewhere`() async throws {
        try await self.fill(5)
        let older = try #require(try await self.verdict().head)
        try await self.fill(5, from: 5)
        let full = try #require(try await self.verdict().head)
        let noted = try #require(AuditHead(full.text))
        #expect(try await self.verdict(against: noted).isIntact)
        #expect(try await self.verdict(against: older).isIntact, "the log has only grown since")
        _ = try await self.database.write { session in
            try session.execute("DELETE FROM audit_log WHERE seq > 5")
            try session.execute("UPDATE audit_head SET seq = 5, hash = \(older.hash), mac = \(older.mac)")
        }
        #expect(try await self.verdict().isIntact, "by itself it looks good")
        #expect(try await self.verdict(against: noted).fault?.seq == 6)
        for text in ["", "1:2:3:4", "x", older.text + ":", "0" + older.text.dropFirst()] {
            #expect(AuditHead(text) == nil)
        }
    }

    @Test func `the end is signed with the new key after a rotation, and both are known for a while`() async throws {
        try await self.fill(3)
        let new = try SealingKey(seed: 2)
        let both = AuditLog(signer: Self.signer(new), others: [Self.signer(self.key)])
        #expect(try await self.verdict(both).isIntact)
        let start = self.start
        _ = try await self.database.write { try both.append(Self.entry(9), now: start, in: $0) }
        #expect(try await self.verdict(AuditLog(signer: Self.signer(new))).isIntact)
        #expect(try await self.verdict().fault?.seq == 4, "the old key alone cannot check it")
    }

    @Test func `what cannot be recorded does not happen (row 54)`() async throws {
        let (log, start) = (self.log, self.start)
        for step in 1... {
            let faulty = FaultyDatabase(self.database, failAt: step, isCrash: false)
            let failure = await self.failure {
                try await faulty.write { session in
                    try session.execute(
                        "INSERT INTO groups (id, name, created_at, updated_at) VALUES ('g', 'g', 0, 0)"
                    )
                    try log.append(Self.entry(1), now: start, in: session)
                }
            }
            let state = try await self.database.read { session in
                (try session.rows("SELECT id FROM groups").count, try session.rows("SELECT seq FROM audit_log").count)
            }
            #expect(state.0 == state.1, "step \(step)")
            if failure == nil {
                #expect(!faulty.hasFailed && state.0 == 1)
                break
            }
            if state.0 == 1 {
                _ = try await self.database.write { session in
                    for sql in ["DELETE FROM groups", "DELETE FROM audit_log", "DELETE FROM audit_head"] as [SQL] {
                        try session.execute(sql)
                    }
                }
            }
        }
        let long = AuditEntry(
            actor: "a",
            action: "b",
            objectKind: "c",
            objectID: "d",
            details: .string(String(repeating: "x", count: 20_000))
        )
        await #expect(throws: AuditError.detailsTooLong(bytes: 20_002)) {
            try await self.database.write { try log.append(long, now: start, in: $0) }
        }
    }

    @Test func `pages go from the newest to the oldest, and filters narrow them`() async throws {
        try await self.fill(23)
        var seqs: [Int64] = []
        var cursor: String?
        repeat {
            let after = cursor
            let page = try await self.database.read { try self.log.list(after: after, limit: 5, in: $0) }
            seqs += page.records.map(\.seq)
            cursor = page.next
        } while cursor != nil && seqs.count < 200
        #expect(seqs == (1...23).reversed())
        func count(_ filter: AuditFilter) async throws -> Int {
            let page = try await self.database.read { try self.log.list(filter, in: $0) }
            return page.records.count
        }
        #expect(try await count(AuditFilter(group: GroupID("bolt"))) == 6)
        #expect(try await count(AuditFilter(actor: "user-1", action: "key.revoke")) == 1)
        #expect(try await count(AuditFilter(outcome: .refused)) == 4)
        #expect(try await count(AuditFilter(objectID: "cred_7")) == 1)
        #expect(try await count(AuditFilter(requestID: "req_8")) == 1)
        let since = UnixTime(milliseconds: self.start.milliseconds + 10)
        let until = UnixTime(milliseconds: self.start.milliseconds + 12)
        #expect(try await count(AuditFilter(since: since, until: until)) == 2)
        await #expect(throws: AuditError.badCursor) {
            try await self.database.read { _ = try self.log.list(after: "x", in: $0) }
        }
    }

    @Test func `an export has every record on a line of JSON, and the signed end on the last`() async throws {
        try await self.fill(1203)
        let text = NIOLockedValueBox("")
        try await self.log.export(from: self.database) { lines in
            text.withLockedValue { $0 += String(buffer: lines) }
        }
        let lines = text.withLockedValue { $0 }.split(separator: "\n")
        #expect(lines.count == 1204)
        for (index, line) in lines.dropLast().enumerated() {
            let value = try JSONValue.parse(String(line))
            #expect(value["seq"]?.intValue == index + 1)
            #expect(value["details"]?["n"]?.intValue == index)
            #expect(value["hash"]?.stringValue?.count == 64)
        }
        let head = AuditHead(try JSONValue.parse(String(lines[1203]))["head"]?.stringValue ?? "")
        #expect(try await self.verdict(against: head).isIntact)
        let first = try JSONValue.parse(String(lines[0]))
        #expect(first["at"]?.stringValue == "2023-11-14T22:13:20.000Z" && first["requestId"]?.isNull == true)

        text.withLockedValue { $0 = "" }
        try await self.log.export(AuditFilter(outcome: .refused), from: self.database) { lines in
            text.withLockedValue { $0 += String(buffer: lines) }
        }
        let refused = text.withLockedValue { $0 }
        #expect(refused.split(separator: "\n").count == 172 && !refused.contains("\"head\""))
    }
}
