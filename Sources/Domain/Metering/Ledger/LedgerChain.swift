internal import CSodium
internal import Database

/// Makes the hash that chains a row to the one before it.
///
/// BLAKE2b-256 over `turnpike/ledger/1`, the hash before, then each column in its order: a zero byte for NULL; a one and
/// 8 bytes, big-endian, for a number; a two, the length as 4 bytes and the bytes for a text; a three and the same for
/// bytes; a four and the 8 bytes of a floating-point number, which the ledger never writes. No two rows have one
/// encoding.
struct LedgerChain {
    /// What the first row has as the hash before it.
    static let noHash = [UInt8](repeating: 0, count: 32)
    private static let isStarted = sodium_init() >= 0

    private var bytes: [UInt8] = []

    init() throws(DatabaseError) {
        guard Self.isStarted else { throw .failed(code: 0, message: "libsodium does not start") }
        self.bytes.reserveCapacity(2048)
    }

    /// The hash of a row: all its columns but the hash.
    mutating func hash(_ values: some Collection<SQLValue>, after previous: [UInt8]) -> [UInt8] {
        self.bytes.removeAll(keepingCapacity: true)
        self.bytes.append(contentsOf: "turnpike/ledger/1".utf8)
        self.bytes.append(contentsOf: previous)
        for value in values {
            switch value {
            case .null: self.bytes.append(0)
            case .integer(let number): self.append(1, UInt64(bitPattern: number))
            case .text(let text):
                self.append(2, count: text.utf8.count)
                self.bytes.append(contentsOf: text.utf8)
            case .blob(let bytes):
                self.append(3, count: bytes.count)
                self.bytes.append(contentsOf: bytes)
            case .real(let number): self.append(4, number.bitPattern)
            }
        }
        return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            guard let start = digest.baseAddress else { return }
            crypto_generichash_blake2b(start, 32, self.bytes, UInt64(self.bytes.count), nil, 0)
            count = 32
        }
    }

    private mutating func append(_ tag: UInt8, _ number: UInt64) {
        self.bytes.append(tag)
        withUnsafeBytes(of: number.bigEndian) { self.bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ tag: UInt8, count: Int) {
        self.bytes.append(tag)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian) { self.bytes.append(contentsOf: $0) }
    }
}
