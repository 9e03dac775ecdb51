package import Core
package import NIOCore

/// One small HTTP call whose answer is read whole: key sets, key management, live tests of credentials, webhooks.
///
/// Nothing here is on the road of a call to a model.
package struct FetchRequest: Sendable {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; anything else fails.
    package var method: String
    package var endpoint: Endpoint
    /// Comes right behind the endpoint's base path: a path with its slash, a query with its question mark, or nothing.
    package var path: String
    /// Names in lower case and values, in the order they are sent; `host` and the framing are added.
    ///
    /// A value with a control character fails the call (row 2).
    package var fields: [(name: String, value: String)]
    package var body: ByteBuffer?
    /// What `body` is; sent with a body only.
    package var contentType: String
    /// The longest body that is taken.
    package var answerBytesMax: Int
    /// `total` bounds the whole call, `streamMax` is not used.
    package var timeouts: Timeouts

    /// A call with short clocks and room for an answer of 1 MiB.
    package init(
        _ method: String = "GET",
        _ endpoint: Endpoint,
        path: String = "",
        fields: [(name: String, value: String)] = [],
        body: ByteBuffer? = nil,
        contentType: String = "application/json",
        answerBytesMax: Int = 1 << 20,
        timeouts: Timeouts = FetchRequest.shortTimeouts
    ) {
        self.method = method
        self.endpoint = endpoint
        self.path = path
        self.fields = fields
        self.body = body
        self.contentType = contentType
        self.answerBytesMax = answerBytesMax
        self.timeouts = timeouts
    }

    /// Five seconds for the connection and for the first byte, ten for everything.
    package static let shortTimeouts = Timeouts(
        connect: .seconds(5),
        firstByte: .seconds(5),
        idle: .seconds(5),
        total: .seconds(10),
        streamMax: .seconds(10)
    )

    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    /// The request as it goes on the wire.
    ///
    /// - Throws: `FetchError.badRequest` if anything in it could end a line or the target too early.
    package func bytes() throws(FetchError) -> ByteBuffer {
        guard Self.methods.contains(self.method) else { throw .badRequest("its method is not known") }
        var target = self.endpoint.basePath + self.path
        if target.isEmpty { target = "/" }
        guard target.hasPrefix("/"), target.utf8.allSatisfy(Self.isTargetByte) else {
            throw .badRequest("its target has a character that HTTP does not allow")
        }
        var bytes = ByteBuffer()
        bytes.writeString("\(self.method) \(target) HTTP/1.1\r\n")
        bytes.writeString("host: \(self.endpoint.authority)\r\naccept-encoding: identity\r\n")
        for (name, value) in self.fields { try Self.write(name, value, into: &bytes) }
        if let body = self.body {
            try Self.write("content-type", self.contentType, into: &bytes)
            bytes.writeString("content-length: \(body.readableBytes)\r\n\r\n")
            bytes.writeImmutableBuffer(body)
        } else {
            // Some servers insist on a length where a body could be (RFC 9110 section 8.6).
            if self.method != "GET" { bytes.writeString("content-length: 0\r\n") }
            bytes.writeString("\r\n")
        }
        return bytes
    }

    private static func write(_ name: String, _ value: String, into bytes: inout ByteBuffer) throws(FetchError) {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
            throw .badRequest("a field's name has a character that HTTP does not allow")
        }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .badRequest("a field's value has a character that HTTP does not allow")
        }
        bytes.writeString("\(name): \(value)\r\n")
    }

    private static func isTargetByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "#")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            return true
        default:
            return false
        }
    }
}

/// Why a small call has no answer, besides the connection's own `TransportError`.
package enum FetchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The request cannot be written; the text says what is wrong and holds nothing of the request.
    case badRequest(String)
    /// The server pointed elsewhere; it is never followed (row 29).
    case redirected(status: Int)
    /// The answer is compressed although that was not asked for (row 33).
    case encoded

    package var description: String {
        switch self {
        case .badRequest(let reason): "the request cannot be sent: \(reason)"
        case .redirected(let status): "the server answers with a redirect (\(status)), which is never followed"
        case .encoded: "the server compresses its answer although it was asked not to"
        }
    }
}
