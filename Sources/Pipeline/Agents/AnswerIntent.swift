internal import Agents
internal import Auth
internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Telemetry
internal import Tools
internal import Transport
internal import Wire

/// Answers what an agent's intents know: runs the tool that a plain request means, and says what became of it.
///
/// No model is asked and nothing is charged. What the tool cannot be given, or could not do, is the answer too: a
/// person reads it.
struct AnswerIntent: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool { call.agent?.answer != nil }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let agent = call.agent, let answer = agent.answer else { return try await next(call, reply) }
        let text: String
        switch answer {
        case .help:
            call.note(.remark("no intent of the agent knows the request; it was told what it can ask for"))
            text = Self.help(of: agent.profile)
        case .intent(let match):
            call.note(.remark("an intent of the agent answered, and no model was asked"))
            try? call.extraFields.writeField("x-turnpike-intent", match.tool.text.utf8)
            text = try await self.outcome(of: match, call, agent, reply)
        }
        try IntentReplying.send(text, call, agent, reply, now: self.instruments.monotonicClock())
        if !reply.hasCredit { try await reply.awaitCredit() }
    }

    // MARK: - The tool

    /// What to say of one call of a tool.
    private func outcome(
        of match: IntentMatch,
        _ call: Call,
        _ agent: CallAgent,
        _ reply: any ReplySink
    ) async throws -> String {
        do {
            let offer = try await self.offer(of: match.tool, call)
            let fitted = IntentArguments(match.arguments, for: offer.schema)
            if let complaint = fitted.complaint {
                Self.mark(call, "bad_arguments")
                return complaint
            }
            let outcome = try await self.run(offer.name, .object(fitted.members), call, agent, reply)
            try Task.checkCancellation()
            if outcome.isError {
                Self.mark(call, "tool_error")
                return outcome.text.isEmpty ? "That did not work." : outcome.text
            }
            if let reply = match.reply { return reply.filled(match.arguments, result: outcome.text) }
            return outcome.text.isEmpty ? "Done." : outcome.text
        } catch let failure as ToolError {
            if failure == .cancelled { throw CancellationError() }
            Self.mark(call, failure.label)
            return failure.description
        }
    }

    private static func mark(_ call: Call, _ label: String) {
        call.note(.remark("the tool of the intent did not do what was asked for"))
        try? call.extraFields.writeField("x-turnpike-intent-error", label.utf8)
    }

    /// The tool as it is now, for its schema.
    private func offer(of tool: ToolName, _ call: Call) async throws -> ToolOffer {
        guard let servers = self.instruments.tools, let group = call.principal?.group else {
            throw ToolError.unknownServer(tool.server)
        }
        let (offers, missing) = await servers.offers([.tool(tool)], for: group)
        try Task.checkCancellation()
        guard let offer = offers.first else { throw missing.first?.error ?? .unknownTool(tool) }
        return offer
    }

    private func run(
        _ tool: ToolName,
        _ arguments: JSONValue,
        _ call: Call,
        _ agent: CallAgent,
        _ reply: any ReplySink
    ) async throws -> ToolOutcome {
        guard let servers = self.instruments.tools, let caller = ToolCaller(of: call) else {
            throw ToolError.unknownServer(tool.server)
        }
        let clock = ToolClock(agent.profile.limits, call)
        // There is one call, so it needs no name that tells it from others.
        let (id, name) = ("intent", tool.text)
        // From here on it may have been done, and must not be done again for the same `Idempotency-Key`.
        call.mayHaveWorked = true
        try reply.tool(.called(id: id, name: name, arguments: arguments))
        do throws(ToolError) {
            let outcome = try await servers.call(tool, arguments: arguments, for: caller, deadline: clock.deadline)
            try? reply.tool(.answered(id: id, name: name, text: outcome.text, isError: outcome.isError))
            return outcome
        } catch {
            try? reply.tool(.answered(id: id, name: name, text: error.description, isError: true))
            throw error
        }
    }

    // MARK: - Help

    /// The most examples that are told.
    private static let examplesMax = 20

    /// What the agent can do, in its own words or by its patterns.
    private static func help(of profile: AgentProfile) -> String {
        guard profile.help.isEmpty else { return profile.help }
        let examples = profile.intents.compactMap(\.patterns.first).prefix(Self.examplesMax)
        return "I can do these things:\n" + examples.map { "- \($0)\n" }.joined()
    }
}
