internal import Core
internal import NIOCore
package import Transport
internal import Wire

/// The gateway's one way out, for messages of MCP over HTTP: its dialer with the address guard (rows 31 and 105).
///
/// Made by `App`, of one of the process's loops.
package struct ToolDialer: Sendable {
    /// Something to be done on a loop.
    package typealias Body = @Sendable (any LoopTransport) async throws -> ToolReply

    private let run: @Sendable (@escaping Body) async throws -> ToolReply

    /// - Parameter run: Runs a body on some loop, isolated to it.
    package init(_ run: @escaping @Sendable (@escaping Body) async throws -> ToolReply) { self.run = run }

    /// Sends one message and waits for its answer, not for the end of the connection.
    ///
    /// - Parameters:
    ///   - id: The request's id; nil for what needs no answer.
    ///   - onMessage: Called on the loop with everything else that comes before the answer; what it gives back is sent
    ///     to the server.
    /// - Throws: `FetchError`, `TransportError`, `RPCFault` for what is no message, `CancellationError`.
    func send(
        _ request: FetchRequest,
        id: RPCID?,
        onMessage: @escaping @Sendable (RPCMessage) -> FetchRequest?
    ) async throws -> ToolReply {
        try await self.run { transport in
            let exchange = try await transport.open(request)
            defer { exchange.abandon() }
            var reader = try ReplyReader(exchange.head, exchange.headBytes, id: id)
            // The head belongs to the connection; what is wanted of it has been read.
            reading: while !reader.isOver, let bytes = try await exchange.read() {
                for message in try reader.take(bytes) {
                    guard let answer = onMessage(message) else { continue }
                    _ = try? await transport.fetch(answer)
                }
            }
            return try reader.finish()
        }
    }
}

/// What came back for one message.
package struct ToolReply: Sendable {
    package var status: Int
    /// The id of the session, where the server gives one.
    package var sessionID: String?
    /// The answer to the request; nil where there is none.
    package var message: RPCMessage?
}

/// Reads the answer to one POST, as JSON or as a stream of events.
struct ReplyReader {
    /// Messages that may come before the answer.
    static let messagesMax = 10_000
    /// All bytes of a stream of events.
    static let streamBytesMax = 16 << 20

    private let id: RPCID?
    private var reply: ToolReply
    private let isStream: Bool
    private var body = ByteBuffer()
    private var events = SSEReader(
        limits: SSELimits(lineBytesMax: RPCMessage.bytesMax, eventBytesMax: RPCMessage.bytesMax)
    )
    private var bytes = 0
    private var messages = 0

    /// Whether nothing more is wanted of the body.
    private(set) var isOver = false

    init(_ head: HTTPHead, _ headBytes: ByteBuffer, id: RPCID?) throws {
        self.id = id
        self.reply = ToolReply(status: head.status)
        guard !(300...399).contains(head.status) else { throw FetchError.redirected(status: head.status) }
        let session = headBytes.withUnsafeReadableBytes { bytes in
            head.first(named: MCP.Field.session, in: bytes).map { String(decoding: bytes[$0.value], as: UTF8.self) }
        }
        // What is sent back to a server must not be able to end a line.
        if let session, (1...1024).contains(session.utf8.count), session.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        {
            self.reply.sessionID = session
        }
        func text(_ name: HTTPFieldName) -> String {
            guard let field = head.first(name) else { return "" }
            return headBytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self).lowercased() }
        }
        let encoding = text(.contentEncoding)
        guard encoding.isEmpty || encoding == "identity" else { throw FetchError.encoded }
        self.isStream = text(.contentType).hasPrefix("text/event-stream")
        // Nothing in the answer to a notification is of any use.
        self.isOver = id == nil
    }

    /// Takes a piece of the body; gives the messages in it that are not the answer.
    mutating func take(_ piece: ByteBuffer) throws -> [RPCMessage] {
        self.bytes += piece.readableBytes
        guard self.isStream else {
            guard self.bytes <= RPCMessage.bytesMax else {
                throw TransportError.bodyTooLarge(limit: RPCMessage.bytesMax)
            }
            self.body.writeImmutableBuffer(piece)
            return []
        }
        guard self.bytes <= Self.streamBytesMax else { throw TransportError.bodyTooLarge(limit: Self.streamBytesMax) }
        self.events.feed(piece)
        var others: [RPCMessage] = []
        while !self.isOver, let event = try self.next() {
            // An event may be there only to be resumed from.
            guard event.data.readableBytes > 0 else { continue }
            self.messages += 1
            guard self.messages <= Self.messagesMax else {
                throw RPCFault(RPCFault.invalidRequest, "more than \(Self.messagesMax) messages came before the answer")
            }
            let message = try RPCMessage.parse(event.data)
            if self.isAnswer(message) { self.isOver = true } else { others.append(message) }
        }
        return others
    }

    private mutating func next() throws -> ServerSentEvent? {
        do throws(SSEError) {
            return try self.events.next()
        } catch {
            throw TransportError.bodyTooLarge(limit: RPCMessage.bytesMax)
        }
    }

    private mutating func isAnswer(_ message: RPCMessage) -> Bool {
        switch message {
        case .result(let id, _) where id == self.id: break
        case .failure(let id, _) where id == self.id || id == nil: break
        default: return false
        }
        self.reply.message = message
        return true
    }

    /// What there is once the body is over.
    mutating func finish() throws -> ToolReply {
        guard !self.isStream, self.id != nil, self.body.readableBytes > 0 else { return self.reply }
        do throws(RPCFault) {
            let message = try RPCMessage.parse(self.body)
            if !self.isAnswer(message), self.reply.status == 200 {
                throw RPCFault(RPCFault.invalidRequest, "the answer is to another request")
            }
        } catch  where self.reply.status != 200 {
            // Servers and what stands before them put pages of their own here; the status says enough.
        }
        return self.reply
    }
}
