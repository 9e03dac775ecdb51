import NIOCore
import Wire

/// Bytes as text for failure messages.
func shown(_ bytes: [UInt8], limit: Int = 600) -> String {
    var text = ""
    for byte in bytes.prefix(limit) {
        switch byte {
        case 0x0D: text += "\\r"
        case 0x0A: text += "\\n"
        case 0x5C: text += "\\x5c"
        case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
        default: text += "\\x" + String(byte, radix: 16)
        }
    }
    return text
}

/// What a parser made of one message.
struct Message: Equatable, CustomStringConvertible {
    var method = ""
    var target = ""
    var status = 0
    var minorVersion = 1
    var fields: [[String]] = []
    var body: [UInt8] = []

    var description: String {
        "\(self.method) \(self.target) \(self.status) 1.\(self.minorVersion) \(self.fields) body \(shown(self.body))"
    }
}

/// What a parser made of a whole connection.
struct Reading: Equatable {
    var messages: [Message] = []
    /// Whether the head of one more message was accepted, but not its end.
    var hasOpenMessage = false
    /// Why the connection was refused.
    ///
    /// Nil if it was not.
    var error: HTTPParseError?
    /// What was not used: of an incomplete or refused message, or behind the last one of the connection.
    var rest: [UInt8] = []
    /// Whether reading stopped because a message said it is the last.
    var isClosed = false
}

extension Message {
    init(_ head: HTTPHead, _ bytes: UnsafeRawBufferPointer, isRequest: Bool) {
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        if isRequest {
            self.method = text(head.methodRange.range)
            self.target = text(head.targetRange.range)
        }
        self.status = head.status
        self.minorVersion = Int(head.minorVersion)
        self.fields = head.fields.map { [text($0.nameRange), text($0.value)] }
    }
}

/// Reads connections with the codec under test, in pieces of any size, as a server or client would.
struct ConnectionReader {
    let isRequest: Bool
    var limits = HTTPLimits()
    private var head = HTTPHead()

    init(isRequest: Bool, limits: HTTPLimits = HTTPLimits()) {
        self.isRequest = isRequest
        self.limits = limits
    }

    /// Reads `bytes`, handing them over in pieces that end at `cuts`; then the connection ends if `closes`.
    mutating func read(_ bytes: [UInt8], cuts: [Int] = [], closes: Bool = false) -> Reading {
        var reading = Reading()
        var buffer: [UInt8] = []
        var body: HTTPBodyDecoder?
        var message = Message()
        self.head.reset()
        var start = 0
        for end in cuts + [bytes.count] {
            buffer.append(contentsOf: bytes[start..<end])
            start = end
            do {
                while try self.step(&buffer, &body, &message, &reading) {}
            } catch {
                reading.error = error
                reading.hasOpenMessage = body != nil
                reading.rest = buffer
                return reading
            }
        }
        if closes, var decoder = body {
            do {
                try decoder.close()
                reading.messages.append(message)
                body = nil
            } catch {
                reading.error = error
            }
        }
        if closes, !reading.isClosed, !buffer.isEmpty { reading.error = .unexpectedEnd }
        reading.hasOpenMessage = body != nil
        reading.rest = buffer
        return reading
    }

    /// Reads on by one head or piece of body.
    ///
    /// False if there is nothing more to do with these bytes.
    private mutating func step(
        _ buffer: inout [UInt8],
        _ body: inout HTTPBodyDecoder?,
        _ message: inout Message,
        _ reading: inout Reading
    ) throws(HTTPParseError) -> Bool {
        if reading.isClosed || buffer.isEmpty && body == nil { return false }
        let isRequest = self.isRequest
        let limits = self.limits
        if body == nil {
            var head = self.head
            self.head = HTTPHead()
            defer { self.head = head }
            let parsed: Result<Message?, HTTPParseError> = buffer.withUnsafeBytes { bytes in
                do throws(HTTPParseError) {
                    let isComplete =
                        isRequest
                        ? try head.parseRequest(bytes, limits: limits)
                        : try head.parseResponse(bytes, toHead: false, limits: limits)
                    return .success(isComplete ? Message(head, bytes, isRequest: isRequest) : nil)
                } catch {
                    return .failure(error)
                }
            }
            guard let found = try parsed.get() else { return false }
            message = found
            buffer.removeFirst(head.byteCount)
            body = HTTPBodyDecoder(head.framing)
        }
        guard var decoder = body else { return false }
        var payload: [UInt8] = []
        let used: Result<Int, HTTPParseError> = buffer.withUnsafeBytes { bytes in
            do throws(HTTPParseError) {
                return .success(
                    try decoder.decode(bytes, limits: limits) { payload.append(contentsOf: bytes[$0..<($0 + $1)]) }
                )
            } catch {
                return .failure(error)
            }
        }
        message.body.append(contentsOf: payload)
        buffer.removeFirst(try used.get())
        body = decoder
        guard decoder.isComplete else { return false }
        reading.messages.append(message)
        body = nil
        // An interim response ends nothing, but 101 is the last thing that is HTTP.
        reading.isClosed = !self.head.keepAlive && (self.head.status / 100 != 1 || self.head.status == 101)
        return true
    }
}
