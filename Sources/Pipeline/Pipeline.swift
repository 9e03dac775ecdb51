package import Chat

/// The road of a call, read from top to bottom; answers travel back up the same list.
package struct Pipeline: Sendable {
    private let road: Next

    package init(instruments: Instruments, loops: Int) {
        self.road = Next([
            RecordCall(instruments: instruments),  // Outermost: whatever happens below is answered, counted and logged.
            Authenticate(instruments: instruments),  // Before any byte of the body is taken from a stranger.
            ReadRequest(),  // The first stage that needs the body; everything below reads its index.
            Idempotency(instruments: instruments),  // A request that ran before must not reach anything below again.
            KeepResponse(instruments: instruments),  // What it puts before the request is read, measured and paid for.
            ApplyAgent(instruments: instruments),  // Everything below sees the agent's model and what it is told.
            ResolveModel(),  // A name becomes a route, once, so that all below agree on it.
            AdmitWithinLimits(instruments: instruments),  // May wait long, so no target is chosen yet.
            AnswerIntent(instruments: instruments),  // Within the limits, and without a model.
            ChooseRoute(instruments: instruments),  // Drops the targets that could only fail.
            CountTokens(instruments: instruments),  // Has its target, and needs no provider.
            CheckStructure(instruments: instruments),  // Outside of all that is tried: it may send the call once more.
            RunTools(instruments: instruments),  // The same, once for each turn of the model that wants tools.
            CopyToShadow(instruments: instruments),  // Outside of the hedge, so that one copy goes out for a call.
            Hedge(instruments: instruments),  // Around all that is tried: a slow first attempt gets company.
            // From here on once per attempt.
            TryTargets(instruments: instruments),  // One loop for other targets and for the same again.
            GuardProvider(instruments: instruments),  // First of an attempt: nothing is held yet that it could waste.
            UnsealCredential(),  // As late as possible: the key is readable only while it is used.
            ReserveAndMeter(instruments: instruments),  // Last before the wire: what is not written down is not sent.
            DrainAnswer(instruments: instruments),  // Around the wire alone, so that it settles once.
            PassThrough(instruments: instruments),  // In the place of the last stage, for what is nobody's dialect.
            CallOperation(instruments: instruments),  // The same for answers that are no conversation.
            CallProvider(instruments: instruments),  // Innermost: the one stage that speaks to an upstream.
        ])
    }

    /// Takes a call down the road.
    ///
    /// Returns after the last byte of its answer, whatever that answer is.
    ///
    /// - Throws: `CancellationError` if the client went away.
    package func run(_ call: Call, reply: any ReplySink) async throws {
        try await self.road(call, reply)
    }
}
