/// Gzip (RFC 1952) without compression: what a client that asked for gzip must be able to read.
///
/// The simulator needs no more, and so it needs no zlib.
struct StoredGzip {
    private var checksum = CRC32()
    private var size: UInt32 = 0
    private var hasBegun = false

    /// `bytes` as stored blocks, the header before the first of them.
    mutating func block(_ bytes: [UInt8]) -> [UInt8] {
        var output = self.hasBegun ? [] : Self.header
        self.hasBegun = true
        self.checksum.add(bytes)
        self.size &+= UInt32(truncatingIfNeeded: bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(0xFFFF)
            Self.appendStored(piece, isLast: false, to: &output)
            rest = rest.dropFirst(piece.count)
        }
        return output
    }

    /// An empty last block and the trailer.
    mutating func end() -> [UInt8] {
        var output = self.hasBegun ? [] : Self.header
        Self.appendStored([], isLast: true, to: &output)
        for word in [self.checksum.value, self.size] {
            for shift in [0, 8, 16, 24] as [UInt32] { output.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return output
    }

    static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    static func appendStored(_ bytes: ArraySlice<UInt8>, isLast: Bool, to output: inout [UInt8]) {
        output.append(isLast ? 1 : 0)
        Self.appendLengthAndBytes(bytes, to: &output)
    }

    /// The part of a stored block behind its three bits and the filling up to a byte.
    static func appendLengthAndBytes(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let length = UInt16(bytes.count)
        for word in [length, ~length] {
            output.append(UInt8(truncatingIfNeeded: word))
            output.append(UInt8(truncatingIfNeeded: word >> 8))
        }
        output.append(contentsOf: bytes)
    }
}

/// A small gzip body that inflates to a large one: `prefix`, then the letter A for `count` bytes, then `suffix`.
///
/// Deflate (RFC 1951) says "258 bytes as before" in 13 bits, so the ratio is about 158. The checksum at the end is
/// wrong on purpose: a reader that gets that far has already inflated what it should have refused.
enum GzipBomb {
    static func body(prefix: [UInt8], count: Int, suffix: [UInt8]) -> [UInt8] {
        var output = StoredGzip.header
        StoredGzip.appendStored(prefix[...], isLast: false, to: &output)
        var bits = BitWriter(output: output)
        bits.write(0b010, count: 3)  // Not the last block, fixed codes.
        let letter = UInt32(UInt8(ascii: "A")) + 0x30
        let matches = max(0, count - 1) / 258
        for _ in 0..<max(0, count - matches * 258) { bits.writeCode(letter, count: 8) }
        // Eight matches are 13 whole bytes, so from the second eight on the bytes repeat.
        if matches >= 16 {
            Self.writeMatches(8, to: &bits)
            let start = bits.output.count
            Self.writeMatches(8, to: &bits)
            let period = Array(bits.output[start...])
            for _ in 2..<matches / 8 { bits.output.append(contentsOf: period) }
            Self.writeMatches(matches % 8, to: &bits)
        } else {
            Self.writeMatches(matches, to: &bits)
        }
        bits.writeCode(0, count: 7)  // End of block.
        bits.write(0b001, count: 3)  // The last block, stored.
        output = bits.finished()
        StoredGzip.appendLengthAndBytes(suffix[...], to: &output)
        output.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
        return output
    }

    private static func writeMatches(_ count: Int, to bits: inout BitWriter) {
        for _ in 0..<count {
            bits.writeCode(0b1100_0101, count: 8)  // Length 258.
            bits.writeCode(0, count: 5)  // Distance 1.
        }
    }

    private struct BitWriter {
        var output: [UInt8]
        private var pending: UInt32 = 0
        private var pendingCount: UInt32 = 0

        init(output: [UInt8]) {
            self.output = output
        }

        /// Writes a number, lowest bit first.
        mutating func write(_ bits: UInt32, count: UInt32) {
            self.pending |= bits << self.pendingCount
            self.pendingCount += count
            while self.pendingCount >= 8 {
                self.output.append(UInt8(truncatingIfNeeded: self.pending))
                self.pending >>= 8
                self.pendingCount -= 8
            }
        }

        /// Writes a Huffman code, highest bit first.
        mutating func writeCode(_ code: UInt32, count: UInt32) {
            var reversed: UInt32 = 0
            for bit in 0..<count where code & (1 << bit) != 0 { reversed |= 1 << (count - 1 - bit) }
            self.write(reversed, count: count)
        }

        /// The output, with the last byte filled up.
        mutating func finished() -> [UInt8] {
            if self.pendingCount > 0 {
                self.write(0, count: 8 - self.pendingCount)
            }
            return self.output
        }
    }
}

/// The checksum of gzip.
struct CRC32 {
    private static let table: [UInt32] = (0..<256).map { (index: UInt32) in
        (0..<8).reduce(index) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }

    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~self.state }

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes {
            self.state = Self.table[Int((self.state ^ UInt32(byte)) & 0xFF)] ^ (self.state >> 8)
        }
    }
}
