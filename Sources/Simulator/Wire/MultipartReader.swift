import Crypto
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads `multipart/form-data` (RFC 7578) as it comes: fields are kept, files are counted and hashed.
///
/// Holds no more than a part's head, a field, or a boundary's length of a file.
struct MultipartReader {
    private enum State {
        /// Before the first boundary, or behind one.
        case boundary
        case head
        case field(name: String)
        case file(Upload.File, SHA256)
        /// Nothing more is of interest.
        case over
    }

    /// The largest head of a part, and the largest field.
    private static let headBytesMax = 16 << 10
    private static let fieldBytesMax = 1 << 20
    private static let partsMax = 1000

    private let delimiter: [UInt8]
    private var state = State.boundary
    private var pending = ByteBuffer()
    private var upload = Upload()
    private var isClosed = false

    /// A reader for a body of the given content type.
    ///
    /// Nil if that is no multipart form, or has no boundary.
    init?(contentType: String) {
        let parts = contentType.split(separator: ";").map { $0.drop { $0 == " " } }
        guard parts.first?.lowercased().hasPrefix("multipart/form-data") == true,
            let boundary = parts.dropFirst().first(where: { $0.lowercased().hasPrefix("boundary=") })
        else { return nil }
        var text = boundary.dropFirst("boundary=".count)
        while text.last == " " { text = text.dropLast() }
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count > 1 { text = text.dropFirst().dropLast() }
        guard (1...200).contains(text.utf8.count) else { return nil }
        self.delimiter = Array("\r\n--\(text)".utf8)
        // The first boundary has no line before it, so it is given one.
        self.pending.writeStaticString("\r\n")
    }

    /// Reads on.
    mutating func take(_ bytes: ByteBuffer) {
        if case .over = self.state { return }
        self.pending.writeImmutableBuffer(bytes)
        while self.step() {}
        self.pending.discardReadBytes()
    }

    /// What was read, once all has come.
    mutating func finish() -> Upload {
        if !self.isClosed, self.upload.problem == nil { self.upload.problem = "the closing boundary is missing." }
        return self.upload
    }

    private mutating func fail(_ problem: String) -> Bool {
        self.upload.problem = problem
        self.state = .over
        self.pending.clear()
        return false
    }

    // MARK: - Steps

    /// Does one thing.
    ///
    /// Returns whether another may follow with what is there.
    private mutating func step() -> Bool {
        switch self.state {
        case .boundary: return self.readBoundary()
        case .head: return self.readHead()
        case .field(let name): return self.readField(name)
        case .file(let file, let hash): return self.readFile(file, hash)
        case .over:
            self.pending.clear()
            return false
        }
    }

    private mutating func readBoundary() -> Bool {
        // Behind the boundary stands a line's end, or `--` if it is the last.
        guard let place = self.find(self.delimiter) else {
            if self.pending.readableBytes > Self.headBytesMax { return self.fail("there is no boundary.") }
            return false
        }
        let after = place + self.delimiter.count
        guard let mark = self.pending.getBytes(at: self.pending.readerIndex + after, length: 2) else { return false }
        if mark == Array("--".utf8) {
            self.isClosed = true
            self.state = .over
            self.pending.clear()
            return false
        }
        guard mark == [0x0D, 0x0A] else { return self.fail("a boundary is followed by something else.") }
        // The line's end stays, so that a head without any line ends like every other.
        self.pending.moveReaderIndex(forwardBy: after)
        guard self.upload.fields.count + self.upload.files.count < Self.partsMax else {
            return self.fail("there are too many parts.")
        }
        self.state = .head
        return true
    }

    private mutating func readHead() -> Bool {
        guard let end = self.find([0x0D, 0x0A, 0x0D, 0x0A]) else {
            if self.pending.readableBytes > Self.headBytesMax { return self.fail("the head of a part is too long.") }
            return false
        }
        let head = self.pending.readString(length: end) ?? ""
        self.pending.moveReaderIndex(forwardBy: 4)
        var name: String?
        var file: String?
        var type = "application/octet-stream"
        for line in head.split(separator: "\r\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let value = String(halves[1].drop { $0 == " " })
            switch halves[0].lowercased() {
            case "content-disposition":
                name = Self.parameter("name", of: value)
                file = Self.parameter("filename", of: value)
            case "content-type": type = value
            default: break
            }
        }
        guard let name else { return self.fail("a part has no name.") }
        if let file {
            let empty = Upload.File(field: name, name: file, contentType: type, size: 0, digest: "")
            self.state = .file(empty, SHA256())
        } else {
            self.state = .field(name: name)
        }
        return true
    }

    private static func parameter(_ name: String, of value: String) -> String? {
        for part in value.split(separator: ";") {
            let halves = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, halves[0].lowercased() == name else { continue }
            let text = halves[1]
            return text.hasPrefix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : String(text)
        }
        return nil
    }

    private mutating func readField(_ name: String) -> Bool {
        guard let end = self.find(self.delimiter) else {
            if self.pending.readableBytes > Self.fieldBytesMax { return self.fail("the field \(name) is too long.") }
            return false
        }
        self.upload.fields.append(.init(name: name, text: self.pending.readString(length: end) ?? ""))
        self.state = .boundary
        return true
    }

    private mutating func readFile(_ file: Upload.File, _ hash: SHA256) -> Bool {
        let end = self.find(self.delimiter)
        // What may be the beginning of a boundary waits for more.
        let count = end ?? max(0, self.pending.readableBytes - self.delimiter.count)
        var file = file
        var hash = hash
        if let piece = self.pending.readSlice(length: count) {
            piece.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            file.size += count
        }
        guard end != nil else {
            self.state = .file(file, hash)
            return false
        }
        file.digest = hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count < 2 ? "0\(text)" : text
        }.joined()
        self.upload.files.append(file)
        self.state = .boundary
        return true
    }

    /// Where `wanted` begins among the bytes that wait.
    private func find(_ wanted: [UInt8]) -> Int? {
        self.pending.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress, let first = wanted.first else { return nil }
            var at = 0
            while bytes.count - at >= wanted.count {
                guard let found = memchr(start + at, Int32(first), bytes.count - at - wanted.count + 1) else {
                    return nil
                }
                let place = UnsafeRawPointer(found) - start
                if memcmp(found, wanted, wanted.count) == 0 { return place }
                at = place + 1
            }
            return nil
        }
    }
}
