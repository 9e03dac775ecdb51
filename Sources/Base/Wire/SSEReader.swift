package import NIOCore

/// Reads a stream of server-sent events by the rules of WHATWG HTML §9.2.6, however it is cut into pieces.
///
/// Lines end in LF, CRLF or CR; one byte order mark at the start is passed over; unknown fields are ignored. An event
/// is given out as soon as the end of its blank line is here. After an error the reader must not be used again.
///
///     reader.feed(bytes)
///     while let event = try reader.next() { … }
package struct SSEReader: Sendable {
    /// Whether comment lines are given out too, as they come, also in the middle of an event.
    package let surfacesComments: Bool
    /// The last `retry` of the stream, in milliseconds.
    package private(set) var retryMilliseconds: Int?

    private let limits: SSELimits
    /// What was fed and not read yet, and before it what has been read.
    private var input = ByteBuffer()
    /// The next byte.
    ///
    /// This and all positions below count from the reader index of `input`.
    private var cursor = 0
    private var lineFeeds = ByteFinder(byte: ByteClass.lineFeed)
    private var carriageReturns = ByteFinder(byte: ByteClass.carriageReturn)
    /// Whether the last line ended in a CR at the end of the input, so that a LF may follow that belongs to it.
    private var mayHaveLineFeed = false
    /// Whether the first bytes have been looked at for a byte order mark.
    private var isPastMark = false

    // The event being read.
    private var data = ByteBuffer()
    private var dataLines = 0
    private var type: ByteBuffer?
    private var lastID: ByteBuffer?

    /// A reader at the start of a stream.
    package init(limits: SSELimits = SSELimits(), surfacesComments: Bool = false) {
        self.limits = limits
        self.surfacesComments = surfacesComments
    }

    /// Adds the readable bytes of `bytes` to what is to be read.
    ///
    /// Copies only if the last line was cut.
    package mutating func feed(_ bytes: ByteBuffer) {
        let unread = self.input.readableBytes - self.cursor
        guard unread > 0 else {
            self.input = bytes
            self.forget(self.cursor + unread)
            return
        }
        if self.cursor >= unread {
            // What has been read takes at least half: leave it behind, so that the input never grows without end.
            var whole = ByteBufferAllocator().buffer(capacity: unread + bytes.readableBytes)
            self.input.moveReaderIndex(forwardBy: self.cursor)
            whole.writeImmutableBuffer(self.input)
            self.input = whole
            self.forget(self.cursor)
        }
        self.input.writeImmutableBuffer(bytes)
    }

    /// The next event that is complete, or nil until more is fed.
    ///
    /// - Throws: `SSEError.lineTooLong` or `.eventTooLarge`.
    package mutating func next() throws(SSEError) -> ServerSentEvent? {
        while let line = try self.nextLine() {
            if let event = try self.take(line) { return event }
        }
        return nil
    }

    /// Notes that the stream has ended.
    ///
    /// Call it when `next` gave nil.
    ///
    /// - Returns: Whether an event was left unfinished, which by the rules is dropped: the stream was cut.
    package mutating func finish() -> Bool {
        let rest = self.input.readableBytesView.dropFirst(self.cursor)
        let isCut = self.dataLines > 0 || self.type != nil || (rest.first.map { $0 != ByteClass.colon } ?? false)
        self = SSEReader(limits: self.limits, surfacesComments: self.surfacesComments)
        return isCut
    }

    // MARK: - Lines

    /// A line, and what its first bytes say it is.
    private struct Line {
        enum Field { case blank, comment, data, type, id, retry, unknown }
        var field: Field
        /// Where the value is; for comments what follows the colon.
        var start: Int
        var end: Int
    }

    @inline(__always)
    private mutating func nextLine() throws(SSEError) -> Line? {
        let lineBytesMax = self.limits.lineBytesMax
        var line: Line?
        var isTooLong = false
        let readable = self.input.readableBytes
        self.input.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            let count = bytes.count
            if !self.isPastMark, !self.skipMark(base, count) { return }
            if self.mayHaveLineFeed, self.cursor < count {
                self.mayHaveLineFeed = false
                if base[self.cursor] == ByteClass.lineFeed { self.cursor &+= 1 }
            }
            let start = self.cursor
            let end = min(
                self.lineFeeds.find(base, start, count),
                self.carriageReturns.find(base, start, count)
            )
            isTooLong = end &- start > lineBytesMax
            guard end < count, !isTooLong else { return }
            var next = end &+ 1
            if base[end] == ByteClass.carriageReturn {
                if next == count {
                    self.mayHaveLineFeed = true
                } else if base[next] == ByteClass.lineFeed {
                    next &+= 1
                }
            }
            self.cursor = next
            line = Self.classify(base, start, end)
        }
        guard !isTooLong else { throw .lineTooLong }
        if line == nil, self.cursor == readable { self.releaseInput() }
        return line
    }

    /// Steps over a byte order mark at the start; false if too few bytes are here to tell.
    private mutating func skipMark(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let mark: StaticString = "\u{FEFF}"
        for index in 0..<3 {
            guard index < count else { return false }
            guard base[index] == mark.utf8Start[index] else {
                self.isPastMark = true
                return true
            }
        }
        self.isPastMark = true
        self.cursor = 3
        return true
    }

    @inline(__always)
    private static func classify(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Line {
        guard start < end else { return Line(field: .blank, start: start, end: end) }
        let line = UnsafeRawPointer(base + start)
        let isData =
            end &- start >= 5 && line.loadUnaligned(as: UInt32.self) == self.dataWord
            && base[start &+ 4] == ByteClass.colon
        if isData {
            return Line(field: .data, start: self.skipSpace(base, start &+ 5, end), end: end)
        }
        return self.classifyOther(base, start, end)
    }

    private static let dataWord = UInt32(littleEndian: 0x6174_6164)

    private static func classifyOther(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Line {
        if base[start] == ByteClass.colon {
            return Line(field: .comment, start: start + 1, end: end)
        }
        let colon = ByteClass.firstIndex(of: ByteClass.colon, base, start, end) ?? end
        let name = UnsafeBufferPointer(start: base + start, count: colon - start)
        let value = colon == end ? end : self.skipSpace(base, colon + 1, end)
        let field: Line.Field =
            if self.equals(name, "data") {
                .data
            } else if self.equals(name, "event") {
                .type
            } else if self.equals(name, "id") {
                .id
            } else if self.equals(name, "retry") {
                .retry
            } else {
                .unknown
            }
        return Line(field: field, start: value, end: end)
    }

    private static func equals(_ name: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    private static func skipSpace(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        start < end && base[start] == ByteClass.space ? start &+ 1 : start
    }

    /// Lets go of memory that may belong to a socket's reads.
    private mutating func releaseInput() {
        self.input = ByteBuffer()
        self.forget(self.cursor)
    }

    /// Makes positions count from `offset` on.
    private mutating func forget(_ offset: Int) {
        self.cursor = 0
        self.lineFeeds.forget(offset)
        self.carriageReturns.forget(offset)
    }

    // MARK: - Fields

    @inline(__always)
    private mutating func take(_ line: Line) throws(SSEError) -> ServerSentEvent? {
        switch line.field {
        case .data:
            try self.appendData(line)
        case .blank:
            return self.dispatch()
        case .comment:
            if self.surfacesComments { return ServerSentEvent(data: self.slice(line), isComment: true) }
        case .type:
            self.type = line.start < line.end ? self.slice(line) : nil
        case .id:
            let value = self.slice(line)
            if !value.readableBytesView.contains(0) { self.lastID = value }
        case .retry:
            self.takeRetry(self.slice(line))
        case .unknown:
            break
        }
        return nil
    }

    private mutating func appendData(_ line: Line) throws(SSEError) {
        let count = line.end &- line.start
        let joined = self.dataLines == 0 ? count : self.data.readableBytes &+ 1 &+ count
        guard joined <= self.limits.eventBytesMax else { throw .eventTooLarge }
        self.dataLines &+= 1
        if self.dataLines == 1 {
            self.data = self.slice(line)
            return
        }
        if self.dataLines == 2 {
            // The first line is a part of the input, behind which there is no room.
            var whole = ByteBufferAllocator().buffer(capacity: max(joined, 256))
            whole.writeImmutableBuffer(self.data)
            self.data = whole
        }
        self.data.writeInteger(ByteClass.lineFeed)
        self.data.writeImmutableBuffer(self.slice(line))
    }

    private mutating func takeRetry(_ value: ByteBuffer) {
        var milliseconds = 0
        guard value.readableBytes > 0, value.readableBytes <= 18 else { return }
        for byte in value.readableBytesView {
            guard ByteClass.isDigit(byte) else { return }
            milliseconds = milliseconds * 10 + Int(byte - 0x30)
        }
        self.retryMilliseconds = milliseconds
    }

    @inline(__always)
    private mutating func dispatch() -> ServerSentEvent? {
        guard self.dataLines > 0 else {
            self.type = nil
            return nil
        }
        let event = ServerSentEvent(data: self.data, type: self.type, id: self.lastID)
        self.data = ByteBuffer()
        self.dataLines = 0
        self.type = nil
        return event
    }

    @inline(__always)
    private func slice(_ line: Line) -> ByteBuffer {
        let index = self.input.readerIndex &+ line.start
        return self.input.getSlice(at: index, length: line.end &- line.start) ?? ByteBuffer()
    }
}
