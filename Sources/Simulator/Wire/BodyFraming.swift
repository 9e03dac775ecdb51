import NIOCore

/// Puts the pieces of a body onto the wire: as HTTP chunks or as they are, gzipped or not.
struct BodyFraming {
    let isChunked: Bool
    /// The most bytes of a chunk.
    ///
    /// Nil for one chunk a piece.
    let chunkBytes: Int?
    let hasTrailers: Bool
    private var gzip: StoredGzip?

    init(isChunked: Bool, behaviour: Behaviour) {
        self.isChunked = isChunked
        self.chunkBytes = behaviour.httpChunkBytes.map { max(1, $0) }
        self.hasTrailers = behaviour.hasTrailers
        self.gzip = behaviour.isGzipped ? StoredGzip() : nil
    }

    /// One piece, made of `parts` in a row.
    mutating func piece(_ parts: [[UInt8]]) -> ByteBuffer {
        if self.gzip != nil || self.chunkBytes != nil {
            var all = Array(parts.joined())
            if let squeezed = self.gzip?.block(all) { all = squeezed }
            return self.chunks(all)
        }
        let size = parts.reduce(0) { $0 + $1.count }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(size + 12)
        if self.isChunked { Self.writeChunkHead(size, to: &buffer) }
        for part in parts { buffer.writeBytes(part) }
        if self.isChunked { buffer.writeStaticString("\r\n") }
        return buffer
    }

    /// The beginning of a piece of `size` bytes that follow by themselves.
    func open(size: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        if self.isChunked { Self.writeChunkHead(size, to: &buffer) }
        return buffer
    }

    /// What ends a piece that was opened.
    func close() -> ByteBuffer { ByteBuffer(string: self.isChunked ? "\r\n" : "") }

    /// What ends the body.
    mutating func end() -> ByteBuffer {
        var buffer = ByteBuffer()
        if let rest = self.gzip?.end() {
            if self.isChunked { Self.writeChunkHead(rest.count, to: &buffer) }
            buffer.writeBytes(rest)
            if self.isChunked { buffer.writeStaticString("\r\n") }
        }
        guard self.isChunked else { return buffer }
        buffer.writeStaticString("0\r\n")
        if self.hasTrailers {
            buffer.writeStaticString("x-sim-trailer: done\r\nset-cookie: sim=trailer\r\n")
        }
        buffer.writeStaticString("\r\n")
        return buffer
    }

    private func chunks(_ bytes: [UInt8]) -> ByteBuffer {
        guard self.isChunked else { return ByteBuffer(bytes: bytes) }
        var buffer = ByteBuffer()
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(self.chunkBytes ?? rest.count)
            Self.writeChunkHead(chunk.count, to: &buffer)
            buffer.writeBytes(chunk)
            buffer.writeStaticString("\r\n")
            rest = rest.dropFirst(chunk.count)
        }
        return buffer
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private static func writeChunkHead(_ size: Int, to buffer: inout ByteBuffer) {
        var shift = 0
        while size >> (shift + 4) > 0 { shift += 4 }
        while shift >= 0 {
            buffer.writeInteger(Self.hexDigits[(size >> shift) & 15])
            shift -= 4
        }
        buffer.writeStaticString("\r\n")
    }
}
