internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Resilience
internal import Telemetry
internal import Transport

/// Makes attempts until one is answered, or until there is nothing more to try (RELIABILITY.md A+.1).
///
/// One loop for other targets and for the same again, so that an open stream holds one frame of it. What an attempt
/// holds ends here too: its key, its permit, its place at the target, and what was set aside for it. Nothing is tried
/// again once the client has content.
struct TryTargets: Layer {
    let instruments: Instruments

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        while true {
            call.attempts += 1
            let wait: TimeAmount
            do {
                defer { call.credential = nil }
                try await next(call, reply)
                return self.finish(call)
            } catch {
                wait = try self.turn(call, reply, after: error)
            }
            if wait > .zero { try await self.pause(call, for: wait) }
        }
    }

    /// The attempt was answered.
    @inline(never)
    private func finish(_ call: Call) {
        let now = self.instruments.monotonicClock()
        call.leaveTarget(after: nil, now: now)
        self.count(call, now: now)
        let seen = call.permit?.seen
        call.returnPermit(.success, now: now)
        call.noteHealth(nil, began: call.attemptBegan ?? now, now: now, self.instruments)
        if call.tries != nil || call.hasStory { call.noteAttempt(nil, seen: seen, now: now) }
        call.settle(.whole, self.instruments)
    }

    /// Ends an attempt that failed, and sets what is tried next.
    ///
    /// - Returns: How long to wait before that.
    /// - Throws: What the client is told, where nothing more is tried.
    @inline(never)
    private func turn(_ call: Call, _ reply: any ReplySink, after error: any Error) throws -> TimeAmount {
        let now = self.instruments.monotonicClock()
        let seen = call.permit?.seen
        call.leaveTarget(after: error, now: now)
        guard let error = error as? GatewayError, !call.isHurried, error.code != .clientGone else {
            call.returnPermit(.unknown, now: now)
            call.settle(after: error, self.instruments)
            call.noteAttempt(error, seen: seen, now: now)
            throw error
        }
        let failure = AttemptFailure(error, call, hasContent: reply.hasContent || call.hasLostUpload)
        if failure.neverBegan { call.attempts -= 1 } else { self.count(call, now: now) }
        call.returnPermit(failure.outcome, now: now)
        if !failure.neverBegan { call.noteHealth(error, began: call.attemptBegan ?? now, now: now, self.instruments) }
        call.settle(after: error, self.instruments)
        return try NextTry(call, self.instruments, seen: seen, now: now).set(after: error, failure)
    }

    /// Counts an attempt for the retry budget of its provider, unless it was paid for by one.
    private func count(_ call: Call, now: NIODeadline) {
        guard let permit = call.permit, !(call.tries?.isPaid ?? false) else { return }
        permit.target.provider.noteCall(now: now)
    }

    /// Waits before the next attempt; ends early where the gateway goes down.
    @inline(never)
    private func pause(_ call: Call, for wait: TimeAmount) async throws {
        let alarm = call.transport.makeWait()
        call.pause = alarm
        defer { call.pause = nil }
        let until = self.instruments.monotonicClock() + wait
        try await alarm.wait(until: until)
        if call.isHurried {
            throw GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
        }
    }
}

extension Call {
    /// Notes an attempt that is over, for those who ask afterwards.
    @inline(never)
    func noteAttempt(_ error: (any Error)?, seen: BreakerSeen?, now: NIODeadline) {
        guard let began = self.attemptBegan else { return }
        var step = self.attemptStep(begin: began, now: now, error: error)
        step.breaker = seen
        self.note(.ended(step), at: now)
    }
}
