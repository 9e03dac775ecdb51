/// The checksum of ISO 3309, Ethernet and gzip: CRC-32 with the polynomial 0x04C11DB7, bits reflected.
package enum CRC32 {
    /// The checksum of `bytes`, or of what came before with `bytes` behind it.
    ///
    /// - Parameter crc: The checksum of what came before; 0 if nothing did.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        self.tables.withUnsafeBufferPointer { tables in
            guard let table = tables.baseAddress, let base = bytes.baseAddress else { return crc }
            var state = ~crc
            var index = 0
            let count = bytes.count
            // Eight bytes a step ("slicing by 8"): the tables say what a byte does that has n more behind it.
            while index &+ 8 <= count {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ state
                let high = UInt32(truncatingIfNeeded: word &>> 32)
                let left =
                    table[0x700 | Int(low & 0xFF)] ^ table[0x600 | Int(low &>> 8 & 0xFF)]
                    ^ table[0x500 | Int(low &>> 16 & 0xFF)] ^ table[0x400 | Int(low &>> 24)]
                let right =
                    table[0x300 | Int(high & 0xFF)] ^ table[0x200 | Int(high &>> 8 & 0xFF)]
                    ^ table[0x100 | Int(high &>> 16 & 0xFF)] ^ table[Int(high &>> 24)]
                state = left ^ right
                index &+= 8
            }
            while index < count {
                state = state &>> 8 ^ table[Int((state ^ UInt32(bytes[index])) & 0xFF)]
                index &+= 1
            }
            return ~state
        }
    }

    /// Eight tables of 256: what byte `i & 0xFF` does to the state with `i >> 8` bytes behind it.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var state = UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0xEDB8_8320 : state >> 1 }
            tables[byte] = state
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
