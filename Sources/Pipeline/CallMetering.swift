internal import Chat
internal import Core
internal import Glibc
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport

/// What a call's stages do about the attempt that is in the journal.
///
/// All of it does nothing where no attempt is open, so that an attempt is settled once, by whoever comes first.
extension Call {
    /// Settles an attempt that failed.
    @inline(never)
    func settle(after error: any Error, _ instruments: Instruments) {
        guard self.attempt != nil else { return }
        var ending = self.ending(after: error)
        // A refusal inside a stream came too late to mean that nothing was used.
        if ending == .refused, self.firstContent != nil { ending = .providerFailed }
        let code = (error as? GatewayError)?.code.rawValue.lowercased() ?? Self.clientGone
        self.settle(ending, code: code, instruments)
    }

    private static var clientGone: String { "client_gone" }

    /// Settles the attempt under way: its figures go into the journal, what was set aside for it is free again.
    @inline(never)
    func settle(_ ending: AttemptFindings.Ending, code: String = "", _ instruments: Instruments) {
        // Before anything is settled: of attempts side by side one answers.
        var (ending, code) = self.lane?.ending(ending, code: code) ?? (ending, code)
        guard let attempt = self.attempt, let meter = instruments.meter else { return }
        // Refused is the last request of several; the others are to be paid for.
        if ending == .refused, self.translation?.hasAnsweredPart == true { ending = .providerFailed }
        self.attempt = nil
        // It came to its end for nobody: the client is charged as one that left, by the provider's last word.
        let isDrained = ending == .whole && self.drain?.hasLeft ?? false
        let firstContent = self.firstContent.map { ($0 - self.exchange.arrival).nanoseconds / 1_000_000 }
        var findings = AttemptFindings(
            ending: isDrained ? .left : ending,
            hasContent: self.firstContent != nil,
            usage: self.usage,
            outputCounted: self.countOutput(attempt, instruments),
            endedAt: instruments.wallClock(),
            upstreamStatus: self.upstreamStatus,
            code: isDrained ? Self.clientGone : code,
            firstContentMilliseconds: firstContent.map { Int($0) }
        )
        findings.isUsageFinal = isDrained
        findings.units = self.unitsSeen
        if self.usage.input == nil, self.prompt == nil, self.body.readableBytes > 0 {
            let (prompt, model) = (self.measuredPrompt(), attempt.intent.upstreamModel)
            findings.inputEstimate = instruments.estimator.inputTokens(of: prompt, model: model)
        }
        let end = meter.end(attempt, findings)
        self.charged += end.charged
        self.spent += end.cost
        if end.source == .provider, !attempt.intent.rates.isByUnits {
            self.learn(from: end, attempt, instruments)
        } else if ending == .whole {
            instruments.estimator.noteMissing(model: attempt.intent.upstreamModel)
        }
    }

    /// What the request asks the model to read; measured once, as long as its body is there.
    func measuredPrompt() -> PromptMeasure {
        if let prompt = self.prompt { return prompt }
        let prompt = PromptMeasure(self.body)
        self.prompt = prompt
        return prompt
    }

    /// The tokens that the request is thought to have: by its length where that serves, else by its text.
    ///
    /// - Parameter counts: Whether something is allowed or refused by it, so that pictures and files must be seen.
    func guessedInput(model: String, counts: Bool, _ instruments: Instruments) -> Int {
        if !self.isSample, self.prompt == nil, !counts || self.isPlainChat,
            let guess = instruments.estimator.inputTokens(ofBytes: self.bodyLength, model: model)
        {
            return guess
        }
        return instruments.estimator.inputTokens(of: self.measuredPrompt(), model: model)
    }

    /// Whether the request is certainly a conversation in texts alone.
    ///
    /// Its list of messages is the only list in it, so there are no parts with pictures, sound or files, and no tools.
    private var isPlainChat: Bool {
        guard self.operation == .chat else { return false }
        return self.body.withUnsafeReadableBytes { bytes in
            let bracket = Int32(UInt8(ascii: "["))
            guard let base = bytes.baseAddress, let first = memchr(base, bracket, bytes.count) else { return true }
            let rest = base + bytes.count - UnsafeRawPointer(first) - 1
            return memchr(first + 1, bracket, rest) == nil
        }
    }

    /// Tokens of the answer, by the gateway's own guess.
    private func countOutput(_ attempt: OpenAttempt, _ instruments: Instruments) -> Int {
        instruments.estimator.outputTokens(of: self.output.measure, model: attempt.intent.upstreamModel)
    }

    /// Lets the estimator compare its guesses with what the provider says.
    private func learn(from end: AttemptEnd, _ attempt: OpenAttempt, _ instruments: Instruments) {
        let model = attempt.intent.upstreamModel
        if let input = end.usage.input {
            // What was not measured had a guess by its length that serves; a sample of those keeps it true.
            if self.isSample || self.prompt != nil {
                instruments.estimator.learn(bytes: self.bodyLength, reported: input, model: model)
            }
            if self.isSample, let prompt = self.prompt {
                instruments.estimator.learn(input: prompt, reported: input, model: model)
            }
        }
        let reasoning = end.usage.reasoning ?? 0
        if self.isSample, let output = end.usage.output, output > reasoning, !self.output.measure.isEmpty {
            instruments.estimator.learn(output: self.output.measure, reported: output - reasoning, model: model)
        }
    }

