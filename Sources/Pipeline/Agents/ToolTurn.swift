internal import Agents
internal import Auth
internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Telemetry
internal import Tools

/// The tools that a model calls in one turn: checks what it wants, runs them side by side, and gives each an answer.
///
/// A tool that may not run, fails or does not answer gives a result that says so: the model can go on, and no call is
/// left without a result, which no provider would take.
///
/// Confined to the loop of its call.
final class ToolTurn {
    /// Tools that one turn may call; what it calls beyond is refused (row 102).
    static let callsMax = 8

    /// One that may run.
    private struct Ready: Sendable {
        let index: Int
        let name: ToolName
        let arguments: JSONValue
    }

    private struct Refusal: Error {
        let text: String
        let reason: StaticReason
    }

    private let call: Call
    private let servers: ToolServers
    private let caller: ToolCaller
    private let parallelMax: Int
    /// By the names that models know them by.
    private let offers: [String: ToolOffer]
    /// Schemas that were made ready for this answer; nil where one cannot be used.
    private var checks: [String: JSONSchemaCheck?] = [:]

    /// Nil where the gateway has no tools.
    init?(_ agent: CallAgent, _ call: Call, _ servers: ToolServers?) {
        guard let servers, let caller = ToolCaller(of: call) else { return nil }
        self.call = call
        self.servers = servers
        self.caller = caller
        self.parallelMax = agent.profile.limits.parallelMax
        self.offers = Dictionary(agent.tools.map { ($0.modelName, $0) }) { first, _ in first }
    }

    /// The names of the tools that are run here, as the model has them.
    var names: Set<String> { Set(self.offers.keys) }

    /// Runs what the model wants.
    ///
    /// - Parameters:
    ///   - deadline: When every tool has to have answered.
    ///   - reply: Is told of each call and its end.
    /// - Returns: One result for each call, in their order.
    /// - Throws: `CancellationError`.
    func run(
        _ wishes: [ToolCall],
        until deadline: NIODeadline,
        _ reply: any ReplySink
    ) async throws -> [ContentPart] {
        var ready: [Ready] = []
        var outcomes: [Int: ToolOutcome] = [:]
        for (index, wish) in wishes.enumerated() {
            do throws(Refusal) {
                let next = try self.check(wish, at: index)
                ready.append(next)
                try? reply.tool(.called(id: wish.id.text ?? "", name: next.name.text, arguments: next.arguments))
            } catch {
                self.call.note(.tool(self.offers[wish.name.text ?? ""]?.name.text ?? "", error.reason))
                outcomes[index] = ToolOutcome(text: error.text, isError: true)
            }
        }
        try? reply.flush()
        try await self.call(ready, until: deadline) { next, outcome in
            outcomes[next.index] = outcome
            let id = wishes[next.index].id.text ?? ""
            try reply.tool(.answered(id: id, name: next.name.text, text: outcome.text, isError: outcome.isError))
            try reply.flush()
        }
        return wishes.enumerated().map { index, wish in
            Self.result(of: wish, outcomes[index] ?? ToolOutcome(text: "The tool did not answer.", isError: true))
        }
    }

    /// What the model is told of a call; not every dialect can mark a failure, so the text does.
    private static func result(of wish: ToolCall, _ outcome: ToolOutcome) -> ContentPart {
        let text = outcome.isError ? "Error: \(outcome.text)" : outcome.text
        let parts = [ContentPart(.text(JSONString(text)))]
        let isError: Given<Bool>? = outcome.isError ? Given(true, at: -1) : nil
        return ContentPart(.toolResult(ToolResult(callID: wish.id, parts: parts, isError: isError)))
    }

