internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// How a stream looks to a client, by how it writes.
enum FrontEnd {
    /// The fields of every stream.
    static func writeStreamFields(into fields: inout ByteBuffer) {
        fields.writeField("content-type", "text/event-stream; charset=utf-8")
        fields.writeField("cache-control", "no-cache")
        // Reverse proxies of nginx's kind hold streams back unless told not to.
        fields.writeField("x-accel-buffering", "no")
    }

    /// Something that every client passes over: Anthropic's own `ping`, a comment for all others.
    static func writeHeartbeat(_ format: WireFormat, into buffer: inout ByteBuffer) {
        if format == .anthropic {
            buffer.writeStaticString("event: ping\ndata: {\"type\": \"ping\"}\n\n")
        } else {
            SSEWriter.writeComment("keep-alive", into: &buffer)
        }
    }

    /// An event in the client's dialect.
    ///
    /// - Parameter id: What the client says in `Last-Event-ID` when it comes back.
    static func write(_ event: ServerSentEvent, id: UInt64? = nil, into buffer: inout ByteBuffer) {
        if event.isComment { return SSEWriter.writeComment(event.data, into: &buffer) }
        // A type that cannot be written did not come from any provider's codec; the data says it as well.
        do throws(SSEError) {
            try SSEWriter.write(data: event.data, foreignType: event.type, id: id, into: &buffer)
        } catch {
            SSEWriter.write(data: event.data, id: id, into: &buffer)
        }
    }

    /// An error as the last event: the SDKs raise it.
    ///
    /// What else ends a stream does not follow, since nothing was done. OpenAI's SDKs look for `error` in the data;
    /// Anthropic's for the event's type, as do clients of `/responses` that are not OpenAI's.
    static func writeError(
        _ error: GatewayError,
        _ format: WireFormat,
        requestID: RequestID,
        into buffer: inout ByteBuffer
    ) {
        let dialect: Dialect = format == .anthropic ? .anthropic : .openAI
        let body = ErrorBodies.body(of: error, dialect: dialect, requestID: requestID)
        SSEWriter.write(data: body, type: format == .openAIChat ? nil : "error", into: &buffer)
    }
}
