/// A range of bytes of a message head, counted from its first byte.
package struct HTTPRange: Sendable, Equatable {
    /// The first byte.
    package var start: Int32
    /// One past the last byte.
    package var end: Int32

    /// A range; both ends count from the first byte of the head.
    package init(start: Int32, end: Int32) {
        self.start = start
        self.end = end
    }

    @inline(__always)
    init(_ start: Int, _ end: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.end = Int32(truncatingIfNeeded: end)
    }

    /// An empty range at the start.
    package static let empty = HTTPRange(start: 0, end: 0)

    /// How many bytes the range holds.
    package var count: Int { Int(self.end) - Int(self.start) }

    /// The same as a Swift range.
    package var range: Range<Int> { Int(self.start)..<Int(self.end) }
}

/// One field line of a head, as offsets from the head's first byte.
///
/// The bytes stay where they are.
package struct HTTPField: Sendable, Equatable {
    /// Where the line and its name begin.
    package var nameStart: Int32
    /// One past the name; the colon is here.
    package var nameEnd: Int32
    /// Where the value begins, after white space.
    package var valueStart: Int32
    /// One past the value, before white space.
    package var valueEnd: Int32
    /// One past the line's CRLF.
    package var lineEnd: Int32
    /// Which field this is, if it is one the gateway acts on.
    package var name: HTTPFieldName

    /// The whole line with its CRLF, for copying it untouched.
    package var line: Range<Int> { Int(self.nameStart)..<Int(self.lineEnd) }

    /// The name as it was written.
    package var nameRange: Range<Int> { Int(self.nameStart)..<Int(self.nameEnd) }

    /// The value without surrounding white space.
    package var value: Range<Int> { Int(self.valueStart)..<Int(self.valueEnd) }
}

/// How the end of a message body is found (RFC 9112 §6.3).
package enum HTTPFraming: Sendable, Equatable {
    /// There is no body.
    case none
    /// The body has exactly this many bytes.
    case length(Int)
    /// The body is in chunked transfer coding.
    case chunked
    /// The body ends with the connection. Only in responses.
    case untilClose
}

/// The method of a request.
///
/// Methods are case-sensitive: `get` is `other`.
package enum HTTPMethod: UInt8, Sendable, CaseIterable {
    case get, head, post, put, patch, delete, options, trace, connect, other

    /// The method's name on the wire.
    ///
    /// Empty for `other`.
    package var text: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other: ""
        }
    }

    init(_ base: UnsafePointer<UInt8>, _ count: Int) {
        self = .other
        for method in Self.allCases where method != .other && method.text.utf8CodeUnitCount == count {
            var index = 0
            while index < count, base[index] == method.text.utf8Start[index] { index += 1 }
            if index == count {
                self = method
                return
            }
        }
    }
}
