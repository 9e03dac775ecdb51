import Core
import NIOCore
import Wire

extension LoopTransport {
    /// Sends a request and waits for the head of its answer, whatever its status.
    ///
    /// - Throws: `FetchError.badRequest`, `TransportError`, `CancellationError`.
    package func open(_ request: FetchRequest) async throws -> any UpstreamExchange {
        try await self.open(
            UpstreamRequest(
                endpoint: request.endpoint,
                bytes: try request.bytes(),
                timeouts: request.timeouts,
                deadline: self.eventLoop.now + request.timeouts.total
            )
        )
    }

    /// Sends a request over the one dialer and reads the whole answer; redirects are errors (rows 29 and 31).
    ///
    /// Any other status is an answer: what it means is the caller's to know.
    ///
    /// - Throws: `FetchError`, `TransportError` (`.bodyTooLarge` at the byte that passes the limit),
    ///   `CancellationError`. Repeat it only if the request may be repeated.
    package func fetch(_ request: FetchRequest) async throws -> FetchAnswer {
        let exchange = try await self.open(request)
        defer { exchange.abandon() }
        return try await exchange.whole(bytesMax: request.answerBytesMax)
    }
}

extension UpstreamExchange {
    /// Reads the rest of the answer.
    ///
    /// - Throws: `FetchError.redirected`, `.encoded`, `TransportError`, `CancellationError`.
    package func whole(bytesMax: Int) async throws -> FetchAnswer {
        let status = self.head.status
        guard !(300...399).contains(status) || status == 304 else { throw FetchError.redirected(status: status) }
        guard !self.isEncoded else { throw FetchError.encoded }
        if case .length(let length) = self.head.framing, length > bytesMax {
            throw TransportError.bodyTooLarge(limit: bytesMax)
        }
        // The head belongs to the connection, which serves other calls once the body is read.
        let head = self.head
        let headBytes = self.headBytes
        var body = ByteBuffer()
        while let bytes = try await self.read() {
            guard body.readableBytes + bytes.readableBytes <= bytesMax else {
                throw TransportError.bodyTooLarge(limit: bytesMax)
            }
            body.writeImmutableBuffer(bytes)
        }
        return FetchAnswer(status: status, head: head, headBytes: headBytes, body: body)
    }

    private var isEncoded: Bool {
        guard let field = self.head.first(.contentEncoding) else { return false }
        return self.headBytes.withUnsafeReadableBytes { bytes in
            String(decoding: bytes[field.value], as: UTF8.self).lowercased() != "identity"
        }
    }
}

/// Lets code that is on no loop make small HTTP calls; `App` makes one of the process's loops.
///
/// It is the same way out as for everything else, with its address guard (row 31).
package struct Fetcher: Sendable {
    private let body: @Sendable (FetchRequest) async throws -> FetchAnswer

    /// - Parameter body: Runs `LoopTransport.fetch` on some loop.
    package init(_ body: @escaping @Sendable (FetchRequest) async throws -> FetchAnswer) { self.body = body }

    /// Sends a request and reads the whole answer.
    ///
    /// - Throws: `FetchError`, `TransportError`, `CancellationError`.
    package func fetch(_ request: FetchRequest) async throws -> FetchAnswer { try await self.body(request) }
}
