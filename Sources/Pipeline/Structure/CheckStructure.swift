internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Wire

/// Holds an answer against the JSON schema that the request gave, where that is wanted, and asks the model once more
/// where it does not fit.
///
/// The client gets nothing before it is checked, a stream neither: its events follow each other at the end. All answers
/// are paid for, also those that the client never saw.
struct CheckStructure: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool {
        let rule = call.snapshot.limits.structure
        guard call.operation == .chat, rule.when == .always || call.head.contains(.turnpikeValidate) else {
            return false
        }
        switch rule.when {
        case .never: return false
        case .onRequest: return Self.says("true", call)
        case .always: return !Self.says("false", call)
        }
    }

    private static func says(_ word: StaticString, _ call: Call) -> Bool {
        call.head.first(.turnpikeValidate).map { call.headBytes.hasWord(word, in: $0.value) } ?? false
    }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let form = try StructureWish(call).form else { return try await next(call, reply) }
        let repairsMax = call.snapshot.limits.structure.repairsMax
        // Kept here, since the call lets go of it when its answer begins.
        var body = call.body
        let plan = RoundPlan(call)
        var round = call
        var repairs = 0
        while true {
            let held = HeldAnswer(reply, bytesMax: call.snapshot.limits.answerBytesMax, of: self.instruments.heldBytes)
            try await call.send(round, held, next)
            let (said, faults) = try Self.judge(held, form, call.format)
            if faults.isEmpty {
                let verdict = said == nil ? "false" : repairs == 0 ? "true" : "repaired"
                call.extraFields.writeString("x-turnpike-validated: \(verdict)\r\n")
                return try await held.release()
            }
            call.note(.remark(repairs == 0 ? "the answer did not have the form asked for" : "nor did the next"))
            guard repairs < repairsMax, let said else { throw Self.failure(faults, repairs) }
            repairs += 1
            body = try Repair.body(of: body, call.format, answer: said, faults: faults)
            round = try call.round(body, plan)
        }
    }

    /// What the model said, and what is wrong with it; nil and nothing for what is no answer, such as a refusal.
    private static func judge(
        _ held: HeldAnswer,
        _ form: StructureWish.Form,
        _ format: WireFormat
    ) throws -> (said: JSONString?, faults: [String]) {
        for text in try held.said(in: format) ?? [] {
            let faults = form.faults(in: text)
            if !faults.isEmpty { return (text, faults) }
        }
        return (try held.said(in: format)?.first, [])
    }

    private static func failure(_ faults: [String], _ repairs: Int) -> GatewayError {
        let times = repairs == 0 ? "" : repairs == 1 ? ", nor did a second one" : ", nor did \(repairs) more"
        var error = GatewayError(
            .providerError,
            "The model's answer does not have the form that was asked for\(times): \(faults.first ?? "")."
        )
        error.details = [(key: "faults", value: faults.prefix(8).joined(separator: "; "))]
        return error
    }
}
