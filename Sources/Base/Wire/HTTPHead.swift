/// The head of one HTTP/1.1 message: start line and fields as offsets into bytes that stay where they are.
///
/// Keep one per connection and use it again and again; then a message costs no allocation. The parser is strict
/// (RFC 9112, and stricter where leniency has led to request smuggling; docs/adr/0011-own-http-codec.md lists where).
/// Nothing is decoded and no text is made.
///
/// While a parse returns false, hand in the same bytes again with more behind them. They may have moved in memory.
/// What was searched once is not searched again, so that a head sent byte by byte costs no more than its length.
package struct HTTPHead: Sendable {
    /// The field lines in their order.
    package internal(set) var fields: ContiguousArray<HTTPField>
    /// The request's method.
    package internal(set) var method = HTTPMethod.other
    /// Where the method stands.
    package internal(set) var methodRange = HTTPRange.empty
    /// Where the request target stands.
    ///
    /// `HTTPTarget` takes it apart.
    package internal(set) var targetRange = HTTPRange.empty
    /// The response's status, 100...599; 0 in requests.
    package internal(set) var status = 0
    /// The reason phrase of a response.
    ///
    /// May be empty; may hold bytes from 0x80.
    package internal(set) var reasonRange = HTTPRange.empty
    /// 0 or 1.
    ///
    /// Every other version is refused.
    package internal(set) var minorVersion: UInt8 = 1
    /// How the end of the body is found.
    package internal(set) var framing = HTTPFraming.none
    /// Whether the connection may carry another message after this one, as far as its sender is concerned.
    package internal(set) var keepAlive = false
    /// Whether the client waits for `100 Continue` before it sends the body.
    ///
    /// Never true for HTTP/1.0.
    package internal(set) var expectsContinue = false
    /// Whether there is an `Expect` that we do not know.
    ///
    /// The answer is 417.
    package internal(set) var hasUnknownExpectation = false
    /// Whether there is an `Upgrade` field.
    package internal(set) var hasUpgrade = false
    /// How long the head is, with the blank line and a tolerated CRLF before the request line.
    ///
    /// 0 until it is complete.
    package internal(set) var byteCount = 0

    /// Which names were seen.
    var present = HTTPFieldNames()
    /// The first `Content-Length`, or -1.
    var contentLength = -1
    /// The `Host` field's index in `fields`, or -1.
    var hostIndex = -1
    var connectionClose = false
    var connectionKeepAlive = false
    /// Whether `Connection` names fields of its own.
    var nominatesFields = false

    /// The first byte of the line that is to be parsed next.
    private var lineStart = 0
    /// Up to here there is no LF since `lineStart`.
    private var searched = 0
    private var phase = Phase.startLine

    /// What comes next.
    ///
    /// `startLine` → `fields` → `complete`; any error → `failed`. The last two begin anew.
    private enum Phase: Sendable { case startLine, fields, complete, failed }

    /// An empty head with room for the fields of a usual message.
    package init() {
        self.fields = []
        self.fields.reserveCapacity(16)
    }

    private init(fields: ContiguousArray<HTTPField>) { self.fields = fields }

    /// Parses a request head at the start of `bytes`.
    ///
    /// One CRLF before the request line is passed over (RFC 9112 §2.2). After `true` all members are set, and the next
    /// call begins a new head.
    ///
    /// - Returns: False if more bytes are needed.
    /// - Throws: `HTTPParseError`, as soon as a complete line is wrong or a limit is passed. The answer is 400, or 431
    ///   where `isTooLarge`; then the connection must be closed.
    package mutating func parseRequest(
        _ bytes: UnsafeRawBufferPointer,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        guard try self.parse(bytes, isRequest: true, limits: limits) else { return false }
        do {
            try self.finishRequest(bytes)
        } catch {
            self.phase = .failed
            throw error
        }
        return true
    }

    /// Parses a response head at the start of `bytes`.
    ///
    /// An interim response (1xx) is a head of its own.
    ///
    /// - Parameters:
    ///   - toHead: Whether the response answers a HEAD request, and so has no body whatever its fields say.
    ///   - limits: How much the server may send.
    /// - Returns: False if more bytes are needed.
    /// - Throws: `HTTPParseError`, as for requests; the connection must be closed.
    package mutating func parseResponse(
        _ bytes: UnsafeRawBufferPointer,
        toHead: Bool,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        guard try self.parse(bytes, isRequest: false, limits: limits) else { return false }
        do {
            try self.finishResponse(toHead: toHead)
        } catch {
            self.phase = .failed
            throw error
        }
        return true
    }

    /// Forgets everything but the memory it has.
    package mutating func reset() {
        var fields = ContiguousArray<HTTPField>()
        swap(&fields, &self.fields)
        fields.removeAll(keepingCapacity: true)
        self = HTTPHead(fields: fields)
    }

    private mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        isRequest: Bool,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        switch self.phase {
        case .startLine, .fields: break
        case .complete, .failed: self.reset()
        }
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
        // Bytes beyond the limit are never looked at, so that a verdict does not depend on how the bytes were cut.
        let end = min(bytes.count, limits.headBytesMax)
        // Bytes that cannot begin a message, such as those of TLS, need not wait for the end of a line.
        if self.phase == .startLine, end > 0, !Self.mayBegin(base[0], isRequest: isRequest) {
            self.phase = .failed
            throw .badStartLine
        }
        var isComplete = false
        if self.mayHaveLine(base, end) {
            do {
                isComplete = try self.parseLines(base, end, isRequest: isRequest, limits: limits)
            } catch {
                // Half a line is judged when its other half is here, for the same reason; a start line only if that
                // comes within its limit.
                let lineMax = self.phase == .startLine ? limits.startLineBytesMax : end
                guard error.isTooLarge || Self.hasLineFeed(base, self.lineStart, min(end, self.lineStart + lineMax))
                else {
                    try self.waitForMore(end, limits: limits)
                    return false
                }
                self.phase = .failed
                throw error
            }
        }
        if isComplete {
            self.phase = .complete
            return true
        }
        try self.waitForMore(end, limits: limits)
        return false
    }

    /// Parses whole lines from `lineStart` on, up to and including the blank line.
    private mutating func parseLines(
        _ base: UnsafePointer<UInt8>,
        _ end: Int,
        isRequest: Bool,
        limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        if self.phase == .startLine {
            if isRequest, self.lineStart == 0, end > 1, base[0] == ByteClass.carriageReturn {
                guard base[1] == ByteClass.lineFeed else { throw .bareCarriageReturn }
                self.lineStart = 2
            }
            let next =
                isRequest
                ? try self.parseRequestLine(base, self.lineStart, end, limits: limits)
                : try self.parseStatusLine(base, end, limits: limits)
            guard let next else { return false }
            self.lineStart = next
            self.phase = .fields
        }
        while let next = try self.parseFieldLine(base, self.lineStart, end, limits: limits) {
            guard next != self.lineStart else {
                self.byteCount = next + 2
                return true
            }
            self.lineStart = next
        }
        return false
    }

    /// Notes that no line is complete in the first `end` bytes.
    private mutating func waitForMore(_ end: Int, limits: HTTPLimits) throws(HTTPParseError) {
        self.searched = end
        if self.phase == .startLine, end - self.lineStart >= limits.startLineBytesMax {
            self.phase = .failed
            throw .startLineTooLong
        }
        if end >= limits.headBytesMax {
            self.phase = .failed
            throw .headTooLarge
        }
    }

    /// Whether a line could be complete: always at first, later only if a LF has come.
    private func mayHaveLine(_ base: UnsafePointer<UInt8>, _ end: Int) -> Bool {
        guard self.searched > self.lineStart else { return true }
        return Self.hasLineFeed(base, self.searched, end)
    }

    private static func hasLineFeed(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        ByteClass.firstIndex(of: ByteClass.lineFeed, base, start, end) != nil
    }

    private static func mayBegin(_ byte: UInt8, isRequest: Bool) -> Bool {
        guard isRequest else { return byte == 0x48 }
        return ByteClass.isToken(byte) || byte == ByteClass.carriageReturn
    }
}
