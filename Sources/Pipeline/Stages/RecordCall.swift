internal import Auth
internal import Chat
internal import Core
internal import Logging
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport

/// Turns every failure below into an answer, and leaves one record of each call, however it ended.
struct RecordCall: Stage {
    /// The status of the record of a call whose client left; no client ever sees it.
    private static let clientGoneStatus = 499

    let instruments: Instruments

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        let loop = call.loop
        self.instruments.metrics.begin(loop: loop)
        var failure: GatewayError?
        do {
            try await next(call, reply)
        } catch {
            failure = self.understand(error, call)
        }
        if let error = failure, error.code != .clientGone {
            do {
                try await reply.fail(error)
            } catch {
                // The client left before it could be told; what happened to the call itself stays on record.
                if call.status == 0 { failure = GatewayError(.clientGone, "The client went away.") }
            }
        }
        self.leave(call, failure: failure, loop: loop)
        if failure?.code == .clientGone { throw CancellationError() }
    }

    private func understand(_ error: any Error, _ call: Call) -> GatewayError {
        if call.isHurried {
            return GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
        }
        if let error = error as? GatewayError { return error }
        if error is CancellationError { return GatewayError(.clientGone, "The client went away.") }
        self.instruments.logger.error(
            "A call failed inside the gateway",
            metadata: [LogKeys.requestID: "\(call.id.text)", LogKeys.errorKind: "\(type(of: error))"]
        )
        return GatewayError(.internalFailure, "Something went wrong inside the gateway.", cause: error)
    }

    // Not inlined: its record would stand in the frame of every waiting call.
    @inline(never)
    private func leave(_ call: Call, failure: GatewayError?, loop: Int) {
        let end = self.instruments.monotonicClock()
        let isGone = failure?.code == .clientGone
        var record = CallRecord(
            id: call.id,
            time: call.time,
            group: call.principal?.group.text ?? "",
            keyID: call.principal?.keyID ?? "",
            operation: call.operation.label,
            modelAsked: call.model,
            provider: call.target?.provider.name ?? "",
            upstreamModel: call.target?.model ?? "",
            status: isGone ? Self.clientGoneStatus : call.status,
            code: failure?.code,
            isStream: call.isStream,
            attempts: call.attempts,
            total: end - call.exchange.arrival,
            firstToken: call.firstContent.map { $0 - call.exchange.arrival },
            bytesIn: call.bodyLength,
            bytesOut: call.exchange.bytesSent,
            isClientGone: isGone
        )
        record.inputTokens = call.usage.input
        record.outputTokens = call.usage.output
        record.cachedTokens = call.usage.cachedInput
        record.reasoningTokens = call.usage.reasoning
        self.instruments.metrics.end(record, loop: loop)
        self.instruments.log?.append(record, loop: loop)
        self.instruments.live.publish(record)
    }
}
