internal import Auth
internal import Chat
internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Providers

/// Puts the targets of a call in order and drops those that the caller's group has no credential for.
struct ChooseRoute: Gate {
    /// Calls that each route has had, per loop; for taking turns.
    private let turns: [NIOLockedValueBox<[Int: Int]>]

    init(loops: Int) {
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
        let hasSkipped = self.take(route, from: first, rejected: false, for: call)
        if hasSkipped { _ = self.take(route, from: first, rejected: true, for: call) }
        if call.target == nil { throw Self.notConfigured(call) }
    }

    /// Takes the targets whose credential the provider takes, or those whose credential it refused last, which come
    /// behind all others.
    ///
    /// - Returns: Whether one of the other kind was passed over.
    private func take(_ route: Route, from first: Int, rejected: Bool, for call: Call) -> Bool {
        var hasSkipped = false
        for offset in 0..<route.targets.count {
            // The chosen one, then the others in their order.
            let position = offset == 0 ? first : (offset <= first ? offset - 1 : offset)
            let target = route.targets[position]
            guard call.credentials.canUse(target.provider) else { continue }
            let isRejected = call.credentials.credential(for: target.provider)?.isRejected ?? false
            guard isRejected == rejected else {
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
