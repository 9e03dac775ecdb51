internal import Auth
internal import Chat
internal import Core
internal import Limits
internal import Logging
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Transport

/// Lets a call in as far as the rules of `limits:` allow; where they let wait, it waits here for its turn.
///
/// What it holds is given back by `RecordCall`, which is there however the call ends: nothing of this stage stands in
/// the frame of a stream.
struct AdmitWithinLimits: WaitingGate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        guard self.instruments.limits.isActive else { return true }
        return try self.ask(call)
    }

    @inline(never)
    private func ask(_ call: Call) throws -> Bool {
        guard let consumer = call.consumer else {
            throw GatewayError(.internalFailure, "The call has no principal.")
        }
        let limits = self.instruments.limits
        let request = LimitRequest(
            consumer: consumer,
            tokens: limits.countsTokens ? call.tokenGuess(self.instruments).sum : 0,
            deadline: Self.deadline(of: call)
        )
        switch limits.admit(request, now: self.instruments.monotonicClock()) {
        case .free:
            return true
        case .admitted(let grant, let standing):
            Self.enter(call, grant, standing)
            return true
        case .queued(let ticket):
            call.limits.ticket = ticket
            return false
        case .refused(let refusal):
            throw self.refused(refusal, call)
        }
    }

    func wait(_ call: Call, _ reply: any ReplySink) async throws {
        guard let ticket = call.limits.ticket else { return }
        call.limits.ticket = nil
        let wait = call.transport.makeWait()
        do {
            while let until = try self.look(ticket, call, wait) { try await wait.wait(until: until) }
        } catch {
            // The client left, or the gateway goes down; does nothing where the ticket is used up.
            self.instruments.limits.cancel(ticket, now: self.instruments.monotonicClock())
            throw error
        }
    }

    /// Looks how it stands with a call that waits.
    ///
    /// - Returns: Until when to wait on; nil if it is let in.
    @inline(never)
    private func look(_ ticket: LimitTicket, _ call: Call, _ wait: any LoopWait) throws -> NIODeadline? {
        let now = self.instruments.monotonicClock()
        switch self.instruments.limits.poll(ticket, now: now, wake: { wait.wake() }) {
        case .waiting(let until):
            return until
        case .admitted(let grant, let standing, let waited):
            Self.enter(call, grant, standing)
            self.instruments.metrics.queued(for: waited, loop: call.loop)
            call.note(.waited(waited, .limits), at: now)
            return nil
        case .refused(let refusal, let waited):
            self.instruments.metrics.queued(for: waited, loop: call.loop)
            call.note(.waited(waited, .limits), at: now)
            throw self.refused(refusal, call)
        }
    }

    private static func enter(_ call: Call, _ grant: LimitGrant, _ standing: LimitStanding) {
        call.limits.grant = grant
        call.limits.standing = standing
    }

    /// When waiting has no more sense: the call's own time, or the longest that what serves it may take.
    private static func deadline(of call: Call) -> NIODeadline {
        var total: TimeAmount
        switch call.resolution {
        case .direct(let provider, _, _): total = provider.timeouts.total
        case .route(let route): total = route.totalMax
        case nil: total = Timeouts().total
        }
        if let own = call.timeout, own < total { total = own }
        return call.exchange.arrival + total
    }

    // MARK: - Refusing

    /// The refusal as an error, counted, and logged once a second for each rule.
    private func refused(_ refusal: LimitRefusal, _ call: Call) -> GatewayError {
        call.limits.standing = refusal.standing
        call.note(.limited(by: refusal.rule, retryAfter: refusal.wait))
        self.instruments.metrics.refusedByLimit(refusal.reason.rawValue, loop: call.loop)
        if refusal.unlogged > 0 {
            self.instruments.logger.info(
                "A limit refuses calls",
                metadata: [
                    LogKeys.requestID: "\(call.id.text)", LogKeys.limit: "\(refusal.rule)",
                    LogKeys.errorReason: "\(refusal.reason.rawValue)", LogKeys.count: "\(refusal.unlogged)",
                    LogKeys.group: "\(call.principal?.group.text ?? "")",
                    LogKeys.keyID: "\(call.principal?.keyID ?? "")",
                ]
            )
        }
        return GatewayError(refusal)
    }
}

extension GatewayError {
    /// What a client learns of a limit: its name, what ran out, and when to come back.
    init(_ refusal: LimitRefusal) {
        let wait = refusal.wait.map { max(.milliseconds(1), $0) }
        self.init(
            .rateLimited,
            Self.text(of: refusal, wait),
            retryAfter: wait.map { .milliseconds(($0.nanoseconds + 999_999) / 1_000_000) }
        )
        self.details = [
            (key: "limit", value: refusal.rule),
            (key: "reason", value: refusal.reason.rawValue),
            (key: "allowed", value: "\(refusal.limit)"),
        ]
        if refusal.reason == .tokens { self.details.append((key: "needed", value: "\(refusal.needed)")) }
    }

    private static func text(of refusal: LimitRefusal, _ wait: TimeAmount?) -> String {
        let name = "The limit '\(refusal.rule)'"
        guard let wait else {
            return "\(name) allows \(refusal.limit) tokens a minute; this request needs about \(refusal.needed), so it "
                + "can never pass. Ask for a shorter answer (max_tokens) or send less."
        }
        let later = "Try again in \(Self.seconds(wait)) s."
        switch refusal.reason {
        case .requests:
            return "\(name) is reached: \(refusal.limit) requests a minute. \(later)"
        case .tokens:
            return "\(name) is reached: \(refusal.limit) tokens a minute, and this request needs about "
                + "\(refusal.needed). \(later)"
        case .concurrency:
            return "\(name) is reached: \(refusal.limit) calls at a time. \(later)"
        case .queueFull:
            return "\(name) is reached, and \(refusal.limit) calls wait already. \(later)"
        case .deadline:
            return "\(name) is reached; its turn would come in about \(Self.seconds(wait)) s, and this call can wait "
                + "\(Self.seconds(refusal.patience)) s."
        }
    }

    /// With one decimal, rounded up.
    private static func seconds(_ time: TimeAmount) -> String {
        let tenths = (max(0, time.nanoseconds) + 99_999_999) / 100_000_000
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
