package import Core
package import NIOCore

/// Steps as people and programs read them.
extension CallStep {
    /// The step as a JSON object: `what` names its kind, `text` says it in a sentence.
    ///
    /// - Parameter at: Microseconds from the arrival of the call; nil where nobody looked at the clock.
    package func json(at: Int64?) -> JSONValue {
        var members: [(String, JSONValue)] = [("what", .string(self.kind))]
        if let at { members.append(("atMs", .milliseconds(microseconds: at))) }
        members += self.members
        members.append(("text", .string(self.text)))
        return .object(members)
    }

    /// The word for the kind of step.
    package var kind: String {
        switch self {
        case .agent: "agent"
        case .tool: "tool"
        case .skipped: "skipped"
        case .ended: "attempt"
        case .waited: "waited"
        case .gaveUp: "gave_up"
        case .panicked: "panicked"
        case .hedged: "hedged"
        case .hedgeWon: "hedge_won"
        case .hedgeWithheld: "hedge_withheld"
        case .shadowed: "shadowed"
        case .shadowWithheld: "shadow_withheld"
        case .variant: "variant"
        case .stuck: "sticky"
        case .chose: "chose"
        case .dropped: "dropped"
        case .changed: "changed"
        case .replayed: "replayed"
        case .limited: "limited"
        case .remark: "remark"
        }
    }

    /// Whether it says that something did not go straight, so that the call is worth being kept for longer.
    package var isEventful: Bool {
        switch self {
        case .agent, .tool, .skipped(_, .noCredential, _), .skipped(_, .credentialRejected, _), .hedgeWithheld,
            .shadowed, .shadowWithheld, .variant, .stuck, .chose, .dropped, .changed, .remark:
            false
        case .ended(let attempt): attempt.code != nil
        default: true
        }
    }

    private var members: [(String, JSONValue)] {
        switch self {
        case .agent(let id): [("agent", .string(id))]
        case .tool(let name, let end): [("tool", .string(name)), ("reason", .string(end.description))]
        case .skipped(let target, let reason, let until):
            target.members + [("reason", .string(reason.rawValue))] + Self.time("untilMs", until)
        case .ended(let attempt): attempt.members
        case .waited(let time, let reason): [("reason", .string(reason.rawValue))] + Self.time("ms", time)
        case .gaveUp(let reason): [("reason", .string(reason.rawValue))]
        case .panicked(let target), .shadowed(let target): target.members
        case .hedged(let target, let after): target.members + Self.time("afterMs", after)
        case .hedgeWon(let target, let isSecond): target.members + [("isSecond", .bool(isSecond))]
        case .hedgeWithheld(let reason), .shadowWithheld(let reason), .changed(let reason), .remark(let reason):
            [("reason", .string(reason.description))]
        case .variant(let experiment, let name, let isSticky):
            [("experiment", .string(experiment)), ("variant", .string(name)), ("sticky", .bool(isSticky))]
        case .stuck(let target, let reason), .chose(let target, let reason):
            target.members + [("reason", .string(reason.description))]
        case .dropped(let field): [("field", .string(field))]
        case .replayed(let id): [("requestId", .string(id))]
        case .limited(let name, let wait): [("limit", .string(name))] + Self.time("retryAfterMs", wait)
        }
    }

    private static func time(_ name: String, _ time: TimeAmount?) -> [(String, JSONValue)] {
        time.map { [(name, .milliseconds(microseconds: $0.nanoseconds / 1000))] } ?? []
    }

    /// The step in a sentence.
    package var text: String {
        switch self {
        case .agent(let id): "the agent '\(id)' was asked"
        case .tool(let name, let end): "the model called the tool '\(name)': \(end.description)"
        case .skipped(let target, let reason, let until):
            "\(target.text) was passed over: \(reason.words)\(until.map { " for another \(Self.words($0))" } ?? "")"
        case .ended(let attempt): attempt.text
        case .waited(let time, let reason): "waited \(Self.words(time)) \(reason.words)"
        case .gaveUp(let reason): "no further attempt: \(reason.words)"
        case .panicked(let target):
            "\(target.text) was tried although its breaker is open: the breakers of all targets are"
        case .hedged(let target, let after):
            "no content after \(Self.words(after)), so \(target.text) was asked too"
        case .hedgeWon(let target, let isSecond):
            "\(target.text), asked \(isSecond ? "second" : "first"), had content first; the other was called off"
        case .hedgeWithheld(let reason): "no second attempt was started: \(reason.description)"
        case .shadowed(let target): "a copy of the request went to \(target.text), for comparison only"
        case .shadowWithheld(let reason): "no copy of the request was sent: \(reason.description)"
        case .variant(let experiment, let name, let isSticky):
            "in the experiment '\(experiment)' on the side '\(name)'\(isSticky ? ", as always for this caller" : "")"
        case .stuck(let target, let reason): "\(target.text) comes first: \(reason.description)"
        case .chose(let target, let reason): "\(target.text) comes first: \(reason.description)"
        case .dropped(let field): "the field \(field) was left out: the target has no such thing"
        case .changed(let reason): reason.description
        case .replayed(let id): "answered with what the request \(id) with the same Idempotency-Key was answered"
        case .limited(let name, let wait):
            "the limit '\(name)' was in the way\(wait.map { "; try again after \(Self.words($0))" } ?? "")"
        case .remark(let reason): reason.description
        }
    }

