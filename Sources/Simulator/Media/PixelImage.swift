/// A PNG of one colour (W3C, "Portable Network Graphics"), small but whole: any viewer opens it.
enum PixelImage {
    /// An image of `side` by `side` pixels, at most 64 each way.
    static func png(side: Int, red: UInt8, green: UInt8, blue: UInt8) -> [UInt8] {
        let side = min(max(1, side), 64)
        // Each line begins with its filter: none.
        let line = [UInt8(0)] + Array(repeatElement([red, green, blue], count: side).joined())
        let pixels = Array(repeatElement(line, count: side).joined())
        var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // Width, height, 8 bits a channel, red-green-blue, the usual methods.
        Self.append("IHDR", Self.number(side) + Self.number(side) + [8, 2, 0, 0, 0], to: &bytes)
        Self.append("IDAT", Self.stored(pixels), to: &bytes)
        Self.append("IEND", [], to: &bytes)
        return bytes
    }

    private static func number(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func append(_ type: String, _ data: [UInt8], to bytes: inout [UInt8]) {
        let named = Array(type.utf8) + data
        var checksum = CRC32()
        checksum.add(named)
        bytes += Self.number(data.count) + named + Self.number(Int(checksum.value))
    }

    /// A zlib stream (RFC 1950) with one block that is not compressed.
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var sums: (UInt32, UInt32) = (1, 0)
        for byte in data {
            sums.0 = (sums.0 + UInt32(byte)) % 65_521
            sums.1 = (sums.1 + sums.0) % 65_521
        }
        let size = UInt16(data.count)
        let sizes = [size, ~size].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        return [0x78, 0x01, 0x01] + sizes + data + Self.number(Int(sums.1) << 16 | Int(sums.0))
    }
}
