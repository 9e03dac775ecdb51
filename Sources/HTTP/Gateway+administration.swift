internal import Auth
internal import Core
internal import Logging
internal import NIOCore
internal import Operations
internal import Pipeline
internal import Telemetry
internal import Transport
internal import Wire

extension Gateway {
    /// Answers a request to the administrative API, whose caller is known by now.
    ///
    /// - Returns: Nil if the answer has been sent already, piece by piece.
    func administer(
        _ row: RouteRow,
        _ parameters: PathParameters,
        for principal: Principal,
        on exchange: any ServerExchange,
        _ id: RequestID
    ) async throws -> Answer? {
        guard case .admin(let action) = row.action, case .admin(let minimum) = row.policy else {
            throw GatewayError(.internalFailure, "A route of the API has no policy of the API.")
        }
        guard let api = self.options.admin else {
            throw GatewayError(.notImplemented, "This gateway has no store to administer.")
        }
        let head = exchange.head
        let found = try exchange.headBytes.withUnsafeReadableBytes { bytes in
            let target = UnsafeRawBufferPointer(rebasing: bytes[head.targetRange.range])
            return try AdminAPI.found(row, action, minimum, parameters, target)
        }
        let body = try await JSONBody.read(exchange, limit: AdminAPI.bodyBytesMax)
        let actor = Actor(principal, requestID: id.text)
        if action == .usage, try await self.exportUsage(found, api, by: actor, on: exchange, id) { return nil }
        let answer: AdminAnswer
        do throws(GatewayError) {
            answer = try await api.answer(found, body: body, by: actor)
        } catch {
            self.log(error, action, id)
            throw error
        }
        if action == .deleteSession, let session = found.path["session"] { self.sessions?.end(session) }
        return Self.answer(answer)
    }

    private static func answer(_ answer: AdminAnswer) -> Answer {
        var result =
            answer.json.map { Answer(status: answer.status, json: $0) }
            ?? Answer(status: answer.status, body: answer.bytes ?? ByteBuffer())
        // Answers hold what only this caller may see, a new key's secret among it.
        result.fields.writeField("cache-control", "no-store")
        // Texts of people and models are in it, which are never to be taken for a page (row 106).
        result.fields.writeField("x-content-type-options", "nosniff")
        if let location = answer.location {
            result.fields.writeStaticString("location: ")
            result.fields.writeString(location)
            result.fields.writeCRLF()
        }
        return result
    }

    /// What an operator should see: the caller is told no reason for these.
    private func log(_ error: GatewayError, _ action: AdminAction, _ id: RequestID) {
        switch error.code {
        case .internalFailure, .auditUnavailable, .storeUnavailable, .credentialUnreadable:
            self.instruments.logger.error(
                "an administrative action failed",
                metadata: [
                    LogKeys.action: "\(action.rawValue)",
                    LogKeys.requestID: "\(id.text)",
                    LogKeys.errorCode: "\(error.code.rawValue)",
                    LogKeys.errorReason: "\(error.cause.map { "\($0)" } ?? error.message)",
                ]
            )
        default:
            break
        }
    }
}