    /// Notes how far a long answer has come, now and then, and ends it where a budget is used up.
    ///
    /// - Throws: `GatewayError` with `BUDGET_EXCEEDED` once more of the answer has come than is paid for, and nothing
    ///   more can be set aside.
    func checkpoint(_ instruments: Instruments) throws {
        guard self.firstContent != nil, let meter = instruments.meter, let attempt = self.attempt else { return }
        let isDue = self.checkpoints.isDue(now: instruments.monotonicClock())
        // Only an answer that somebody paid for in advance is counted at every turn.
        guard isDue || attempt.outputPaid != nil else { return }
        let counted = self.countOutput(attempt, instruments)
        guard isDue || attempt.isOutgrown(by: counted) else { return }
        var usage = self.usage
        // Not on the answer's own word, and so not for budgets: for the ledger, if this is all that is left of it.
        self.unitsSeen.complete(&usage, attempt.intent.rates)
        let mayGoOn = meter.note(AttemptCheckpoint(usage: usage, outputCounted: counted), of: attempt)
        if !mayGoOn {
            throw GatewayError(.budgetExceeded, "The answer ends here: the budget of this call is used up.")
        }
    }

    /// Notes what the answered requests of an attempt that takes several have used, so that a crash does not lose it.
    ///
    /// Nothing where the provider does not say: a guess would be one of all of them.
    func noteParts(_ instruments: Instruments) {
        guard let meter = instruments.meter, let attempt = self.attempt, !self.usage.isEmpty else { return }
        _ = meter.note(AttemptCheckpoint(usage: self.usage, outputCounted: 0), of: attempt)
    }

    private func ending(after error: any Error) -> AttemptFindings.Ending {
        if self.isHurried { return .left }
        guard let failure = error as? GatewayError else { return error is CancellationError ? .left : .providerFailed }
        switch failure.code {
        case .clientGone, .shuttingDown: return .left
        // Before there is anything to cut, nothing has gone out.
        case .budgetExceeded: return self.firstContent == nil ? .refused : .cut
        case .credentialRejected, .credentialUnreadable, .modelNotFound, .providerRefused, .providerRateLimited:
            return .refused
        default:
            return (failure.cause as? TransportError)?.didSend == false ? .refused : .providerFailed
        }
    }
}

/// When the next checkpoint of an answer is due.
struct CheckpointPace {
    /// What a crash may lose of an answer's count, at most (A+.4).
    static let interval = TimeAmount.seconds(2)

    private var last: NIODeadline?

    /// Whether one is due now; it is taken then.
    ///
    /// The first is due with the first content, so that a crash right behind it is known to have cut something off.
    mutating func isDue(now: NIODeadline) -> Bool {
        if let last = self.last, now - last < Self.interval { return false }
        self.last = now
        return true
    }
}

extension GatewayError {
    /// What a client learns of a call that cannot be accounted for.
    init(_ refusal: MeterRefusal, now: UnixTime) {
        switch refusal {
        case .budget(let refusal):
            self.init(refusal, now: now)
        case .storageFull:
            self.init(.storageFull, "There is no room to write down what the call uses. Try again later.")
        }
    }

    private init(_ refusal: BudgetRefusal, now: UnixTime) {
        let rule = refusal.rule
        let renewal = refusal.renewsAt.map(\.rfc3339)
        // A quota of requests or tokens is a limit, a budget of money is a budget.
        self.init(rule.unit == .money ? .budgetExceeded : .rateLimited, Self.words(of: refusal, renewal: renewal))
        if refusal.spent < rule.limit, refusal.reserved > 0 {
            // What calls under way do not use is free again as soon as they end.
            self.retryAfter = .seconds(1)
        } else if rule.unit != .money, let renewsAt = refusal.renewsAt {
            self.retryAfter = .milliseconds(max(0, renewsAt.milliseconds - now.milliseconds))
        }
        self.details = [
            (key: "budget", value: rule.name),
            (key: "limit", value: rule.text(of: rule.limit)),
            (key: "spent", value: rule.text(of: refusal.spent)),
            (key: "reserved", value: rule.text(of: refusal.reserved)),
            (key: "needed", value: rule.text(of: refusal.needed)),
        ]
        if let renewal { self.details.append((key: "renewsAt", value: renewal)) }
    }

    private static func words(of refusal: BudgetRefusal, renewal: String?) -> String {
        let rule = refusal.rule
        let window = rule.window == .total ? "" : " of this \(rule.window.rawValue)"
        let what =
            rule.unit == .money
            ? "The budget '\(rule.name)'\(window)" : "The limit '\(rule.name)' of \(rule.text(of: rule.limit))\(window)"
        let renews = renewal.map { "; it renews at \($0)" } ?? ""
        if refusal.left == 0 { return "\(what) is used up\(renews)." }
        let (needed, left) = (rule.text(of: refusal.needed), rule.text(of: refusal.left))
        return "\(what) does not cover this call, which can come to \(needed): \(left) is left\(renews)."
    }
}
