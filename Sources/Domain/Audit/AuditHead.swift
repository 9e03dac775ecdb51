internal import Crypto
internal import Database

/// Signs and checks the end of the log, under a key that the database does not have.
///
/// The key is derived from a sealing key for this purpose alone: whoever can write the database, but not read the
/// encryption key, can neither shorten nor rewrite the log unseen.
package struct AuditSigner: Sendable {
    /// Names the sealing key, so that a check knows which one to take.
    package let keyID: String
    private let mac: @Sendable ([UInt8]) -> [UInt8]

    /// - Parameter mac: A message authentication code of 32 bytes, HMAC-SHA-256 under the derived key.
    package init(keyID: String, mac: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        self.keyID = keyID
        self.mac = mac
    }

    func sign(seq: Int64, hash: [UInt8]) -> AuditHead {
        AuditHead(
            seq: seq,
            hash: hash,
            keyID: self.keyID,
            mac: self.mac(AuditHead.message(seq: seq, hash: hash, self.keyID))
        )
    }

    /// Whether `head` was signed with this key.
    func accepts(_ head: AuditHead) -> Bool {
        guard head.keyID == self.keyID else { return false }
        let expected = self.mac(AuditHead.message(seq: head.seq, hash: head.hash, head.keyID))
        guard expected.count == head.mac.count else { return false }
        return zip(expected, head.mac).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// The end of the log at one moment: how long it is, the last hash, and a signature over both.
///
/// Kept in the store beside the log. A copy kept elsewhere proves later that the log was not put back to before it.
package struct AuditHead: Sendable, Equatable {
    package let seq: Int64
    package let hash: [UInt8]
    package let keyID: String
    package let mac: [UInt8]

    init(seq: Int64, hash: [UInt8], keyID: String, mac: [UInt8]) {
        self.seq = seq
        self.hash = hash
        self.keyID = keyID
        self.mac = mac
    }

    /// Reads what `text` gives; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard
            parts.count == 4, let seq = Int64(parts[0]), seq > 0, let hash = Self.bytes(parts[1]), hash.count == 32,
            let mac = Self.bytes(parts[3]), mac.count == 32
        else { return nil }
        self.init(seq: seq, hash: hash, keyID: String(parts[2]), mac: mac)
    }

    init(_ row: SQLRow) throws(DatabaseError) {
        self.init(
            seq: try row.integer("seq"),
            hash: try row.blob("hash"),
            keyID: try row.text("key_id"),
            mac: try row.blob("mac")
        )
    }

    /// One line to write down: number, hash, key id and signature, with colons between them.
    package var text: String { "\(self.seq):\(Self.hex(self.hash)):\(self.keyID):\(Self.hex(self.mac))" }

    static func message(seq: Int64, hash: [UInt8], _ keyID: String) -> [UInt8] {
        var message = Array("turnpike/audit-head/1".utf8)
        withUnsafeBytes(of: seq.bigEndian) { message.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: hash.count).bigEndian) { message.append(contentsOf: $0) }
        return message + hash + Array(keyID.utf8)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(_ digits: Substring) -> [UInt8]? {
        let values = digits.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == digits.utf8.count, values.count % 2 == 0 else { return nil }
        return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
