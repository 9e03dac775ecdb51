internal import Chat
internal import Core
internal import NIOCore

/// Where a call may go, as it was chosen before anything was tried.
struct RoundPlan {
    private let target: CallTarget?
    private let alternatives: TargetQueue
    private let retriesMax: Int

    init(_ call: Call) {
        self.target = call.target
        self.alternatives = call.alternatives
        self.retriesMax = call.retriesMax
    }

    /// Gives a further round as many tries as the first one had.
    ///
    /// It begins where the one before was answered: there the prompt is warm, and thoughts are understood.
    fileprivate func apply(to round: Call) {
        round.target = round.target ?? self.target
        round.alternatives = self.alternatives
        round.retriesMax = round.attempts + self.retriesMax
    }
}

/// Asking a model more than once for one answer.
extension Call {
    /// The call that asks again, with another body in the client's dialect.
    ///
    /// - Parameters:
    ///   - plan: Where the first round could go.
    ///   - arrival: From when its clocks count; nil: as the call's.
    /// - Throws: `GatewayError` if the body is no request.
    func round(_ body: ByteBuffer, _ plan: RoundPlan, arrival: NIODeadline? = nil) throws(GatewayError) -> Call {
        let round = self.copy(arrival: arrival)
        round.body = body
        do throws(RequestIndexError) {
            round.index = try RequestIndex(body)
        } catch {
            throw GatewayError(.internalFailure, "The request that asks again is not valid.", cause: error)
        }
        round.prompt = nil
        round.limits.guess = nil
        round.chargedBefore = self.chargedBefore + self.charged
        plan.apply(to: round)
        return round
    }

    /// Takes one round down the road; what it used is this call's, however it ends.
    ///
    /// - Parameter round: The call itself, or what `round` made of it.
    func send(_ round: Call, _ reply: any ReplySink, _ next: Next) async throws {
        defer {
            if round !== self {
                let before = self.usage
                self.adopt(round)
                self.usage = before.adding(round.usage)
                self.count(round)
                self.moveFields(from: round)
            }
        }
        try await next(round, reply)
    }
}

extension Call {
    /// What the writers of an answer have to know of the call.
    func answerContext(_ request: ChatRequest, model: JSONString) -> AnswerContext {
        AnswerContext(
            // Not the request's id: that may be the client's, who may give one to several.
            id: RequestID(high: self.chance.high, low: self.chance.low).text,
            created: Int64(self.time.seconds),
            model: model,
            request: request
        )
    }
}
