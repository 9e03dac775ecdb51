internal import Auth
internal import Chat
internal import Core
internal import Logging
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport

/// Turns every failure below into an answer, and leaves one record of each call, however it ended.
struct RecordCall: Layer {
    /// The status of the record of a call whose client left; no client ever sees it.
    private static let clientGoneStatus = 499

    let instruments: Instruments

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        self.instruments.metrics.begin(loop: call.loop)
        do {
            try await next(call, reply)
        } catch {
            if self.tell(error, call, reply), !reply.hasCredit { await Self.settle(call, reply) }
        }
        try self.leave(call)
    }

    /// Notes why the call failed and tells the client, if there is one left.
    ///
    /// - Returns: Whether the client was told something.
    @inline(never)
    private func tell(_ error: any Error, _ call: Call, _ reply: any ReplySink) -> Bool {
        let failure = self.understand(error, call)
        call.failure = failure
        // An answer that somebody ended by its key, or nobody came back for, has readers that are still there.
        guard failure.code != .clientGone || error is GatewayError && !Task.isCancelled else { return false }
        do {
            try reply.fail(failure)
            return true
        } catch {
            Self.noteGone(call)
            return false
        }
    }

    private static func settle(_ call: Call, _ reply: any ReplySink) async {
        do {
            try await reply.awaitCredit()
        } catch {
            Self.noteGone(call)
        }
    }

    /// The client left before it could be told; what happened to the call itself stays on record.
    private static func noteGone(_ call: Call) {
        if call.status == 0 { call.failure = GatewayError(.clientGone, "The client went away.") }
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
    private func leave(_ call: Call) throws {
        let failure = call.failure
        let loop = call.loop
        let end = self.instruments.monotonicClock()
        if call.limits.grant != nil { call.releaseLimits(self.instruments, now: end) }
        let isGone = failure?.code == .clientGone
        var record = CallRecord(
            id: call.id,
            time: call.time,
            group: call.principal?.group.text ?? "",
            keyID: call.principal?.keyID ?? "",
            operation: call.operation.label,
            modelAsked: call.agent?.asked ?? call.model,
            provider: call.target?.provider.name ?? "",
            upstreamModel: call.target?.model ?? "",
            status: isGone ? Self.clientGoneStatus : call.status,
            code: failure?.code,
            isStream: call.isStream,
            attempts: call.attempts,
            total: end - call.exchange.arrival,
            firstToken: call.firstContent.map { $0 - call.exchange.arrival },
            bytesIn: call.upload?.received ?? call.bodyLength,
            bytesOut: call.exchange.bytesSent,
            isClientGone: isGone
        )
        record.credentialID = call.credentialID
        record.variant = call.variant
        record.inputTokens = call.usage.input
        record.outputTokens = call.usage.output
        record.cachedTokens = call.usage.cachedInput
        record.reasoningTokens = call.usage.reasoning
        if call.firstAttempt != nil { record.charged = call.charged }
        self.instruments.metrics.end(record, loop: loop)
        self.instruments.log?.append(record, loop: loop)
        self.instruments.live.publish(record)
        if let calls = self.instruments.calls, calls.isKeeping { calls.add(call.kept(record), loop: loop) }
        if isGone { throw CancellationError() }
    }
}
