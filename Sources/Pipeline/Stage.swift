package import Chat
internal import Core

/// One step on the road of a call: a `Gate`, a `WaitingGate` or a `Layer`.
///
/// Gates are called one after the other and leave nothing behind. A layer stands around all that is below it for as
/// long as the answer takes, and what it holds is held by every open stream: prefer a gate.
package protocol Stage: Sendable {}

/// A step that decides without waiting and lets the call go on.
package protocol Gate: Stage {
    /// Does this step's work, or throws a `GatewayError` that ends the call.
    func pass(_ call: Call, _ reply: any ReplySink) throws
}

/// A step that seldom has to wait before the call can go on.
package protocol WaitingGate: Stage {
    /// Does this step's work if it can be done at once.
    ///
    /// - Returns: False if `wait` must do it.
    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool

    /// Does this step's work after a `pass` that could not.
    func wait(_ call: Call, _ reply: any ReplySink) async throws
}

/// A step around everything below it.
///
/// `try await next(call, reply)` returns after the last byte of the answer, so a lease, a span or a meter is straight
/// code around one line.
package protocol Layer: Stage {
    /// Does this step's work and passes the call on, or throws a `GatewayError` that ends it.
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws
}

/// A layer that only some calls go through.
///
/// All others pass it by as if it were not there: it costs them one question, and no memory while their answer takes.
package protocol Detour: Layer {
    /// Whether the call goes through `run`.
    func concerns(_ call: Call) -> Bool
}

/// The rest of the road below a layer.
package struct Next: Sendable {
    private let road: Road
    private let index: Int

    /// The road from its first stage; the last one must be a layer that answers.
    package init(_ stages: [any Stage]) { self.init(Road(stages), from: 0) }

    private init(_ road: Road, from index: Int) {
        self.road = road
        self.index = index
    }

    /// Runs the remaining stages; returns after the last byte of the answer.
    package func callAsFunction(_ call: Call, _ reply: any ReplySink) async throws {
        var index = try self.road.pass(call, reply, from: self.index)
        while self.road.mustWait(at: index) {
            try await self.road.wait(at: index, call, reply)
            index = try self.road.pass(call, reply, from: index + 1)
        }
        try await self.road.layer(at: index).run(call, reply: reply, next: Next(self.road, from: index + 1))
    }
}

/// All stages in their order.
private final class Road: Sendable {
    // Objects, and not the stages themselves: one of several kinds would be copied out of the list for each question.
    private let steps: [any Step]

    init(_ stages: [any Stage]) {
        self.steps = stages.compactMap { stage in
            switch stage {
            case let gate as any Gate: Self.step(gate)
            case let gate as any WaitingGate: Self.step(waiting: gate)
            case let detour as any Detour: Self.step(detour: detour)
            case let layer as any Layer: LayerStep(layer: layer)
            default: nil
            }
        }
        precondition(self.steps.count == stages.count, "each of the \(stages.count) stages is a gate or a layer")
        precondition(
            stages.last is any Layer && !(stages.last is any Detour),
            "the last of the \(stages.count) stages must answer"
        )
    }

    private static func step(_ gate: some Gate) -> any Step { GateStep(gate: gate) }
    private static func step(waiting gate: some WaitingGate) -> any Step { WaitingStep(gate: gate) }
    private static func step(detour: some Detour) -> any Step { DetourStep(detour: detour) }

    /// Takes a call through the gates up to the next layer, or to the next gate that has to wait.
    ///
    /// - Returns: Where it stopped.
    @inline(never)
    func pass(_ call: Call, _ reply: any ReplySink, from start: Int) throws -> Int {
        var index = start
        while try self.steps[index].pass(call, reply) { index += 1 }
        return index
    }

    /// Whether `pass` stopped there because it has to wait.
    func mustWait(at index: Int) -> Bool { self.steps[index].isWaiting }

    @inline(never)
    func wait(at index: Int, _ call: Call, _ reply: any ReplySink) async throws {
        try await self.steps[index].wait(call, reply)
    }

    @inline(never)
    func layer(at index: Int) -> any Layer { self.steps[index].layer }
}

/// A stage at its place on the road.
private protocol Step: AnyObject, Sendable {
    /// Whether the stage is a gate that may have to wait.
    var isWaiting: Bool { get }
    /// What stands around all below; of a gate one that passes no call on.
    var layer: any Layer { get }
    /// Does what can be done at once; false if the call stops here.
    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool
    /// Does the work of a gate that stopped the call.
    func wait(_ call: Call, _ reply: any ReplySink) async throws
}

extension Step {
    fileprivate var isWaiting: Bool { false }
    fileprivate var layer: any Layer { DeadEnd() }
    fileprivate func wait(_ call: Call, _ reply: any ReplySink) async throws {}
}

private final class GateStep<Stage: Gate>: Step {
    private let gate: Stage
    init(gate: Stage) { self.gate = gate }

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool {
        try self.gate.pass(call, reply)
        return true
    }
}

private final class WaitingStep<Stage: WaitingGate>: Step {
    private let gate: Stage
    init(gate: Stage) { self.gate = gate }
    var isWaiting: Bool { true }
    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool { try self.gate.pass(call, reply) }
    func wait(_ call: Call, _ reply: any ReplySink) async throws { try await self.gate.wait(call, reply) }
}

private final class LayerStep: Step {
    let layer: any Layer
    init(layer: any Layer) { self.layer = layer }
    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool { false }
}

private final class DetourStep<Stage: Detour>: Step {
    private let detour: Stage
    let layer: any Layer

    init(detour: Stage) {
        self.detour = detour
        self.layer = detour
    }

    func pass(_ call: Call, _ reply: any ReplySink) throws -> Bool { !self.detour.concerns(call) }
}

/// Stands below the last stage, which must not pass a call on.
private struct DeadEnd: Layer {
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        throw GatewayError(.internalFailure, "The road has no end.")
    }
}
