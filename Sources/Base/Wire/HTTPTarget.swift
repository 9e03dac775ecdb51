/// A request target taken apart, with its path in the one spelling that router and authoriser both see (row 11).
///
/// A path is accepted only if no reader can take it for another one: it begins with one `/`, has no empty, `.` or `..`
/// segment, no `;` parameters, no byte outside RFC 3986 `pchar`, and escapes neither a byte that needs no escape
/// (`%61` for `a`, `%2e` for `.`) nor one that would change the structure (`%2f`, `%5c`, `%3b`, `%25`, `%00` and all
/// other controls). A last empty segment (`/v1/`) is accepted and is another path than the one without it.
/// So equal paths are equal bytes, but for the case of hexadecimal digits in the escapes that remain.
package struct HTTPTarget: Sendable, Equatable {
    /// How the target was written (RFC 9112 §3.2).
    ///
    /// Authority form (CONNECT) is refused.
    package enum Form: Sendable { case origin, absolute, asterisk }

    /// How the target was written.
    package var form: Form
    /// The host and port of a target in absolute form, counted from the target's first byte.
    package var authority: Range<Int>?
    /// The path with its first `/`, counted from the target's first byte.
    ///
    /// The single `*` in asterisk form.
    package var path: Range<Int>
    /// What follows the `?`, if there is one.
    ///
    /// Printable, without `#` and `\`, escapes complete, never `%00`.
    package var query: Range<Int>?

    /// Takes a target apart.
    ///
    /// Allocates nothing.
    ///
    /// - Parameters:
    ///   - bytes: The target and nothing else, such as `head.targetRange` of the head's bytes.
    ///   - method: Decides whether `*` is allowed (OPTIONS only).
    ///   - prefix: Behind this beginning of a path `%2F` is accepted and is a `/`, under all rules for segments. What
    ///     stands there must be one parameter to everybody, since it can be spelled in two ways.
    /// - Throws: `HTTPParseError.badTarget`, or `.badHost` for a bad authority in absolute form. The answer is 400.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer,
        method: HTTPMethod,
        slashEscapesBehind prefix: StaticString? = nil
    ) throws(HTTPParseError) -> HTTPTarget {
        let target = bytes.assumingMemoryBound(to: UInt8.self)
        let authority = try self.authority(of: target, method: method)
        if target[0] == self.asterisk {
            return HTTPTarget(form: .asterisk, authority: nil, path: 0..<1, query: nil)
        }
        let pathStart = authority?.upperBound ?? 0
        let pathEnd = try self.endOfPath(target, pathStart, slashEscapesBehind: prefix)
        var query: Range<Int>?
        if pathEnd < target.count {
            try self.checkQuery(target, pathEnd + 1)
            query = (pathEnd + 1)..<target.count
        }
        return HTTPTarget(
            form: authority == nil ? .origin : .absolute,
            authority: authority,
            path: pathStart..<pathEnd,
            query: query
        )
    }

    /// Decodes the percent escapes of one path segment or query value, such as a model id in a path.
    ///
    /// - Parameter bytes: A part of a target that `parse` accepted.
    /// - Returns: The text, or nil if the decoded bytes are not UTF-8 or an escape is not complete.
    package static func decoded(_ bytes: some Collection<UInt8>) -> String? {
        // Byte by byte the collection's own functions are called for each, which is thirty times as much work.
        let asItIs: String?? = bytes.withContiguousStorageIfAvailable { bytes in
            bytes.contains(ByteClass.percent) ? nil : String(validating: bytes, as: UTF8.self)
        }
        if let text = asItIs ?? nil { return text }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index != bytes.endIndex {
            var byte = bytes[index]
            bytes.formIndex(after: &index)
            if byte == ByteClass.percent {
                guard index != bytes.endIndex, let high = ByteClass.hexValue(bytes[index]) else { return nil }
                bytes.formIndex(after: &index)
                guard index != bytes.endIndex, let low = ByteClass.hexValue(bytes[index]) else { return nil }
                bytes.formIndex(after: &index)
                byte = high << 4 | low
            }
            plain.append(byte)
        }
        return String(validating: plain, as: UTF8.self)
    }

    // MARK: - Form and authority

    private static let asterisk: UInt8 = 0x2A

    /// Checks the bytes and the form of a target, without a look at the path's segments.
    ///
    /// - Returns: Where the authority stands in a target in absolute form; nil in the other forms.
    static func authority(
        of target: UnsafeBufferPointer<UInt8>,
        method: HTTPMethod
    ) throws(HTTPParseError) -> Range<Int>? {
        guard let first = target.first else { throw .badTarget }
        for byte in target {
            guard byte > 0x20, byte < 0x7F, byte != 0x5C, byte != 0x23 else { throw .badTarget }
        }
        if first == ByteClass.slash {
            guard target.count == 1 || target[1] != ByteClass.slash else { throw .badTarget }
            return nil
        }
        if first == self.asterisk {
            guard target.count == 1, method == .options else { throw .badTarget }
            return nil
        }
        let start: Int
        if self.hasPrefix(target, "http://") {
            start = 7
        } else if self.hasPrefix(target, "https://") {
            start = 8
        } else {
            throw .badTarget
        }
        guard let end = target[start...].firstIndex(of: ByteClass.slash) else { throw .badTarget }
        guard self.isAuthority(UnsafeBufferPointer(rebasing: target[start..<end])) else { throw .badHost }
        return start..<end
    }

    /// Whether the bytes are a host with an optional port, without user information: a name or IPv4 address of letters,
    /// digits, `-`, `.` and `_`, or an IPv6 address in brackets; a port of 1 to 5 digits up to 65535.
    package static func isAuthority(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, bytes.count <= 261 else { return false }
        var index = 0
        if first == 0x5B {
            index = 1
            while index < bytes.count, self.isAddressByte(bytes[index]) { index += 1 }
            guard index > 3, index < bytes.count, bytes[index] == 0x5D else { return false }
            index += 1
        } else {
            while index < bytes.count, ByteClass.isHostName(bytes[index]) { index += 1 }
            guard index > 0 else { return false }
        }
        guard index < bytes.count else { return true }
        guard bytes[index] == ByteClass.colon else { return false }
        let digits = bytes[(index + 1)...]
        guard digits.count >= 1, digits.count <= 5 else { return false }
        var port = 0
        for byte in digits {
            guard ByteClass.isDigit(byte) else { return false }
            port = port * 10 + Int(byte - 0x30)
        }
        return port <= 65535
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        ByteClass.hexValue(byte) != nil || byte == ByteClass.colon || byte == 0x2E
    }

    private static func hasPrefix(_ target: UnsafeBufferPointer<UInt8>, _ prefix: StaticString) -> Bool {
        guard target.count >= prefix.utf8CodeUnitCount else { return false }
        let start = UnsafeBufferPointer(rebasing: target[0..<prefix.utf8CodeUnitCount])
        return HTTPHead.isWord(start, prefix)
    }

    // MARK: - Path and query

    /// Checks the path from `start` to the `?` or the end; returns where it ends.
    private static func endOfPath(
        _ target: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        slashEscapesBehind prefix: StaticString?
    ) throws(HTTPParseError) -> Int {
        let slashEscapesStart = prefix.flatMap { self.end(of: $0, in: target, start) } ?? Int.max
        var index = start
        var segmentStart = start
        while index < target.count {
            let byte = target[index]
            switch byte {
            case ByteClass.question:
                try self.checkSegment(target, segmentStart, index, isLast: true)
                return index
            case ByteClass.slash:
                if index > start { try self.checkSegment(target, segmentStart, index, isLast: false) }
                index += 1
                segmentStart = index
            case ByteClass.percent:
                let byte = try self.escape(target, index)
                if byte == ByteClass.slash, index >= slashEscapesStart {
                    try self.checkSegment(target, segmentStart, index, isLast: false)
                    segmentStart = index + 3
                } else if self.isForbiddenEscape(byte) {
                    throw .badTarget
                }
                index += 3
            default:
                guard ByteClass.isPath(byte) else { throw .badTarget }
                index += 1
            }
        }
        try self.checkSegment(target, segmentStart, index, isLast: true)
        return index
    }

    /// Where `prefix` ends if the target has it at `start`, byte by byte.
    private static func end(of prefix: StaticString, in target: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let bytes = UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        return target[start...].starts(with: bytes) ? start + bytes.count : nil
    }

    private static func checkSegment(
        _ target: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ end: Int,
        isLast: Bool
    ) throws(HTTPParseError) {
        switch end - start {
        case 0: guard isLast else { throw .badTarget }
        case 1: guard target[start] != 0x2E else { throw .badTarget }
        case 2: guard target[start] != 0x2E || target[start + 1] != 0x2E else { throw .badTarget }
        default: break
        }
    }

    private static func checkQuery(
        _ target: UnsafeBufferPointer<UInt8>,
        _ start: Int
    ) throws(HTTPParseError) {
        var index = start
        while index < target.count {
            guard target[index] == ByteClass.percent else {
                index += 1
                continue
            }
            guard try self.escape(target, index) != 0 else { throw .badTarget }
            index += 3
        }
    }

    /// The byte that the escape at `index` stands for.
    private static func escape(
        _ target: UnsafeBufferPointer<UInt8>,
        _ index: Int
    ) throws(HTTPParseError) -> UInt8 {
        guard index + 2 < target.count,
            let high = ByteClass.hexValue(target[index + 1]),
            let low = ByteClass.hexValue(target[index + 2])
        else { throw .badTarget }
        return high << 4 | low
    }

    private static func isForbiddenEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00...0x1F, 0x7F: true
        case ByteClass.slash, 0x5C, ByteClass.semicolon, ByteClass.percent: true
        case 0x2D, 0x2E, 0x5F, 0x7E: true  // Unreserved marks need no escape.
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true  // Nor do digits and letters.
        default: false
        }
    }
}
