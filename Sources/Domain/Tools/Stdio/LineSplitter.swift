package import NIOCore

/// Cuts bytes into lines that end in LF, however they come; the longest line is bounded.
package struct LineSplitter: Sendable {
    /// What to do with a line that is longer than it may be.
    package enum Overflow: Sendable {
        /// Its beginning is a line, and the rest of it is passed over.
        case cut
        /// Nothing of it is given out, and `isBroken` is true from then on.
        case fail
    }

    private let lineBytesMax: Int
    private let overflow: Overflow
    private var rest = ByteBuffer()
    private var isSkipping = false
    /// Whether a line was too long.
    package private(set) var isBroken = false

    package init(lineBytesMax: Int, overflow: Overflow) {
        self.lineBytesMax = lineBytesMax
        self.overflow = overflow
    }

    /// Adds bytes; gives the lines that are complete now, without their ends.
    ///
    /// Empty lines are left out.
    package mutating func take(_ piece: ByteBuffer) -> [ByteBuffer] {
        guard !self.isBroken else { return [] }
        var lines: [ByteBuffer] = []
        var piece = piece
        while piece.readableBytes > 0 {
            let end = piece.readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
            let count = end.map { $0 - piece.readerIndex } ?? piece.readableBytes
            let part = piece.readSlice(length: count) ?? ByteBuffer()
            if end != nil { piece.moveReaderIndex(forwardBy: 1) }
            self.add(part, to: &lines)
            if end != nil { self.endLine(&lines) }
            if self.isBroken { return lines }
        }
        return lines
    }

    private mutating func add(_ part: ByteBuffer, to lines: inout [ByteBuffer]) {
        guard !self.isSkipping else { return }
        let room = self.lineBytesMax - self.rest.readableBytes
        guard part.readableBytes > room else {
            self.rest.writeImmutableBuffer(part)
            return
        }
        switch self.overflow {
        case .fail:
            self.isBroken = true
            self.rest = ByteBuffer()
        case .cut:
            self.rest.writeImmutableBuffer(part.getSlice(at: part.readerIndex, length: room) ?? ByteBuffer())
            lines.append(self.rest)
            self.rest = ByteBuffer()
            self.isSkipping = true
        }
    }

    private mutating func endLine(_ lines: inout [ByteBuffer]) {
        defer {
            self.rest = ByteBuffer()
            self.isSkipping = false
        }
        guard !self.isSkipping else { return }
        var line = self.rest
        if line.readableBytesView.last == UInt8(ascii: "\r") {
            line = line.getSlice(at: line.readerIndex, length: line.readableBytes - 1) ?? ByteBuffer()
        }
        if line.readableBytes > 0 { lines.append(line) }
    }
}
