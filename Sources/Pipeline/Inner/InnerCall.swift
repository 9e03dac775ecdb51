package import Auth
internal import Chat
package import Core
internal import NIOCore
internal import Providers
package import Transport
internal import Wire

/// Who a call of the gateway's own is made for, and where.
///
/// Confined to the loop of the request that it comes from.
package struct InnerCaller {
    package let principal: Principal
    /// What is known of the connection that asked; it may serve its next request meanwhile.
    package let exchange: any ServerExchange
    package let snapshot: Snapshot
    package let requestID: RequestID
    /// Random bits for the call and for names of what it makes.
    package let chance: (high: UInt64, low: UInt64)
    package let time: UnixTime

    package init(
        principal: Principal,
        exchange: any ServerExchange,
        snapshot: Snapshot,
        requestID: RequestID,
        chance: (high: UInt64, low: UInt64),
        time: UnixTime
    ) {
        self.principal = principal
        self.exchange = DetachedExchange(
            beside: exchange,
            head: exchange.head,
            headBytes: exchange.headBytes,
            body: ByteBuffer(),
            arrival: exchange.arrival
        )
        self.snapshot = snapshot
        self.requestID = requestID
        self.chance = chance
        self.time = time
    }
}

@available(*, unavailable, message: "confined to its loop")
extension InnerCaller: Sendable {}

extension Call {
    /// A chat in OpenAI's dialect that the gateway makes itself, in somebody's name.
    ///
    /// It goes down the same road as a client's own, under the same limits and budgets. Of the fields of the request
    /// that it comes from, those about calls go along (`traceparent`, `x-turnpike-…`).
    ///
    /// - Parameters:
    ///   - body: Of `/v1/chat/completions`.
    ///   - timeout: What bounds it up to the first content; nil: what the target has.
    /// - Throws: `GatewayError` if no head can be made.
    static func inner(
        _ body: ByteBuffer,
        for caller: InnerCaller,
        arrival: NIODeadline,
        timeout: TimeAmount? = nil
    ) throws(GatewayError) -> Call {
        let bytes = Self.innerHead(of: caller.exchange, bodyLength: body.readableBytes, timeout)
        var head = HTTPHead()
        do {
            let isWhole = try bytes.withUnsafeReadableBytes { try head.parseRequest($0, limits: HTTPLimits()) }
            guard isWhole else { throw GatewayError(.internalFailure, "An inner call has no whole head.") }
        } catch {
            throw GatewayError(.internalFailure, "An inner call has no head.", cause: error)
        }
        let exchange = DetachedExchange(
            beside: caller.exchange,
            head: head,
            headBytes: bytes,
            body: body,
            arrival: arrival
        )
        let call = Call(
            id: caller.requestID,
            chance: caller.chance,
            operation: .chat,
            format: .openAIChat,
            exchange: exchange,
            head: head,
            headBytes: bytes,
            transport: exchange.transport,
            loop: exchange.transport.loopIndex,
            snapshot: caller.snapshot,
            time: caller.time
        )
        call.principal = caller.principal
        call.credentials = caller.snapshot.credentials.row(of: caller.principal.group)
        return call
    }

    private static func innerHead(
        of exchange: any ServerExchange,
        bodyLength: Int,
        _ timeout: TimeAmount?
    ) -> ByteBuffer {
        var bytes = ByteBuffer(string: "POST /v1/chat/completions HTTP/1.1\r\nhost: turnpike\r\n")
        bytes.writeString("content-type: application/json\r\ncontent-length: \(bodyLength)\r\n")
        let head = exchange.head
        // A timeout of our own is in the place of the client's.
        let names = timeout == nil ? Self.innerFields + [.turnpikeTimeoutMS] : Self.innerFields
        exchange.headBytes.withUnsafeReadableBytes { outer in
            for name in names {
                guard let field = head.first(name) else { continue }
                // What the client's own head could hold, this one can.
                try? bytes.writeField(name.text, outer[field.value])
            }
        }
        if let timeout {
            bytes.writeField(HTTPFieldName.turnpikeTimeoutMS.text, decimal: Int(max(1, timeout.milliseconds)))
        }
        bytes.writeCRLF()
        return bytes
    }

    private static let innerFields: [HTTPFieldName] = [
        .traceparent, .tracestate, .turnpikeMetadata, .turnpikeStrict, .turnpikeCache,
    ]
}
