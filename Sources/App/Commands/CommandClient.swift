import Core
import Engine
import NIOCore
import Net
import Tools
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
    var errorMessage: String? { ErrorMessage.find(in: self.body) }
}

/// The HTTP client of the commands: the gateway's own transport on one loop.
struct CommandClient: Sendable {
    /// Largest body that is read whole.
    private static let bodyBytesMax = 16 << 20

    private let runtime: NetRuntime

    /// The same way out for code that wants a fetcher.
    var fetcher: Fetcher { self.runtime.fetcher }

    /// The same for tool servers.
    var toolDialer: ToolDialer { self.runtime.toolDialer }

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
    /// - Throws: `TransportError`, `CommandFailure` for a request that cannot be written or a redirect,
    ///   `CancellationError`.
    func send(_ request: CommandRequest) async throws -> CommandAnswer {
        let answer = try await self.run { transport in try await transport.fetch(Self.fetchRequest(request)) }
        return CommandAnswer(status: answer.status, body: answer.body)
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
        try await self.run { transport in
            let exchange = try await transport.open(Self.fetchRequest(request))
            defer { exchange.abandon() }
            guard exchange.head.status == 200, Self.isEventStream(exchange) else {
                let answer = try await exchange.whole(bytesMax: Self.bodyBytesMax)
                return CommandAnswer(status: answer.status, body: answer.body)
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

    private static func isEventStream(_ exchange: any UpstreamExchange) -> Bool {
        guard let field = exchange.head.first(.contentType) else { return false }
        let bytes = exchange.headBytes.readableBytesView
        let start = bytes.startIndex + Int(field.valueStart)
        let value = bytes[start..<(bytes.startIndex + Int(field.valueEnd))]
        return String(decoding: value, as: UTF8.self).lowercased().hasPrefix("text/event-stream")
    }

    /// The request as it goes on the wire.
    static func bytes(of request: CommandRequest) throws(CommandFailure) -> ByteBuffer {
        do throws(FetchError) {
            return try Self.fetchRequest(request).bytes()
        } catch {
            throw CommandFailure(error.description)
        }
    }

    private static func fetchRequest(_ request: CommandRequest) -> FetchRequest {
        FetchRequest(
            request.method,
            request.endpoint,
            path: request.path,
            fields: [("user-agent", "turnpike/\(Version.text)")] + request.fields,
            body: request.body,
            answerBytesMax: Self.bodyBytesMax,
            timeouts: request.timeouts
        )
    }

    /// Runs `body`; what the transport says of a request that cannot be sent becomes a command's failure.
    private func run<Result: Sendable>(
        _ body: @Sendable @escaping (any LoopTransport) async throws -> Result
    ) async throws -> Result {
        do {
            return try await self.runtime.run(body)
        } catch let error as FetchError {
            throw CommandFailure(error.description)
        }
    }
}
