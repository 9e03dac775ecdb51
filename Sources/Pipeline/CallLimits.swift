internal import Chat
internal import Core
package import Limits
internal import Metering
internal import NIOCore
internal import Providers
internal import Transport
internal import Wire

/// What a call knows of the limits it is under.
package struct CallLimits {
    /// What it holds, until it is over.
    package var grant: LimitGrant?
    /// Its place among those that wait.
    package var ticket: LimitTicket?
    /// What is left, for the fields of its answer; nil if no rule is about it.
    package var standing: LimitStanding?
    /// What it will probably use, once somebody asked.
    var guess: TokenGuess?

    package init() {}
}

/// What a call will probably use.
struct TokenGuess: Sendable, Equatable {
    /// What an answer is thought to have where the request sets no limit.
    static let usualOutput = 512

    var input: Int
    var output: Int

    /// Both together.
    var sum: Int {
        let (sum, overflow) = self.input.addingReportingOverflow(self.output)
        return overflow ? .max : sum
    }
}

extension Call {
    /// What the call will probably use; worked out once.
    func tokenGuess(_ instruments: Instruments) -> TokenGuess {
        if let guess = self.limits.guess { return guess }
        let model =
            switch self.resolution {
            case .direct(_, let model, _): model
            case .route(let route): route.targets.first?.model ?? self.model
            case nil: self.model
            }
        let output = self.operation == .chat ? self.index?.outputTokensMax ?? TokenGuess.usualOutput : 0
        let guess = TokenGuess(
            input: self.guessedInput(model: model, counts: true, instruments),
            output: output * (self.index?.choices ?? 1)
        )
        self.limits.guess = guess
        return guess
    }

    /// Gives back what the call holds of the limits, once it is over however it ended; the second time does nothing.
    ///
    /// Tokens are counted as the provider did, and where it said nothing as they were guessed: none for a call that
    /// failed before any of its answer came (A+.3).
    @inline(never)
    func releaseLimits(_ instruments: Instruments, now: NIODeadline) {
        guard let grant = self.limits.grant else { return }
        self.limits.grant = nil
        instruments.limits.release(grant, tokens: self.tokensUsed(instruments), now: now)
    }

    /// Nil where the guess is all there is.
    private func tokensUsed(_ instruments: Instruments) -> Int? {
        let usage = self.usage
        if usage.input == nil, usage.output == nil {
            if self.failure != nil, self.firstContent == nil { return 0 }
            guard self.firstContent != nil, let guess = self.limits.guess else { return nil }
            return TokenGuess(input: guess.input, output: self.countedOutput(instruments)).sum
        }
        let input = usage.input ?? self.limits.guess?.input ?? 0
        return TokenGuess(input: input, output: usage.output ?? self.countedOutput(instruments)).sum
    }

    private func countedOutput(_ instruments: Instruments) -> Int {
        instruments.estimator.outputTokens(of: self.output.measure, model: self.target?.model ?? self.model)
    }

    // MARK: - The provider's own limits

    /// Notes what the head of a provider's answer says of the provider's limits.
    @inline(never)
    func noteProviderLimits(_ upstream: any UpstreamExchange, _ instruments: Instruments) {
        var found = ProviderLimits()
        let head = upstream.head
        upstream.headBytes.withUnsafeReadableBytes { bytes in
            for field in head.fields where field.name == .other {
                let first = bytes[field.nameRange.lowerBound] | 0x20
                guard first == UInt8(ascii: "x") || first == UInt8(ascii: "a") else { continue }
                found.note(name: bytes[field.nameRange], value: bytes[field.value], now: self.time)
            }
        }
        guard !found.isEmpty, let place = self.limitPlace else { return }
        instruments.providerLimits.note(found, at: place, now: instruments.monotonicClock())
    }

    /// Leaves the target alone for as long as the provider asked, where it answered that there was too much.
    @inline(never)
    func coolProvider(for wait: Duration?, _ instruments: Instruments) {
        guard let wait, let place = self.limitPlace else { return }
        let (seconds, attoseconds) = wait.components
        let capped = min(max(seconds, 0), 3600) * 1_000_000_000 + attoseconds / 1_000_000_000
        let now = instruments.monotonicClock()
        instruments.providerLimits.cool(place, for: .nanoseconds(capped), now: now)
        self.permit?.target.cool(for: .nanoseconds(capped), now: now)
    }

    private var limitPlace: ProviderLimitBook.Place? {
        self.target.map {
            ProviderLimitBook.Place(provider: $0.provider.name, credential: self.credentialID, model: $0.model)
        }
    }
}
