internal import Chat
internal import Core
internal import NIOCore
internal import Transport
internal import Wire

/// A complete answer of the gateway's own, for everything that is no call to a model.
struct Answer: Sendable {
    var status: Int
    var contentType: StaticString
    var body: ByteBuffer
    /// Further complete header lines.
    var fields = ByteBuffer()

    init(status: Int = 200, contentType: StaticString = "application/json", body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(status: Int = 200, json: JSONValue) {
        var body = ByteBuffer()
        json.write(into: &body)
        self.init(status: status, body: body)
    }

    /// A failure in a dialect.
    init(_ error: GatewayError, dialect: Dialect, requestID: RequestID) {
        self.init(
            status: ErrorBodies.status(of: error, dialect: dialect),
            body: ErrorBodies.body(of: error, dialect: dialect, requestID: requestID)
        )
        ErrorBodies.writeFields(of: error, attempts: 0, into: &self.fields)
    }

    /// Sends the answer.
    ///
    /// For HEAD the body is only measured.
    func send(on exchange: any ServerExchange, requestID: RequestID) async throws {
        self.write(on: exchange, requestID: requestID)
        try await exchange.finish()
    }

    /// Sends the answer without waiting, where the server goes down and its handler is about to be cancelled.
    func sendNow(on exchange: any ServerExchange, requestID: RequestID) {
        self.write(on: exchange, requestID: requestID)
        exchange.finishNow()
    }

    private func write(on exchange: any ServerExchange, requestID: RequestID) {
        var fields = ByteBuffer()
        fields.writeStaticString("x-request-id: ")
        requestID.write(into: &fields)
        fields.writeCRLF()
        if self.status != 204 { fields.writeField("content-type", self.contentType) }
        fields.writeImmutableBuffer(self.fields)
        let length: ResponseBody = self.status == 204 ? .none : .length(self.body.readableBytes)
        exchange.begin(status: self.status, fields: fields, body: length)
        exchange.write(self.body)
    }
}
