internal import Auth
internal import Core
internal import NIOCore
internal import Operations
internal import Pipeline
internal import Transport
internal import Wire

extension Gateway {
    /// Sends an export of usage piece by piece, as fast as the client takes it: a million rows need no more memory
    /// than a thousand.
    ///
    /// - Returns: False if it is no export that is asked for; then nothing was sent.
    /// - Throws: `GatewayError` before anything was sent. Where something fails later, the connection ends in the
    ///   middle of the answer, so that nobody takes half an export for a whole one.
    func exportUsage(
        _ found: AdminAPI.Found,
        _ api: AdminAPI,
        by actor: Actor,
        on exchange: any ServerExchange,
        _ id: RequestID
    ) async throws -> Bool {
        let request = try UsageRequest(
            AdminQuery.read(found.query, found.action.query),
            now: self.instruments.wallClock(),
            acceptsCSV: Self.acceptsCSV(exchange)
        )
        guard let format = request.format else { return false }
        func piece(after cursor: String?) async throws(GatewayError) -> Administration.UsagePiece {
            try await api.administration.usagePiece(
                request.query,
                by: request.dimensions,
                as: format,
                after: cursor,
                for: actor
            )
        }
        var next = try await piece(after: nil)
        exchange.begin(status: 200, fields: Self.exportFields(format, id), body: .stream)
        while true {
            exchange.write(next.bytes)
            try await exchange.flush()
            guard let cursor = next.next else { break }
            do {
                next = try await piece(after: cursor)
            } catch {
                exchange.closeAfterwards()
                throw CancellationError()
            }
        }
        try await exchange.finish()
        return true
    }

    private static func acceptsCSV(_ exchange: any ServerExchange) -> Bool {
        guard let field = exchange.head.first(.accept) else { return false }
        return exchange.headBytes.hasPrefix("text/csv", in: field.value)
    }

    private static func exportFields(_ format: Administration.UsageFormat, _ id: RequestID) -> ByteBuffer {
        var fields = ByteBuffer()
        fields.writeStaticString("x-request-id: ")
        id.write(into: &fields)
        fields.writeCRLF()
        switch format {
        case .csv:
            fields.writeField("content-type", "text/csv; charset=utf-8; header=present")
            fields.writeField("content-disposition", "attachment; filename=\"usage.csv\"")
        case .ndjson: fields.writeField("content-type", "application/x-ndjson")
        }
        fields.writeField("cache-control", "no-store")
        return fields
    }
}
