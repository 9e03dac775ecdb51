internal import Crypto
internal import NIOCore

/// A request in the one form that both sides sign, hashed while it is made, so that no secret in it is copied.
struct CanonicalRequest {
    let digest: SHA256.Digest
    /// The names of the signed fields in lower case and in order, with `;` between them.
    let names: ByteBuffer

    /// Reads a request line and header lines, each with its CRLF; nil if they are not that.
    init?(_ head: UnsafeRawBufferPointer, body: BodyDigest) {
        guard let lineEnd = Self.endOfLine(head, from: 0),
            let afterMethod = head[..<lineEnd].firstIndex(of: UInt8(ascii: " ")),
            let beforeVersion = head[..<lineEnd].lastIndex(of: UInt8(ascii: " ")), afterMethod < beforeVersion,
            afterMethod > 0, let fields = Self.fields(head, from: lineEnd + 2)
        else { return nil }
        let target = UnsafeRawBufferPointer(rebasing: head[(afterMethod + 1)..<beforeVersion])
        guard target.first == UInt8(ascii: "/") else { return nil }
        let pathEnd = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        // What is no secret is put together; the values of fields go right into the hash.
        var text = ByteBufferAllocator().buffer(capacity: head.count + 3 * target.count)
        text.writeBytes(head[..<afterMethod])
        text.writeInteger(Self.lineFeed)
        Self.writeEncoded(target[..<pathEnd], into: &text)
        text.writeInteger(Self.lineFeed)
        Self.writeQuery(target[min(pathEnd + 1, target.endIndex)...], into: &text)
        text.writeInteger(Self.lineFeed)
        var hash = SHA256()
        text.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        var names = ByteBuffer()
        Self.hash(fields, of: head, names: &names, into: &hash)
        text.clear()
        text.writeInteger(Self.lineFeed)
        text.writeImmutableBuffer(names)
        text.writeInteger(Self.lineFeed)
        body.write(into: &text)
        text.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        self.digest = hash.finalize()
        self.names = names
    }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// Where the CRLF of the line stands that begins at `start`.
    private static func endOfLine(_ head: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < head.count,
            let end = head[start...].firstIndex(where: { $0 == self.carriageReturn || $0 == self.lineFeed }),
            end + 1 < head.count, head[end] == self.carriageReturn, head[end + 1] == self.lineFeed
        else { return nil }
        return end
    }

    // MARK: - Path and query

    /// Percent-encodes all but letters, digits, `-._~` (RFC 3986 section 2.3) and slashes.
    ///
    /// What is encoded already is encoded once more: every service but S3 wants that.
    static func writeEncoded(_ path: some Collection<UInt8>, keepsSlash: Bool = true, into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 3 * path.count) { bytes in
            var index = 0
            for byte in path {
                if Self.isUnreserved(byte) || (byte == UInt8(ascii: "/") && keepsSlash) {
                    bytes[index] = byte
                    index += 1
                } else {
                    bytes[index] = UInt8(ascii: "%")
                    bytes[index + 1] = Self.digit(byte >> 4)
                    bytes[index + 2] = Self.digit(byte & 0xF)
                    index += 3
                }
            }
            return index
        }
    }

    /// An upper-case hexadecimal digit.
    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// The parameters in order of their names and then of their values, each with a `=`.
    private static func writeQuery(_ query: Slice<UnsafeRawBufferPointer>, into buffer: inout ByteBuffer) {
        guard !query.isEmpty else { return }
        typealias Part = Slice<UnsafeRawBufferPointer>
        let pairs = query.split(separator: UInt8(ascii: "&")).map { pair -> (name: Part, value: Part) in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return (pair, pair[pair.endIndex...]) }
            return (pair[..<equals], pair[(equals + 1)...])
        }
        let sorted = pairs.sorted { left, right in
            if left.name.elementsEqual(right.name) { return left.value.lexicographicallyPrecedes(right.value) }
            return left.name.lexicographicallyPrecedes(right.name)
        }
        for (index, pair) in sorted.enumerated() {
            if index > 0 { buffer.writeInteger(UInt8(ascii: "&")) }
            buffer.writeBytes(pair.name)
            buffer.writeInteger(UInt8(ascii: "="))
            buffer.writeBytes(pair.value)
        }
    }

    // MARK: - Fields

    private struct Field {
        var name: Range<Int>
        var value: Range<Int>
    }

    /// Names of fields that stations on the way may change: they are not signed, as in AWS's own libraries.
    private static let unsigned: [StaticString] = [
        "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id", "authorization",
    ]

    /// The fields to be signed, in order of their names; those of one name as they came.
    private static func fields(_ head: UnsafeRawBufferPointer, from start: Int) -> [Field]? {
        var fields: [Field] = []
        var cursor = start
        while cursor < head.count {
            guard let end = self.endOfLine(head, from: cursor),
                let colon = head[cursor..<end].firstIndex(of: UInt8(ascii: ":")), colon > cursor
            else { return nil }
            let field = Field(name: cursor..<colon, value: (colon + 1)..<end)
            cursor = end + 2
            guard !self.unsigned.contains(where: { self.equals(head, field.name, $0) }) else { continue }
            var place = fields.endIndex
            while place > 0, self.precedes(head, field.name, fields[place - 1].name) { place -= 1 }
            fields.insert(field, at: place)
        }
        return fields.contains { self.equals(head, $0.name, "host") } ? fields : nil
    }

    /// `name:value` for each name, values without outer and double spaces, all of one name in one line.
    private static func hash(
        _ fields: [Field],
        of head: UnsafeRawBufferPointer,
        names: inout ByteBuffer,
        into hash: inout SHA256
    ) {
        for (index, field) in fields.enumerated() {
            let name = head[field.name]
            let isNew = index == 0 || self.precedes(head, fields[index - 1].name, field.name)
            if isNew {
                let nameStart = names.writerIndex + (index > 0 ? 1 : 0)
                if index > 0 {
                    names.writeInteger(UInt8(ascii: ";"))
                    self.update(&hash, self.lineFeed)
                }
                for byte in name { names.writeInteger(self.lowered(byte)) }
                names.viewBytes(at: nameStart, length: name.count)?.withUnsafeBytes { hash.update(bufferPointer: $0) }
            }
            self.update(&hash, UInt8(ascii: isNew ? ":" : ","))
            let words = head[field.value].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            for (position, word) in words.enumerated() {
                if position > 0 { self.update(&hash, UInt8(ascii: " ")) }
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: word))
            }
        }
        self.update(&hash, self.lineFeed)
    }

    private static func update(_ hash: inout SHA256, _ byte: UInt8) {
        withUnsafeBytes(of: byte) { hash.update(bufferPointer: $0) }
    }

    @inline(__always)
    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private static func precedes(_ head: UnsafeRawBufferPointer, _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        head[left].lexicographicallyPrecedes(head[right]) { self.lowered($0) < self.lowered($1) }
    }

    private static func equals(_ head: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for (index, offset) in range.enumerated() where self.lowered(head[offset]) != text.utf8Start[index] {
            return false
        }
        return true
    }
}
