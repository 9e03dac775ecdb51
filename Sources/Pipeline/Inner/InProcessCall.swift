package import Auth
internal import Chat
package import Core
package import NIOCore
internal import Providers
package import Transport
internal import Wire

extension Call {
    /// A chat in OpenAI's dialect that the program makes in whose process the gateway is.
    ///
    /// It goes down the same road as one that came over a connection, under the same limits and budgets.
    ///
    /// - Parameters:
    ///   - body: Of `/v1/chat/completions`.
    ///   - transport: The loop that it runs on.
    ///   - timeout: What bounds it up to the first content; nil: what the target has.
    ///   - metadata: As `x-turnpike-metadata` has it; nil: none.
    /// - Throws: `GatewayError` if the metadata cannot be sent in a field.
    package static func inProcess(
        _ body: ByteBuffer,
        by principal: Principal,
        _ snapshot: Snapshot,
        id: RequestID,
        chance: (high: UInt64, low: UInt64),
        time: UnixTime,
        arrival: NIODeadline,
        on transport: any LoopTransport,
        timeout: TimeAmount? = nil,
        metadata: String? = nil
    ) throws(GatewayError) -> Call {
        var bytes = ByteBuffer(string: "POST /v1/chat/completions HTTP/1.1\r\nhost: turnpike\r\n")
        bytes.writeString("content-type: application/json\r\ncontent-length: \(body.readableBytes)\r\n")
        if let timeout {
            bytes.writeField(HTTPFieldName.turnpikeTimeoutMS.text, decimal: Int(max(1, timeout.milliseconds)))
        }
        var head = HTTPHead()
        do {
            if let metadata { try bytes.writeField(HTTPFieldName.turnpikeMetadata.text, metadata.utf8) }
            bytes.writeCRLF()
            _ = try bytes.withUnsafeReadableBytes { try head.parseRequest($0, limits: HTTPLimits()) }
        } catch {
            throw GatewayError(
                .invalidRequest,
                "The metadata must be one line of JSON.",
                param: "metadata",
                cause: error
            )
        }
        let call = Call(
            id: id,
            chance: chance,
            operation: .chat,
            format: .openAIChat,
            exchange: DetachedExchange(on: transport, head: head, headBytes: bytes, body: body, arrival: arrival),
            head: head,
            headBytes: bytes,
            transport: transport,
            loop: transport.loopIndex,
            snapshot: snapshot,
            time: time
        )
        call.principal = principal
        call.credentials = snapshot.credentials.row(of: principal.group)
        return call
    }
}
