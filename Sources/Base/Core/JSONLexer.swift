/// Steps over JSON bytes and checks every one of them.
///
/// Allocates nothing.
struct JSONLexer {
    let base: UnsafePointer<UInt8>
    /// One past the last byte to look at.
    let end: Int
    /// One past the last byte that is there, which may be behind `end`: several bytes are loaded at once up to here.
    let readable: Int
    /// The next byte.
    var index: Int

    /// What there is to know about a string that was stepped over.
    struct StringTraits {
        var hasEscapes = false
        /// Where the first half of a pair without its other half stands, or -1.
        var loneSurrogate = -1
    }

    init(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        let empty: StaticString = ""
        self.base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty.utf8Start
        self.end = end
        self.readable = bytes.count
        self.index = start
    }

    /// The next byte, or 0, which no grammar rule accepts, at the end.
    @inline(__always)
    var byte: UInt8 { self.index < self.end ? self.base[self.index] : 0 }

    @inline(__always)
    mutating func skipWhitespace() {
        // Nearly always there is none, or one space.
        while self.index < self.end {
            let byte = self.base[self.index]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            self.index &+= 1
        }
    }

    /// Steps over `expected` or throws.
    @inline(__always)
    mutating func expect(_ expected: UInt8, _ name: JSONError.Expected) throws(JSONError) {
        guard self.byte == expected else { throw .invalid(at: self.index, expected: name) }
        self.index &+= 1
    }

    /// Steps over one whole value and everything in it, without recursion.
    ///
    /// - Parameter outerDepth: How many objects and arrays stand around it.
    @inline(__always)
    mutating func skipValue(outerDepth: Int) throws(JSONError) {
        switch self.byte {
        case 0x22: if !self.skipShortString() { try self.skipLongString() }
        case 0x7B, 0x5B: try self.skipContainer(outerDepth: outerDepth)
        default: try self.skipScalar()
        }
    }

    private mutating func skipLongString() throws(JSONError) { _ = try self.skipString() }

    private mutating func skipScalar() throws(JSONError) {
        switch self.byte {
        case 0x2D, 0x30...0x39: try self.skipNumber()
        case 0x74: try self.skipLiteral("true")
        case 0x66: try self.skipLiteral("false")
        case 0x6E: try self.skipLiteral("null")
        default: throw .invalid(at: self.index, expected: .value)
        }
    }

    /// Steps over an object or array.
    ///
    /// Which of both each level is stands in one bit of a word.
    private mutating func skipContainer(outerDepth: Int) throws(JSONError) {
        var isObject: UInt64 = 0
        var depth = 0
        while true {
            // A value begins here.
            let byte = self.byte
            if byte == 0x7B || byte == 0x5B {
                guard outerDepth &+ depth < JSONScanner.depthMax else { throw .tooDeep(at: self.index) }
                depth &+= 1
                isObject = isObject &<< 1 | (byte == 0x7B ? 1 : 0)
                self.index &+= 1
                self.skipWhitespace()
                if self.byte != byte &+ 2 {
                    if byte == 0x7B { try self.skipKeyAndColon() }
                    continue
                }
                // Empty: the closing bracket stands here, and the loop below takes it.
            } else if byte == 0x22 {
                if !self.skipShortString() { try self.skipLongString() }
            } else {
                try self.skipScalar()
            }
            // A value has ended, or an empty container is to be closed.
            while true {
                self.skipWhitespace()
                let next = self.byte
                if next == 0x2C {
                    self.index &+= 1
                    self.skipWhitespace()
                    if isObject & 1 == 1 { try self.skipKeyAndColon() }
                    break
                }
                guard next == (isObject & 1 == 1 ? 0x7D : 0x5D) else {
                    throw .invalid(at: self.index, expected: .commaOrEnd)
                }
                self.index &+= 1
                isObject = isObject &>> 1
                depth &-= 1
                if depth == 0 { return }
            }
        }
    }
}
