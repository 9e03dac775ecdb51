import Core
import NIOCore
import Net
import Transport
import Wire

/// One HTTP call of a command.
struct CommandRequest: Sendable {
    var method: String
    var endpoint: Endpoint
    /// Behind the endpoint's base path, beginning with a slash; may have a query.
    var path: String
    /// Name and value; values must have been checked for line breaks, else the call fails.
    var fields: [(String, String)] = []
    var body: ByteBuffer?
    var timeouts = Timeouts()

    /// `authorization: Bearer`.
    mutating func authorize(_ key: Secret<String>?) {
        guard let key else { return }
        self.fields.append(("authorization", "Bearer " + key.reveal { $0 }))
    }
}

/// A whole answer.
struct CommandAnswer: Sendable {
    let status: Int
    let body: ByteBuffer

    /// The message of an error body in any of the usual shapes.
    var errorMessage: String? {
        guard let value = try? JSONValue.parse(self.body) else { return nil }
        return value["error"]?["message"]?.stringValue ?? value["error"]?.stringValue ?? value["message"]?.stringValue
    }
}

/// The HTTP client of the commands: the gateway's own transport on one loop.
struct CommandClient: Sendable {
    /// Largest body that is read whole.
    private static let bodyBytesMax = 16 << 20

    private let runtime: NetRuntime

    /// Lends a client to `use` and closes it afterwards.
    static func with<Result: Sendable>(
        _ use: (CommandClient) async throws -> Result
    ) async throws -> Result {
        let runtime = try await NetRuntime(loopCount: 1)
        do {
            let result = try await use(CommandClient(runtime: runtime))
            await runtime.shutdown()
            return result
        } catch {
            await runtime.shutdown()
            throw error
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// - Throws: `TransportError`, `CommandFailure` for a request that cannot be written, `CancellationError`.
    func send(_ request: CommandRequest) async throws -> CommandAnswer {
        try await self.runtime.run { transport in
            let exchange = try await Self.open(request, transport)
            defer { exchange.abandon() }
            return try await Self.whole(exchange)
        }
    }

    /// Sends a request and hands over each event of the answer as it comes.
    ///
    /// - Parameter onEvent: Returns false to leave the stream.
    /// - Returns: The answer if it is no stream or no success, else nil.
    func stream(
        _ request: CommandRequest,
        onOpen: @escaping @Sendable () -> Void = {},
        onEvent: @escaping @Sendable (ServerSentEvent) throws -> Bool
    ) async throws -> CommandAnswer? {
        try await self.runtime.run { transport in
            let exchange = try await Self.open(request, transport)
            defer { exchange.abandon() }
            guard exchange.head.status == 200, Self.isEventStream(exchange) else {
                return try await Self.whole(exchange)
            }
            exchange.setDeadline(
                .now() + request.timeouts.streamMax,
                limit: request.timeouts.streamMax,
                clock: .streamMax
            )
            onOpen()
            var reader = SSEReader()
            while let bytes = try await exchange.read() {
                reader.feed(bytes)
                while let event = try reader.next() {
                    if try !onEvent(event) { return nil }
                }
            }
            return nil
        }
    }

    private static func whole(_ exchange: any UpstreamExchange) async throws -> CommandAnswer {
        var body = ByteBuffer()
        while let bytes = try await exchange.read() {
            guard body.readableBytes + bytes.readableBytes <= Self.bodyBytesMax else {
                throw TransportError.bodyTooLarge(limit: Self.bodyBytesMax)
            }
            body.writeImmutableBuffer(bytes)
        }
        return CommandAnswer(status: exchange.head.status, body: body)
    }

    private static func isEventStream(_ exchange: any UpstreamExchange) -> Bool {
        guard let field = exchange.head.first(.contentType) else { return false }
        let bytes = exchange.headBytes.readableBytesView
        let start = bytes.startIndex + Int(field.valueStart)
        let value = bytes[start..<(bytes.startIndex + Int(field.valueEnd))]
        return String(decoding: value, as: UTF8.self).lowercased().hasPrefix("text/event-stream")
    }

    private static func open(
        _ request: CommandRequest,
        _ transport: any LoopTransport
    ) async throws -> any UpstreamExchange {
        let bytes = try Self.bytes(of: request)
        return try await transport.open(
            UpstreamRequest(
                endpoint: request.endpoint,
                bytes: bytes,
                timeouts: request.timeouts,
                deadline: .now() + request.timeouts.total
            )
        )
    }

    /// The request as it goes on the wire.
    static func bytes(of request: CommandRequest) throws(CommandFailure) -> ByteBuffer {
        var bytes = ByteBuffer()
        let target = request.endpoint.basePath + request.path
        let texts = [request.method, target] + request.fields.flatMap { [$0.0, $0.1] }
        guard texts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }), !target.contains(" ") else {
            throw CommandFailure("the request has a character that HTTP does not allow")
        }
        bytes.writeString("\(request.method) \(target.isEmpty ? "/" : target) HTTP/1.1\r\n")
        bytes.writeString("host: \(request.endpoint.authority)\r\nuser-agent: turnpike/\(Version.text)\r\n")
        for (name, value) in request.fields { bytes.writeString("\(name): \(value)\r\n") }
        if let body = request.body {
            bytes.writeString("content-type: application/json\r\ncontent-length: \(body.readableBytes)\r\n\r\n")
            bytes.writeImmutableBuffer(body)
        } else {
            bytes.writeString("\r\n")
        }
        return bytes
    }
}
