package import Core
internal import Crypto
internal import Database
package import NIOCore

/// One line of the audit log, as it stands in the store.
///
/// Texts are kept as they were stored, also where they are none that this build would write, so that a forged record
/// can be looked at.
package struct AuditRecord: Sendable, Equatable {
    /// Counts up from 1 without gaps.
    package let seq: Int64
    package let at: UnixTime
    package let actor: String
    package let actorGroup: String?
    package let action: String
    package let objectKind: String
    package let objectID: String
    package let group: String?
    package let outcome: String
    package let requestID: String?
    /// A JSON object.
    package let details: String
    /// The hash of the record before it; zeros for the first.
    package let previousHash: [UInt8]
    /// Over everything above.
    package let hash: [UInt8]

    /// What the first record has as the hash before it.
    static let noHash = [UInt8](repeating: 0, count: 32)

    init(_ entry: AuditEntry, details: String, seq: Int64, at: UnixTime, previousHash: [UInt8]) {
        self.seq = seq
        self.at = at
        self.actor = entry.actor
        self.actorGroup = entry.actorGroup?.text
        self.action = entry.action
        self.objectKind = entry.objectKind
        self.objectID = entry.objectID
        self.group = entry.group?.text
        self.outcome = entry.outcome.rawValue
        self.requestID = entry.requestID
        self.details = details
        self.previousHash = previousHash
        self.hash = Self.hash(
            seq: seq,
            at: at,
            texts: [
                entry.actor, entry.actorGroup?.text, entry.action, entry.objectKind, entry.objectID, entry.group?.text,
                entry.outcome.rawValue, entry.requestID, details,
            ],
            previousHash: previousHash
        )
    }

    init(_ row: SQLRow) throws(DatabaseError) {
        self.seq = try row.integer("seq")
        self.at = try row.time("at")
        self.actor = try row.text("actor")
        self.actorGroup = try row.optionalText("actor_group")
        self.action = try row.text("action")
        self.objectKind = try row.text("object_kind")
        self.objectID = try row.text("object_id")
        self.group = try row.optionalText("group_id")
        self.outcome = try row.text("outcome")
        self.requestID = try row.optionalText("request_id")
        self.details = try row.text("details")
        self.previousHash = try row.blob("prev_hash")
        self.hash = try row.blob("hash")
    }

    /// The hash that the record must have.
    var expectedHash: [UInt8] {
        Self.hash(
            seq: self.seq,
            at: self.at,
            texts: [
                self.actor, self.actorGroup, self.action, self.objectKind, self.objectID, self.group, self.outcome,
                self.requestID, self.details,
            ],
            previousHash: self.previousHash
        )
    }

    /// SHA-256 over one encoding that no other record has.
    ///
    /// `turnpike/audit/1`, the number and the time as 8 bytes each, the hash before, then each text: a zero byte for
    /// none, else a one, the length as 4 bytes and the UTF-8 bytes. Numbers are big-endian.
    private static func hash(seq: Int64, at: UnixTime, texts: [String?], previousHash: [UInt8]) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeStaticString("turnpike/audit/1")
        buffer.writeInteger(seq)
        buffer.writeInteger(at.milliseconds)
        buffer.writeInteger(UInt32(truncatingIfNeeded: previousHash.count))
        buffer.writeBytes(previousHash)
        for text in texts {
            guard let text else {
                buffer.writeInteger(UInt8(0))
                continue
            }
            buffer.writeInteger(UInt8(1))
            buffer.writeInteger(UInt32(truncatingIfNeeded: text.utf8.count))
            buffer.writeString(text)
        }
        return buffer.withUnsafeReadableBytes { Array(SHA256.hash(data: $0)) }
    }

    /// Appends the record as one line of JSON, for an export or an answer.
    package func writeJSON(into buffer: inout ByteBuffer) {
        func member(_ name: StaticString, _ text: String?) {
            buffer.writeStaticString(name)
            if let text { appendJSONString(text, into: &buffer) } else { buffer.writeStaticString("null") }
        }
        buffer.writeStaticString("{\"seq\":")
        buffer.writeString(String(self.seq))
        buffer.writeStaticString(",\"at\":\"")
        self.at.writeRFC3339(into: &buffer)
        buffer.writeStaticString("\"")
        member(",\"actor\":", self.actor)
        member(",\"actorGroup\":", self.actorGroup)
        member(",\"action\":", self.action)
        member(",\"objectKind\":", self.objectKind)
        member(",\"objectId\":", self.objectID)
        member(",\"groupId\":", self.group)
        member(",\"outcome\":", self.outcome)
        member(",\"requestId\":", self.requestID)
        buffer.writeStaticString(",\"details\":")
        if let details = try? JSONValue.parse(self.details) {
            details.write(into: &buffer)
        } else {
            appendJSONString(self.details, into: &buffer)
        }
        member(",\"prevHash\":", AuditHead.hex(self.previousHash))
        member(",\"hash\":", AuditHead.hex(self.hash))
        buffer.writeStaticString("}")
    }
}
