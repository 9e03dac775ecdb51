internal import Auth
internal import Chat
internal import Core
internal import Limits
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Wire

/// Puts the targets of a call in order and drops those that the caller's group has no credential for.
///
/// First comes what the route's strategy says, or where the user or session was before. What can probably not serve
/// the call now comes behind all that can: see `Fitness`.
struct ChooseRoute: Gate {
    private let instruments: Instruments

    init(instruments: Instruments) { self.instruments = instruments }

    func pass(_ call: Call, _ reply: any ReplySink) throws {
        switch call.resolution {
        case .direct(let provider, let model, let isRenamed):
            guard call.canUse(provider) else { throw Self.notConfigured(call) }
            call.retriesMax = call.operation == .passThrough ? 0 : provider.retriesMax
            let isMissing = call.index?.model == nil
            call.target = CallTarget(
                provider: provider,
                model: model,
                modelJSON: isRenamed || isMissing ? Self.json(model) : nil,
                timeouts: provider.timeouts
            )
        case .route(let route):
            let plan = call.snapshot.plan(of: route)
            try self.choose(by: plan.variants.isEmpty ? plan : Self.side(of: plan, for: call), for: call)
        case nil:
            throw GatewayError(.internalFailure, "The call was not resolved.")
        }
    }

    private func choose(by plan: RoutePlan, for call: Call) throws {
        call.retriesMax = plan.route.retriesMax
        if plan.targets.count == 1 {
            guard call.canUse(plan.targets[0].provider) else { throw Self.notConfigured(call) }
            call.target = plan.targets[0]
            return
        }
        let order = TargetRanking(plan, call, self.instruments).order()
        guard order.count > 0 else { throw Self.notConfigured(call) }
        call.target = plan.targets[order[0]]
        call.alternatives = TargetQueue(plan, behindFirstOf: order)
    }

    // MARK: - Experiments

    /// The side of an experiment that a call is on, and the plan that serves it.
    ///
    /// Sides that the caller's group has no credential for are not there for it.
    @inline(never)
    private static func side(of plan: RoutePlan, for call: Call) -> RoutePlan {
        let subject = plan.route.split?.stickiness.flatMap { call.subject(by: $0) }
        // The alias goes into it, so that who is early in one experiment is not so in all.
        let word = Rendezvous.mix(subject?.word ?? call.chance.low) ^ plan.identity
        var chosen: RoutePlan.Variant?
        var best = Double.infinity
        for variant in plan.variants {
            let draw = Rendezvous.draw(word, variant.identity, weight: variant.weight)
            guard draw < best, (variant.plan ?? plan).canServe(call) else { continue }
            best = draw
            chosen = variant
        }
        guard let chosen else { return plan }
        chosen.calls.next()
        call.variant = chosen.name
        // Its letters were checked with the settings.
        try? call.extraFields.writeField("x-turnpike-variant", chosen.name.utf8)
        call.note(.variant(experiment: plan.route.name, name: chosen.name, isSticky: subject != nil))
        return chosen.plan ?? plan
    }

    private static func json(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        appendJSONString(text, into: &buffer)
        return buffer
    }

    private static func notConfigured(_ call: Call) -> GatewayError {
        if let error = call.missingOperation { return error }
        var error = GatewayError(
            .notConfigured,
            "AI is not configured for this group. Please add an API key in settings."
        )
        if let url = call.snapshot.limits.settingsURL { error.details = [(key: "settingsUrl", value: url)] }
        return error
    }
}

extension RoutePlan {
    /// Whether the caller's group has what one of the route's own targets needs.
    fileprivate func canServe(_ call: Call) -> Bool {
        self.targets[..<self.ownCount].contains { call.canUse($0.provider) }
    }
}
