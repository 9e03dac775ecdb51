#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a `MultipartScanner` comes across, in order.
package enum MultipartEvent {
    /// The head of a part; its value begins at this byte of the body, counted from 0.
    case part(MultipartHead, at: Int)
    /// Bytes of the part's value, only there for the length of the call.
    case data(UnsafeRawBufferPointer)
    /// The value ended before this byte of the body, where the line break of its delimiter stands.
    case partEnd(at: Int)
    /// The last delimiter is complete.
    case end
}

/// Finds the parts of a `multipart/form-data` body while it comes in (RFC 7578 over RFC 2046 section 5.1).
///
/// Strict, so that nobody behind it can read other parts than it did: the body begins with its first delimiter, nothing
/// stands between a delimiter and its line break, what looks like a delimiter is one, and nothing follows the last one
/// but a line break. Linear in the bytes; holds the head of one part and nothing of its value (row 23).
package struct MultipartScanner: Sendable {
    /// Parts of one body.
    package static let partsMax = 32
    /// The head of one part, with its blank line.
    package static let headBytesMax = 8 << 10

    private enum State: Sendable {
        /// In the dashes and the boundary of the first line, so many bytes of it. Next: `delimited`.
        case first(Int)
        /// Behind a boundary. Next: `lineBreak`, `dash`.
        case delimited
        /// Behind the CR after a boundary. Next: `head`.
        case lineBreak
        /// Behind the first dash after a boundary. Next: `over`.
        case dash
        /// In the head of a part. Next: `value`.
        case head
        /// In a value, and so far in what may be the next delimiter. Next: `delimited`.
        case value(Int)
        /// Behind the last delimiter, and so far in the line break that may follow it.
        case over(Int)
    }

    /// CR, LF, two dashes and the boundary.
    private let delimiter: [UInt8]
    private var state = State.first(0)
    private var head: [UInt8] = []
    private var parts = 0
    /// Bytes of the body that were scanned.
    package private(set) var position = 0

    /// - Parameter boundary: As `MultipartBoundary` found it.
    package init(_ boundary: MultipartBoundary) {
        self.delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + boundary.bytes
    }

    /// Whether the last delimiter has come.
    package var isComplete: Bool { if case .over = self.state { true } else { false } }

    /// Scans the next bytes of the body.
    ///
    /// - Throws: `MultipartError`; the scanner is of no use then.
    package mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ emit: (MultipartEvent) -> Void
    ) throws(MultipartError) {
        let start = self.position
        var index = 0
        while index < bytes.count {
            self.position = start + index
            if case .value(let matched) = self.state {
                index = try self.scanValue(bytes, from: index, matched: matched, start: start, emit)
            } else {
                try self.step(bytes[index], emit)
                index += 1
            }
        }
        self.position = start + bytes.count
    }

    /// Notes that the body has ended.
    ///
    /// - Throws: `MultipartError.cut` if its last delimiter has not come.
    package func close() throws(MultipartError) {
        guard self.isComplete else { throw .cut }
    }

    // MARK: - Delimiters and heads

    /// One byte outside of a value.
    private mutating func step(_ byte: UInt8, _ emit: (MultipartEvent) -> Void) throws(MultipartError) {
        switch self.state {
        case .first(let matched):
            // The line break in front belongs to a delimiter that has something before it.
            guard byte == self.delimiter[matched + 2] else { throw .noDelimiter }
            self.state = matched + 3 == self.delimiter.count ? .delimited : .first(matched + 1)
        case .delimited:
            guard byte == 0x0D || byte == 0x2D else { throw .badDelimiter }
            self.state = byte == 0x0D ? .lineBreak : .dash
        case .lineBreak:
            guard byte == 0x0A else { throw .badDelimiter }
            guard self.parts < Self.partsMax else { throw .tooManyParts }
            self.parts += 1
            self.head.removeAll(keepingCapacity: true)
            self.state = .head
        case .dash:
            guard byte == 0x2D else { throw .badDelimiter }
            self.state = .over(0)
            emit(.end)
        case .head:
            try self.stepHead(byte, emit)
        case .over(let matched):
            guard matched < 2, byte == (matched == 0 ? 0x0D : 0x0A) else { throw .trailingBytes }
            self.state = .over(matched + 1)
        case .value:
            break
        }
    }

    private mutating func stepHead(_ byte: UInt8, _ emit: (MultipartEvent) -> Void) throws(MultipartError) {
        guard self.head.count < Self.headBytesMax else { throw .headTooLarge }
        self.head.append(byte)
        guard byte == 0x0A else { return }
        guard self.head.count >= 2, self.head[self.head.count - 2] == 0x0D else { throw .badHead }
        let isBlank = self.head.count == 2 || self.head.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A])
        guard isBlank else { return }
        let head = try MultipartHead(self.head)
        self.state = .value(0)
        emit(.part(head, at: self.position + 1))
        // A value may be empty, and its delimiter follow the blank line at once.
    }

    // MARK: - Values

    /// Scans a value up to its end, or to the end of the bytes.
    ///
    /// - Returns: The first byte that was not scanned.
    private mutating func scanValue(
        _ bytes: UnsafeRawBufferPointer,
        from first: Int,
        matched: Int,
        start: Int,
        _ emit: (MultipartEvent) -> Void
    ) throws(MultipartError) -> Int {
        var matched = matched
        var index = first
        /// Where data begins that was not emitted.
        var data = first
        while index < bytes.count {
            if matched == 0 {
                index = Self.find(0x0D, in: bytes, from: index)
                guard index < bytes.count else { break }
                matched = 1
                index += 1
            } else if bytes[index] == self.delimiter[matched] {
                matched += 1
                index += 1
                guard matched == self.delimiter.count else { continue }
                let end = index - matched
                if end > data { emit(.data(UnsafeRawBufferPointer(rebasing: bytes[data..<end]))) }
                emit(.partEnd(at: start + end))
                self.state = .delimited
                return index
            } else {
                // A boundary has no CR in it, so that only this byte can begin the delimiter.
                self.emitPrefix(matched - (index - first), before: first, data: &data, emit)
                matched = 0
            }
        }
        let end = index - matched
        if end > data { emit(.data(UnsafeRawBufferPointer(rebasing: bytes[data..<end]))) }
        self.state = .value(matched)
        return index
    }

    /// Emits what had looked like a delimiter in the bytes before these.
    private func emitPrefix(
        _ count: Int,
        before first: Int,
        data: inout Int,
        _ emit: (MultipartEvent) -> Void
    ) {
        guard count > 0, data == first else { return }
        self.delimiter.withUnsafeBytes { emit(.data(UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
    }

    private static func find(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from index: Int) -> Int {
        guard let base = bytes.baseAddress, let found = memchr(base + index, CInt(byte), bytes.count - index) else {
            return bytes.count
        }
        return UnsafeRawPointer(found) - base
    }
}
