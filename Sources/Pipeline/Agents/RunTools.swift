internal import Agents
internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Tools
internal import Transport

/// Runs the agent's tools that the model calls, and asks the model again with what they gave.
///
/// What the model says goes to the client as it comes, in the client's dialect and as one answer; the calls of the
/// agent's tools do not. A call of a tool that the client brought itself ends the loop: it is the client's to run, and
/// what the model wanted of the agent's tools in the same turn is left undone.
///
/// Each round is a call of its own: it may go to another target, and is reserved and paid for by itself. Row 102.
struct RunTools: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool { call.operation == .chat && call.agent?.tools.isEmpty == false }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let agent = call.agent, let turn = ToolTurn(agent, call, self.instruments.tools) else {
            return try await next(call, reply)
        }
        guard call.index?.choices ?? 1 == 1 else {
            throw GatewayError(.invalidRequest, "An agent with tools gives one answer.", param: "n")
        }
        // Kept here, since the call lets go of its body when its answer begins.
        var request = try AgentRequest.read(call)
        let limits = agent.profile.limits
        let clock = ToolClock(limits, call)
        let plan = RoundPlan(call)
        let answer = RoundsAnswer(call, request, of: turn, reply)
        var round = call
        var asked = 0
        while true {
            let sink = RoundReply(round, into: answer)
            let begun = call.firstContent
            try await call.send(round, sink, next)
            call.firstContent = begun ?? call.firstContent
            if sink.wishes.isEmpty || sink.hasForeignCalls { return try await answer.end() }
            call.droppedBefore = call.dropped
            try Self.check(call, limits, asked: asked)
            request.messages.append(ChatMessage(.assistant, sink.parts))
            request.messages.append(ChatMessage(.user, try await turn.run(sink.wishes, until: clock.deadline, reply)))
            asked += 1
            // Whoever has to call a tool each time would never come to an end.
            request.toolChoice = asked < limits.roundsMax ? request.toolChoice?.afterCall : Given(.none, at: -1)
            round = try self.again(call, request, plan, clock)
        }
    }

    /// Whether the model may be asked once more.
    private static func check(_ call: Call, _ limits: AgentLimits, asked: Int) throws(GatewayError) {
        guard asked < limits.roundsMax else {
            call.note(.remark("the model wanted tools after the agent's last round"))
            throw GatewayError(
                .providerError,
                "The model went on to call tools after \(limits.roundsMax) rounds, the agent's limit (limits.rounds)."
            )
        }
        if let most = limits.costMax, call.chargedBefore + call.charged >= most {
            throw GatewayError(
                .budgetExceeded,
                "This answer has cost what the agent may spend on one, \(most) USD (limits.costUsd)."
            )
        }
    }

    /// The call that asks again, in the client's dialect, with clocks of its own.
    private func again(
        _ call: Call,
        _ request: ChatRequest,
        _ plan: RoundPlan,
        _ clock: ToolClock
    ) throws -> Call {
        let now = self.instruments.monotonicClock()
        let left = try clock.left(now)
        let body = try AgentRequest.write(request, model: call.model, call)
        let most = call.snapshot.limits.bodyBytesMax
        guard body.readableBytes <= most else {
            throw GatewayError(
                .providerError,
                "With what the tools gave the conversation is longer than \(most) bytes (server.max_body)."
            )
        }
        let round = try call.round(body, plan, arrival: now)
        round.timeout = left
        return round
    }
}

/// How long an answer with tools may take.
struct ToolClock {
    let deadline: NIODeadline
    private let limit: TimeAmount
    private let name: StaticString

    init(_ limits: AgentLimits, _ call: Call) {
        let own = TimeAmount.milliseconds(Int64(limits.timeMaxMilliseconds))
        if let asked = call.timeout, asked < own {
            (self.limit, self.name) = (asked, "x-turnpike-timeout-ms")
        } else {
            (self.limit, self.name) = (own, "the agent's limits.timeMs")
        }
        self.deadline = call.exchange.arrival + self.limit
    }

    /// How much of it is left.
    ///
    /// - Throws: `PROVIDER_TIMEOUT` if nothing is.
    func left(_ now: NIODeadline) throws(GatewayError) -> TimeAmount {
        guard now < self.deadline else {
            throw GatewayError(
                .providerTimeout,
                "The model and its tools took longer than \(self.limit.milliseconds) ms (\(self.name))."
            )
        }
        return self.deadline - now
    }
}

extension Given where Value == ToolChoice {
    /// What holds once a tool was called: whoever had to call one each time would never come to an end.
    var afterCall: Given<ToolChoice>? {
        switch self.value {
        case .required, .named: nil
        case .auto, .none, .other: self
        }
    }
}