    /// A time as people read it: `850 ms`, `1.5 s`, `12 min`.
    package static func words(_ time: TimeAmount) -> String {
        let milliseconds = max(0, time.nanoseconds) / 1_000_000
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        if milliseconds < 60_000 {
            let tenths = milliseconds / 100
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let seconds = milliseconds / 1000
        return seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds / 60) min \(seconds % 60) s"
    }
}

extension TargetName {
    /// `openai/gpt-4o-mini`.
    package var text: String { "\(self.provider)/\(self.model)" }

    package var members: [(String, JSONValue)] {
        [("provider", .string(self.provider)), ("model", .string(self.model))]
    }
}

extension AttemptStep {
    /// Its members in JSON.
    package var members: [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [("number", .integer(Int64(self.number)))]
        members += self.target.members
        members.append(("credentialId", self.credentialID.isEmpty ? .null : .string(self.credentialID)))
        if let breaker = self.breaker { members.append(("breaker", .string(breaker.rawValue))) }
        if !self.variant.isEmpty { members.append(("variant", .string(self.variant))) }
        members.append(("beginMs", .milliseconds(microseconds: self.begin)))
        members.append(("endMs", .milliseconds(microseconds: self.end)))
        members.append(("ok", .bool(self.code == nil)))
        if self.isCalledOff {
            members.append(("calledOff", true))
        } else if let code = self.code {
            members.append(("code", .string(code.rawValue)))
        }
        if self.upstreamStatus > 0 { members.append(("upstreamStatus", .integer(Int64(self.upstreamStatus)))) }
        if let clock = self.clock { members.append(("clock", .string(clock.rawValue))) }
        if let limit = self.limit { members.append(("clockLimitMs", .integer(limit.milliseconds))) }
        if let cause = self.cause { members.append(("cause", .string(cause.description))) }
        if let wait = self.retryAfter { members.append(("retryAfterMs", .integer(wait.milliseconds))) }
        members.append(("sent", .bool(self.didSend)))
        members.append(("hasContent", .bool(self.hasContent)))
        return members
    }

    /// The attempt in a sentence.
    package var text: String {
        var text = "attempt \(self.number) at \(self.target.text)"
        if !self.variant.isEmpty { text += " (\(self.variant))" }
        switch self.breaker {
        case .probing: text += ", trying whether it is well again,"
        case .open: text += ", its breaker open,"
        case .forcedOpen: text += ", its breaker opened by hand,"
        case .forcedClosed: text += ", its breaker closed by hand,"
        case .closed, nil: break
        }
        if self.isCalledOff { return text + " was called off after \(self.took)" }
        guard let code = self.code else { return text + " answered after \(self.took)" }
        text += " failed after \(self.took): \(code.rawValue)"
        if self.upstreamStatus > 0 { text += ", status \(self.upstreamStatus)" }
        if let clock = self.clock, let limit = self.limit {
            text += ", the \(clock.rawValue) limit of \(limit.milliseconds) ms ran out"
        }
        if let cause = self.cause { text += ", \(cause.description)" }
        if let wait = self.retryAfter { text += ", to be left alone for \(CallStep.words(wait))" }
        if !self.didSend { text += "; nothing was sent" }
        if self.hasContent { text += "; the client had content already" }
        return text
    }

    private var took: String { CallStep.words(.microseconds(max(0, self.end &- self.begin))) }
}

extension SkipReason {
    /// Why, to be read after a colon.
    package var words: String {
        switch self {
        case .noCredential: "this group has no active credential for it"
        case .credentialRejected: "it refused this group's credential before, so others come first"
        case .breakerOpen: "it failed too often of late, and is left alone"
        case .breakerProbing: "another call is trying whether it is well again"
        case .breakerForcedOpen: "an operator has switched it off"
        case .coolingDown: "it asked to be left alone"
        case .tooLittleLeft: "too little of its own limit is left"
        case .atCapacity: "as many calls as it may have are out"
        case .slowStart: "it is new or just recovered, and gets its share step by step"
        case .beyondRetries: "no more attempts are allowed than come before it"
        case .failedBefore: "it failed for this request already"
        case .unfit: "it cannot do what the request needs"
        case .notListed: "it is not meant for this kind of failure"
        }
    }
}

extension WaitReason {
    /// For what, to be read after the time.
    package var words: String {
        switch self {
        case .limits: "for a turn within the limits"
        case .backoff: "before another attempt"
        case .retryAfter: "because the provider asked for it"
        case .capacity: "for a place at the target"
        case .durability: "for the disk"
        }
    }
}

extension GiveUpReason {
    /// Why, to be read after a colon.
    package var words: String {
        switch self {
        case .contentBegan: "the client has the beginning of the answer"
        case .notRetryable: "this failure would be the same everywhere"
        case .attemptsUsedUp: "as many as are allowed were made"
        case .retryBudget: "too many calls are being repeated already"
        case .noTargetLeft: "there is no other target that may be tried"
        case .outOfTime: "the call's time would be over before it could begin"
        case .waitTooLong: "the provider wants to be left alone for longer than a call may wait"
        case .clientGone: "the client has left"
        case .shuttingDown: "the gateway is going down"
        }
    }
}

extension JSONValue {
    /// Milliseconds with three decimals.
    package static func milliseconds(microseconds: Int64) -> JSONValue {
        let clean = max(0, microseconds)
        let (whole, rest) = clean.quotientAndRemainder(dividingBy: 1000)
        guard rest > 0 else { return .integer(whole) }
        let digits = String(1000 + rest).dropFirst()
        return .number("\(whole).\(digits)")
    }
}
