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
    private enum Step {
        case gate(any Gate)
        case waiting(any WaitingGate)
        case layer(any Layer)
        case detour(any Detour)
    }

    private let steps: [Step]

    init(_ stages: [any Stage]) {
        self.steps = stages.compactMap { stage in
            switch stage {
            case let gate as any Gate: .gate(gate)
            case let gate as any WaitingGate: .waiting(gate)
            case let detour as any Detour: .detour(detour)
            case let layer as any Layer: .layer(layer)
            default: nil
            }
        }
        precondition(self.steps.count == stages.count, "each of the \(stages.count) stages is a gate or a layer")
        precondition(
            stages.last is any Layer && !(stages.last is any Detour),
            "the last of the \(stages.count) stages must answer"
        )
    }

    /// Takes a call through the gates up to the next layer, or to the next gate that has to wait.
    ///
    /// - Returns: Where it stopped.
    @inline(never)
    func pass(_ call: Call, _ reply: any ReplySink, from start: Int) throws -> Int {
        var index = start
        while true {
            switch self.steps[index] {
            case .gate(let gate): try gate.pass(call, reply)
            case .waiting(let gate): if try !gate.pass(call, reply) { return index }
            case .layer: return index
            case .detour(let detour): if detour.concerns(call) { return index }
            }
            index += 1
        }
    }

    /// Whether `pass` stopped there because it has to wait.
    func mustWait(at index: Int) -> Bool {
        if case .waiting = self.steps[index] { true } else { false }
    }

    @inline(never)
    func wait(at index: Int, _ call: Call, _ reply: any ReplySink) async throws {
        if case .waiting(let gate) = self.steps[index] { try await gate.wait(call, reply) }
    }

    @inline(never)
    func layer(at index: Int) -> any Layer {
        switch self.steps[index] {
        case .layer(let layer): layer
        case .detour(let detour): detour
        case .gate, .waiting: DeadEnd()
        }
    }
}

/// Stands below the last stage, which must not pass a call on.
private struct DeadEnd: Layer {
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        throw GatewayError(.internalFailure, "The road has no end.")
    }
}
