package import Chat

/// One step on the road of a call: a policy around everything below it.
///
/// `try await next(call, reply)` returns after the last byte of the answer, so a lease, a span or a meter is straight
/// code around one line.
package protocol Stage: Sendable {
    /// Does this step's work and passes the call on, or throws a `GatewayError` that ends it.
    func run(_ call: Call, reply: any ReplySink, next: Next) async throws
}

/// The rest of the road below a stage.
package struct Next: Sendable {
    private let stages: [any Stage]
    private let index: Int

    /// The road from its first stage.
    package init(_ stages: [any Stage]) {
        self.stages = stages
        self.index = 0
    }

    private init(_ stages: [any Stage], from index: Int) {
        self.stages = stages
        self.index = index
    }

    /// Runs the remaining stages; returns after the last byte of the answer.
    package func callAsFunction(_ call: Call, _ reply: any ReplySink) async throws {
        precondition(self.index < self.stages.count, "the last stage must answer, not pass on")
        try await self.stages[self.index].run(call, reply: reply, next: Next(self.stages, from: self.index + 1))
    }
}
