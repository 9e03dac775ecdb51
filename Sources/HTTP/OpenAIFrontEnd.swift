internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// How a stream looks to a client that speaks OpenAI's dialect.
enum OpenAIFrontEnd {
    /// The fields of every stream.
    static func writeStreamFields(into fields: inout ByteBuffer) {
        fields.writeField("content-type", "text/event-stream; charset=utf-8")
        fields.writeField("cache-control", "no-cache")
        // Reverse proxies of nginx's kind hold streams back unless told not to.
        fields.writeField("x-accel-buffering", "no")
    }

    /// A comment, which every client passes over.
    static func writeHeartbeat(into buffer: inout ByteBuffer) {
        SSEWriter.writeComment("keep-alive", into: &buffer)
    }

    /// An error as the last event: the SDKs raise it.
    ///
    /// No `[DONE]` follows, since nothing was done.
    static func writeError(_ error: GatewayError, requestID: RequestID, into buffer: inout ByteBuffer) {
        SSEWriter.write(data: ErrorBodies.body(of: error, dialect: .openAI, requestID: requestID), into: &buffer)
    }
}