    /// Runs tools side by side, as many at a time as may be.
    private func call(
        _ ready: [Ready],
        until deadline: NIODeadline,
        _ answered: (Ready, ToolOutcome) throws -> Void
    ) async throws {
        let (servers, caller) = (self.servers, self.caller)
        try await withThrowingTaskGroup(of: (Ready, ToolOutcome, StaticReason).self) { group in
            var rest = ready[...]
            func start() {
                guard let next = rest.popFirst() else { return }
                group.addTask {
                    do throws(ToolError) {
                        let outcome = try await servers.call(
                            next.name,
                            arguments: next.arguments,
                            for: caller,
                            deadline: deadline
                        )
                        return (next, outcome, outcome.isError ? "it says that it failed" : "it answered")
                    } catch {
                        return (next, ToolOutcome(text: error.description, isError: true), error.reason)
                    }
                }
            }
            for _ in 0..<max(1, self.parallelMax) { start() }
            while let (next, outcome, reason) = try await group.next() {
                try Task.checkCancellation()
                self.call.note(.tool(next.name.text, reason))
                try answered(next, outcome)
                start()
            }
        }
        try Task.checkCancellation()
    }

    // MARK: - What may run

    private func check(_ wish: ToolCall, at index: Int) throws(Refusal) -> Ready {
        guard let offer = self.offers[wish.name.text ?? ""] else {
            throw Refusal(text: "There is no tool of this name.", reason: "there is no such tool")
        }
        guard index < Self.callsMax else {
            throw Refusal(
                text: "At most \(Self.callsMax) tools may be called in one turn; call this one again later.",
                reason: "it was one too many for one turn"
            )
        }
        guard let object = wish.arguments.asObject, let arguments = try? JSONValue.parse(object.bytes),
            arguments.objectValue != nil
        else {
            throw Refusal(text: "The arguments are not a JSON object.", reason: "its arguments were no object")
        }
        switch self.schema(of: offer)?.check(object.bytes) {
        case nil, .valid?:
            return Ready(index: index, name: offer.name, arguments: arguments)
        case .undecided?:
            throw Refusal(
                text: "The arguments are too large to be held against the tool's schema.",
                reason: "its arguments could not be checked"
            )
        case .invalid(let faults)?:
            let list = faults.map { "\($0.path) \($0.message)" }.joined(separator: "; ")
            throw Refusal(
                text: "The arguments do not fit the tool's schema: \(list).",
                reason: "its arguments did not fit its schema"
            )
        }
    }

    /// Nil where the tool has no schema that can be used: then its server is the one to judge.
    private func schema(of offer: ToolOffer) -> JSONSchemaCheck? {
        if let check = self.checks[offer.modelName] { return check }
        var bytes = ByteBuffer()
        offer.schema.write(into: &bytes)
        let check = try? JSONSchemaCheck(bytes)
        self.checks[offer.modelName] = .some(check)
        return check
    }
}

@available(*, unavailable, message: "confined to its loop")
extension ToolTurn: Sendable {}

extension ToolCaller {
    /// Who calls tools through a call; nil where nobody is known.
    init?(of call: Call) {
        guard let principal = call.principal else { return nil }
        self.init(
            group: principal.group,
            user: principal.user,
            key: GatewayKeyID(principal.keyID),
            agent: call.agent?.profile.id,
            requestID: call.id.text
        )
    }
}

extension ToolError {
    /// What came of a call, for whoever asks later.
    fileprivate var reason: StaticReason {
        switch self {
        case .unknownServer, .unknownTool: "there is no such tool any more"
        case .changed: "it is not the one that was approved"
        case .notApproved: "nobody has approved it"
        case .badArguments: "its arguments cannot be sent"
        case .busy: "its server has too much to do"
        case .paused: "its server is left alone for a while"
        case .unreachable, .stopped, .closed: "its server cannot be reached"
        case .refused: "its server refuses the gateway's credential"
        case .timedOut: "it did not answer in time"
        case .badAnswer: "what it answered cannot be used"
        case .failed: "its server answered with an error"
        case .cancelled: "it was given up"
        }
    }
}
