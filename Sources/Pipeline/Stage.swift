package import Chat

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

/// The rest of the road below a layer.
package struct Next: Sendable {
    private enum Step {
        case gate(any Gate)
        case waiting(any WaitingGate)
        case layer(any Layer)
    }

    private let steps: [Step]
    private let index: Int

    /// The road from its first stage; the last one must be a layer that answers.
    package init(_ stages: [any Stage]) {
        self.steps = stages.compactMap { stage in
            switch stage {
            case let gate as any Gate: .gate(gate)
            case let gate as any WaitingGate: .waiting(gate)
            case let layer as any Layer: .layer(layer)
            default: nil
            }
        }
        precondition(self.steps.count == stages.count, "each of the \(stages.count) stages is a gate or a layer")
        self.index = 0
    }

    private init(_ steps: [Step], from index: Int) {
        self.steps = steps
        self.index = index
    }

    /// Runs the remaining stages; returns after the last byte of the answer.
    package func callAsFunction(_ call: Call, _ reply: any ReplySink) async throws {
        var index = self.index
        while true {
            precondition(index < self.steps.count, "the last stage must answer, not pass on")
            let step = self.steps[index]
            index += 1
            switch step {
            case .gate(let gate):
                try gate.pass(call, reply)
            case .waiting(let gate):
                if try !gate.pass(call, reply) { try await gate.wait(call, reply) }
            case .layer(let layer):
                return try await layer.run(call, reply: reply, next: Next(self.steps, from: index))
            }
        }
    }
}
