internal import CSodium
internal import Database

/// Makes the hash that chains a row to the one before it.
///
/// BLAKE2b-256 over `turnpike/ledger/1`, the hash before, then each column of `LedgerRow.hashed` in its order: a zero
/// byte for NULL; a one and 8 bytes, big-endian, for a number; a two, the length as 4 bytes and the bytes for a text; a
/// three and the same for bytes; a four and the 8 bytes of a floating-point number, which the ledger never writes. No
/// two rows have one encoding.
enum LedgerChain {
    /// What the first row has as the hash before it.
    static let noHash = [UInt8](repeating: 0, count: 32)
    private static let label: StaticString = "turnpike/ledger/1"
    private static let isStarted = sodium_init() >= 0

    /// - Throws: If libsodium does not work; then no hash may be made.
    static func start() throws(DatabaseError) {
        guard Self.isStarted else { throw .failed(code: 0, message: "libsodium does not start") }
    }

    /// The hash of a row: all its columns but the hash.
    static func hash(_ values: ArraySlice<SQLValue>, after previous: [UInt8]) -> [UInt8] {
        let size = values.reduce(Self.label.utf8CodeUnitCount + previous.count) { $0 + Self.size(of: $1) }
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            var writer = Writer(bytes: bytes)
            writer.write(UnsafeRawBufferPointer(start: Self.label.utf8Start, count: Self.label.utf8CodeUnitCount))
            previous.withUnsafeBytes { writer.write($0) }
            for value in values { writer.write(value) }
            return [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
                guard let start = digest.baseAddress else { return }
                let message = bytes.bindMemory(to: UInt8.self).baseAddress
                crypto_generichash_blake2b(start, 32, message, UInt64(size), nil, 0)
                count = 32
            }
        }
    }

    private static func size(of value: SQLValue) -> Int {
        switch value {
        case .null: 1
        case .integer, .real: 9
        case .text(let text): 5 + text.utf8.count
        case .blob(let bytes): 5 + bytes.count
        }
    }

    /// Writes one piece behind the other; there is room for all.
    private struct Writer {
        let bytes: UnsafeMutableRawBufferPointer
        var end = 0

        mutating func write(_ value: SQLValue) {
            switch value {
            case .null: self.tag(0)
            case .integer(let number): self.write(1, UInt64(bitPattern: number))
            case .text(var text): text.withUTF8 { self.write(2, UnsafeRawBufferPointer($0)) }
            case .blob(let blob): blob.withUnsafeBytes { self.write(3, $0) }
            case .real(let number): self.write(4, number.bitPattern)
            }
        }

        private mutating func tag(_ tag: UInt8) {
            self.bytes[self.end] = tag
            self.end += 1
        }

        private mutating func write(_ tag: UInt8, _ number: UInt64) {
            self.tag(tag)
            self.bytes.storeBytes(of: number.bigEndian, toByteOffset: self.end, as: UInt64.self)
            self.end += 8
        }

        private mutating func write(_ tag: UInt8, _ piece: UnsafeRawBufferPointer) {
            self.tag(tag)
            let count = UInt32(truncatingIfNeeded: piece.count).bigEndian
            self.bytes.storeBytes(of: count, toByteOffset: self.end, as: UInt32.self)
            self.end += 4
            self.write(piece)
        }

        mutating func write(_ piece: UnsafeRawBufferPointer) {
            UnsafeMutableRawBufferPointer(rebasing: self.bytes[self.end...]).copyMemory(from: piece)
            self.end += piece.count
        }
    }
}
