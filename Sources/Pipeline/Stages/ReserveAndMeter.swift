internal import Auth
internal import Chat
internal import Core
internal import Metering
internal import Providers

/// Sets aside what the attempt can cost and writes it into the journal, before its first byte goes upstream.
///
/// `TryTargets` settles it, at the latest. Waits only where `ledger.durability` is `power`.
struct ReserveAndMeter: WaitingGate {
    let instruments: Instruments

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        guard let meter = self.instruments.meter else { return true }
        try self.begin(call, meter)
        return !meter.awaitsDisk
    }

    func wait(_ call: Call, _ reply: any ReplySink) async throws {
        guard let meter = self.instruments.meter, let attempt = call.attempt else { return }
        do {
            try await meter.durable(attempt.position)
        } catch let error as JournalError {
            // Nothing has gone out yet, and nothing may before it is on the disk.
            throw GatewayError(.overloaded, "The gateway cannot write down calls fast enough.", cause: error)
        }
    }

    @inline(never)
    private func begin(_ call: Call, _ meter: Meter) throws {
        guard let target = call.target, let consumer = call.consumer, let index = call.index else {
            throw GatewayError(.internalFailure, "The call has no target.")
        }
        call.usage = TokenUsage()
        call.output = OutputCounter()
        call.upstreamStatus = 0
        let facts = call.snapshot.facts(of: target.model, at: target.provider)
        // Providers count for nothing.
        let rates = call.operation == .countTokens || call.isWithoutWork ? .free : call.rates(facts)
        var intent = AttemptIntent(
            requestID: call.id.text,
            firstAttempt: call.firstAttempt,
            number: call.attempts,
            startedAt: self.instruments.wallClock(),
            consumer: consumer,
            operation: "\(call.operation.label)",
            provider: target.provider.name,
            upstreamModel: target.model,
            isStream: call.isStream,
            inputEstimate: call.guessedInput(model: target.model, counts: meter.hasAnyBudget, self.instruments),
            outputMax: index.outputTokensMax,
            rates: rates
        )
        intent.credentialID = call.credentialID
        intent.variant = call.variant
        intent.metadata = call.metadata
        intent.idempotencyClaim = call.idempotencyClaim
        try Self.checkPrice(rates, intent, call, meter)
        var size = call.attemptSize(index, facts)
        if meter.hasAnyBudget { size.units.mayWriteLong = call.mayWriteLong }
        let startedAt = intent.startedAt
        do throws(MeterRefusal) {
            let attempt = try meter.begin(intent, size)
            call.attempt = attempt
            if call.firstAttempt == nil { call.firstAttempt = attempt.id }
        } catch {
            // It is no attempt if it may not begin.
            call.attempts -= 1
            throw GatewayError(error, now: startedAt)
        }
    }

    /// Refuses what nobody knows the price of, where that matters (row 79).
    private static func checkPrice(_ rates: Rates, _ intent: AttemptIntent, _ call: Call, _ meter: Meter) throws {
        let isUrgent = call.index?.isUrgent ?? false
        guard !rates.isPriced || isUrgent else { return }
        let isBudgeted = meter.needsPrice(intent.consumer, at: intent.startedAt)
        if rates.isPriced {
            guard isBudgeted, rates.input > 0 || rates.output > 0 else { return }
            // Providers take up to twice as much or more for it, and no list says what for which model.
            throw GatewayError(
                .modelUnpriced,
                "The price of service_tier 'priority' is not known, so a call with a hard budget cannot ask for it.",
                param: "service_tier"
            )
        }
        guard !call.snapshot.prices.admits(rates, underHardBudget: isBudgeted) else { return }
        throw GatewayError(
            .modelUnpriced,
            "Nobody knows what the model '\(intent.upstreamModel)' costs at the provider '\(intent.provider)'. "
                + "An administrator can set its price, or 'free', under 'prices' in the settings.",
            param: "model"
        )
    }
}
