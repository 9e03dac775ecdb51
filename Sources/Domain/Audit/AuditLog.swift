package import Core
package import Database
internal import NIOCore

/// The log of everything administrative: records are added and never changed, each carrying the hash of the one before.
///
/// `append` runs inside the transaction of what it records, so neither happens without the other (row 54).
package struct AuditLog: Sendable {
    /// The most that the details of one record may have, as JSON text.
    package static let detailsBytesMax = 16_384

    let signer: AuditSigner
    /// All keys that may have signed the end of the log, the signer's among them.
    let signers: [AuditSigner]

    /// - Parameters:
    ///   - signer: Signs what is appended: the active sealing key's.
    ///   - others: Those of the other keys in the ring.
    package init(signer: AuditSigner, others: [AuditSigner] = []) {
        self.signer = signer
        self.signers = [signer] + others
    }

    /// Adds a record at the end and signs the new end.
    ///
    /// If the end of the log is not as it was signed, somebody has changed it. The record is added all the same, so
    /// that tampering locks nobody out, but in a way that `verify` will always see.
    /// - Throws: `AuditError`; the caller's transaction must not be committed then.
    @discardableResult
    package func append(
        _ entry: AuditEntry,
        now: UnixTime,
        in session: any SQLSession
    ) throws(AuditError) -> AuditRecord {
        var text = ByteBuffer()
        entry.details.write(into: &text)
        guard text.readableBytes <= Self.detailsBytesMax else {
            throw .detailsTooLong(bytes: text.readableBytes)
        }
        let details = String(buffer: text)
        return try Self.wrap { () throws(DatabaseError) in
            let (seq, previousHash) = try self.nextPlace(in: session)
            let record = AuditRecord(entry, details: details, seq: seq, at: now, previousHash: previousHash)
            try Self.insert(record, in: session)
            let head = self.signer.sign(seq: seq, hash: record.hash)
            try session.execute(
                """
                INSERT INTO audit_head (id, seq, hash, key_id, mac)
                VALUES (1, \(head.seq), \(head.hash), \(head.keyID), \(head.mac))
                ON CONFLICT (id) DO UPDATE
                SET seq = excluded.seq, hash = excluded.hash, key_id = excluded.key_id, mac = excluded.mac
                """
            )
            return record
        }
    }

    /// The signed end of the log; nil for an empty one.
    package func head(in session: any SQLSession) throws(AuditError) -> AuditHead? {
        try Self.wrap { () throws(DatabaseError) in try Self.storedHead(in: session) }
    }

    /// The number and the hash before it for the next record.
    ///
    /// Goes on from the signed end, not from the last record: where records were cut off, a gap stays. An end that is
    /// missing, or that no key of ours has signed, is not signed again: the chain starts anew, which shows.
    private func nextPlace(in session: any SQLSession) throws(DatabaseError) -> (Int64, [UInt8]) {
        let last = try session.first("SELECT seq FROM audit_log ORDER BY seq DESC LIMIT 1")?.integer("seq") ?? 0
        guard let head = try Self.storedHead(in: session) else { return (last + 1, AuditRecord.noHash) }
        let isOurs = self.signers.contains { $0.accepts(head) }
        guard isOurs, head.seq >= last else { return (max(last, isOurs ? head.seq : 0) + 1, AuditRecord.noHash) }
        return (head.seq + 1, head.hash)
    }

    static func storedHead(in session: any SQLSession) throws(DatabaseError) -> AuditHead? {
        guard let row = try session.first("SELECT seq, hash, key_id, mac FROM audit_head WHERE id = 1") else {
            return nil
        }
        return try AuditHead(row)
    }

    private static func insert(_ record: AuditRecord, in session: any SQLSession) throws(DatabaseError) {
        try session.execute(
            """
            INSERT INTO audit_log (seq, at, actor, actor_group, action, object_kind, object_id, group_id, outcome,
                request_id, details, prev_hash, hash)
            VALUES (\(record.seq), \(record.at), \(record.actor), \(record.actorGroup), \(record.action),
                \(record.objectKind), \(record.objectID), \(record.group), \(record.outcome), \(record.requestID),
                \(record.details), \(record.previousHash), \(record.hash))
            """
        )
    }

    static func wrap<Result>(_ body: () throws(DatabaseError) -> Result) throws(AuditError) -> Result {
        do throws(DatabaseError) { return try body() } catch { throw .unavailable("\(error)") }
    }
}
