/// What the head of one part of a form says.
package struct MultipartHead: Sendable, Equatable {
    /// The field's name.
    package let name: String
    /// Whether the part has a file name, and so is a file.
    package let isFile: Bool

    /// Reads a head: lines with CRLF, and the blank line.
    ///
    /// Refused is whatever two readers may take for two things: a backslash in a quoted text, a parameter or a field
    /// that comes twice, folded lines, names in an encoding of their own, values in a transfer encoding.
    ///
    /// - Throws: `MultipartError.badHead`.
    init(_ bytes: [UInt8]) throws(MultipartError) {
        var rest = bytes[...]
        var found: MultipartHead?
        while let line = try Self.line(&rest), !line.isEmpty {
            guard let colon = line.firstIndex(of: ByteClass.colon), colon > line.startIndex,
                line[..<colon].allSatisfy({ ByteClass.isToken($0) })
            else { throw .badHead }
            let value = line[(colon + 1)...]
            if Self.isName(line[..<colon], "content-disposition") {
                guard found == nil else { throw .badHead }
                found = try Self(disposition: value)
            } else if Self.isName(line[..<colon], "content-transfer-encoding") {
                let coding = Self.trimmed(value)
                guard ["binary", "7bit", "8bit"].contains(where: { Self.isName(coding, $0) }) else { throw .badHead }
            }
        }
        guard let found, rest.isEmpty else { throw .badHead }
        self = found
    }

    private static func line(_ rest: inout ArraySlice<UInt8>) throws(MultipartError) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: ByteClass.carriageReturn) else { return nil }
        guard end + 1 < rest.endIndex, rest[end + 1] == ByteClass.lineFeed else { throw .badHead }
        let line = rest[rest.startIndex..<end]
        rest = rest[(end + 2)...]
        guard line.allSatisfy({ ByteClass.isFieldText($0) }) else { throw .badHead }
        return line
    }

    /// RFC 7578 section 4.2: `form-data; name="…"; filename="…"`.
    private init(disposition value: ArraySlice<UInt8>) throws(MultipartError) {
        var parameters = MultipartParameters(value)
        guard Self.isName(parameters.first, "form-data") else { throw .badHead }
        var name: ArraySlice<UInt8>?
        var hasFile = false
        var hasExtendedFile = false
        while let parameter = try parameters.next() {
            if Self.isName(parameter.name, "name") {
                guard name == nil else { throw .badHead }
                name = parameter.value
            } else if Self.isName(parameter.name, "filename") {
                guard !hasFile else { throw .badHead }
                hasFile = true
            } else if Self.isName(parameter.name, "filename*") {
                guard !hasExtendedFile else { throw .badHead }
                hasExtendedFile = true
            } else if Self.isName(parameter.name, "name*") {
                throw .badHead
            }
        }
        guard let name, !name.isEmpty, let text = String(validating: name, as: UTF8.self) else { throw .badHead }
        self.name = text
        self.isFile = hasFile || hasExtendedFile
    }

    static func isName(_ bytes: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return name.utf8CodeUnitCount == 0 }
            return ByteClass.equalsIgnoringCase(base, buffer.count, name)
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, ByteClass.isBlank(first) { bytes = bytes.dropFirst() }
        while let last = bytes.last, ByteClass.isBlank(last) { bytes = bytes.dropLast() }
        return bytes
    }
}

/// Which bytes stand between the parts of a body.
package struct MultipartBoundary: Sendable, Equatable {
    /// RFC 2046 section 5.1.1.
    package static let bytesMax = 70

    package let bytes: [UInt8]

    /// Reads the value of a `content-type` field.
    ///
    /// - Throws: `MultipartError.notForm` for another type, `.badBoundary` for a boundary that is not there, comes
    ///   twice, or is none by RFC 2046.
    package init(contentType: some Sequence<UInt8>) throws(MultipartError) {
        var parameters = MultipartParameters(Array(contentType)[...])
        guard MultipartHead.isName(parameters.first, "multipart/form-data") else { throw .notForm }
        var found: ArraySlice<UInt8>?
        while let parameter = try? parameters.next() {
            guard MultipartHead.isName(parameter.name, "boundary") else { continue }
            guard found == nil else { throw .badBoundary }
            found = parameter.value
        }
        guard parameters.isAtEnd, let found, (1...Self.bytesMax).contains(found.count),
            found.allSatisfy(Self.isBoundaryByte), found.last != ByteClass.space
        else { throw .badBoundary }
        self.bytes = Array(found)
    }

    /// RFC 2046 section 5.1.1 `bchars`.
    private static func isBoundaryByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: "+")...UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "="),
            UInt8(ascii: "?"), UInt8(ascii: " "):
            true
        default:
            false
        }
    }
}

/// The parameters behind a field's first word: `; name=value; name="value"`.
struct MultipartParameters {
    /// The word before the first semicolon.
    let first: ArraySlice<UInt8>
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        Self.skipBlanks(&rest)
        let end = rest.firstIndex { $0 == ByteClass.semicolon || ByteClass.isBlank($0) } ?? rest.endIndex
        self.first = rest[rest.startIndex..<end]
        self.rest = rest[end...]
    }

    /// Whether nothing is left that could not be read.
    var isAtEnd: Bool { self.rest.allSatisfy { ByteClass.isBlank($0) } }

    /// The next parameter; nil at the end.
    ///
    /// - Throws: `MultipartError.badHead` for what is no parameter.
    mutating func next() throws(MultipartError) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        Self.skipBlanks(&self.rest)
        guard let semicolon = self.rest.first else { return nil }
        guard semicolon == ByteClass.semicolon else { throw .badHead }
        var rest = self.rest.dropFirst()
        Self.skipBlanks(&rest)
        // Some write a last semicolon.
        guard !rest.isEmpty else {
            self.rest = rest
            return nil
        }
        let name = rest.prefix { ByteClass.isToken($0) }
        rest = rest[name.endIndex...]
        guard !name.isEmpty, rest.first == UInt8(ascii: "=") else { throw .badHead }
        rest = rest.dropFirst()
        let value: ArraySlice<UInt8>
        if rest.first == UInt8(ascii: "\"") {
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { throw .badHead }
            value = rest[rest.startIndex..<end]
            // Some readers take a backslash for an escape, and others for itself.
            guard !value.contains(UInt8(ascii: "\\")) else { throw .badHead }
            rest = rest[(end + 1)...]
        } else {
            value = rest.prefix { ByteClass.isToken($0) }
            guard !value.isEmpty else { throw .badHead }
            rest = rest[value.endIndex...]
        }
        self.rest = rest
        return (name, value)
    }

    private static func skipBlanks(_ rest: inout ArraySlice<UInt8>) {
        while let first = rest.first, ByteClass.isBlank(first) { rest = rest.dropFirst() }
    }
}

/// What is wrong with a `multipart/form-data` body; the raw value says it to a person.
package enum MultipartError: String, Error, Sendable {
    case notForm = "the content type is not multipart/form-data"
    case badBoundary = "the content type has no valid boundary"
    case noDelimiter = "the body does not begin with its boundary"
    case badDelimiter = "a boundary is followed by something other than a line break or two dashes"
    case badHead = "the head of a part cannot be read in one way only"
    case headTooLarge = "the head of a part is longer than 8 KiB"
    case tooManyParts = "there are more than 32 parts"
    case trailingBytes = "something follows the last boundary"
    case cut = "the body ends before its last boundary"
}
