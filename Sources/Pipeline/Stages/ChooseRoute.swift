internal import Auth
internal import Chat
internal import Core
internal import Limits
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Providers

/// Puts the targets of a call in order and drops those that the caller's group has no credential for.
///
/// Targets whose provider has too little left for the request, or asked to be left alone, come behind the others
/// (A+.2), and behind those the ones whose credential was refused.
struct ChooseRoute: Gate {
    /// How good a target is; the lower, the sooner it is tried.
    private enum Rank: Int, CaseIterable { case good, short, rejected }

    private let instruments: Instruments
    /// Calls that each route has had, per loop; for taking turns.
    private let turns: [NIOLockedValueBox<[Int: Int]>]

    init(instruments: Instruments, loops: Int) {
        self.instruments = instruments
        self.turns = (0..<loops).map { _ in NIOLockedValueBox([:]) }
    }

    func pass(_ call: Call, _ reply: any ReplySink) throws {
        switch call.resolution {
        case .direct(let provider, let model, let isRenamed):
            guard call.credentials.canUse(provider) else { throw Self.notConfigured(call) }
            let isMissing = call.index?.model == nil
            call.target = CallTarget(
                provider: provider,
                model: model,
                modelJSON: isRenamed || isMissing ? Self.json(model) : nil,
                timeouts: provider.timeouts
            )
        case .route(let route):
            try self.choose(from: route, for: call)
        case nil:
            throw GatewayError(.internalFailure, "The call was not resolved.")
        }
    }

    private func choose(from route: Route, for call: Call) throws {
        var turn = 0
        if route.strategy == .roundRobin {
            turn = self.turns[call.loop].withLockedValue { turns in
                let turn = turns[route.index, default: 0]
                turns[route.index] = turn &+ 1
                return turn
            }
        }
        let first = route.first(chance: call.chance.low, turn: turn)
        for rank in Rank.allCases where !self.take(route, from: first, rank, for: call) { break }
        if call.target == nil { throw Self.notConfigured(call) }
    }

    /// Takes the targets of one rank.
    ///
    /// - Returns: Whether one of another rank was passed over.
    private func take(_ route: Route, from first: Int, _ rank: Rank, for call: Call) -> Bool {
        var hasSkipped = false
        for offset in 0..<route.targets.count {
            // The chosen one, then the others in their order.
            let position = offset == 0 ? first : (offset <= first ? offset - 1 : offset)
            let target = route.targets[position]
            guard call.credentials.canUse(target.provider) else { continue }
            guard self.rank(of: target.provider, target.model, route, for: call) == rank else {
                hasSkipped = true
                continue
            }
            let choice = CallTarget(
                provider: target.provider,
                model: target.model,
                modelJSON: target.modelJSON,
                timeouts: route.timeouts ?? target.provider.timeouts
            )
            if call.target == nil {
                call.target = choice
            } else if call.alternatives.count < route.retriesMax {
                call.alternatives.append(choice)
            }
        }
        return hasSkipped
    }

    private func rank(of provider: Provider, _ model: String, _ route: Route, for call: Call) -> Rank {
        let credential = call.credentials.credential(for: provider)
        if credential?.isRejected == true { return .rejected }
        guard route.targets.count > 1, self.instruments.providerLimits.isKnowing else { return .good }
        let guess = call.tokenGuess(self.instruments)
        let place = ProviderLimitBook.Place(
            provider: provider.name,
            credential: provider.needsNoCredential ? "" : credential?.id ?? "",
            model: model
        )
        let now = self.instruments.monotonicClock()
        let verdict = self.instruments.providerLimits.verdict(place, input: guess.input, output: guess.output, now: now)
        return verdict == .free ? .good : .short
    }

    private static func json(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        appendJSONString(text, into: &buffer)
        return buffer
    }

    private static func notConfigured(_ call: Call) -> GatewayError {
        var error = GatewayError(
            .notConfigured,
            "AI is not configured for this group. Please add an API key in settings."
        )
        if let url = call.snapshot.limits.settingsURL { error.details = [(key: "settingsUrl", value: url)] }
        return error
    }
}
