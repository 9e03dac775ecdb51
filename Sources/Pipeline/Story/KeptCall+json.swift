package import Core
internal import NIOCore
internal import Providers
internal import Telemetry

extension KeptCall {
    /// The attempts in order, those that were not noted included: the one that went straight, and the last one.
    var attempts: [AttemptStep] {
        var attempts = self.notes?.attempts ?? []
        guard self.record.attempts > 0, !self.record.provider.isEmpty,
            !attempts.contains(where: { $0.number == self.record.attempts })
        else { return attempts }
        var last = AttemptStep(
            number: self.record.attempts,
            target: TargetName(provider: self.record.provider, model: self.record.upstreamModel),
            begin: self.lastBegin ?? attempts.last?.end ?? 0,
            end: max(0, self.record.total.nanoseconds / 1000),
            code: self.record.code
        )
        last.credentialID = self.record.credentialID
        last.upstreamStatus = self.upstreamStatus
        last.hasContent = self.record.firstToken != nil
        attempts.append(last)
        return attempts
    }

    /// The story of the call, as `GET /api/v1/requests/{id}` tells it.
    package var json: JSONValue {
        let record = self.record
        let isAccounted = record.charged != nil
        return [
            "id": .string(record.id.text),
            "source": "memory",
            "summary": .string(self.summary),
            "time": .string(record.time.rfc3339),
            "groupId": Self.text(record.group),
            "userId": Self.text(self.user),
            "keyId": Self.text(record.keyID),
            "operation": .string("\(record.operation)"),
            "model": .string(record.modelAsked),
            "stream": .bool(record.isStream),
            "status": .integer(Int64(record.status)),
            "code": record.code.map { .string($0.rawValue) } ?? .null,
            "message": self.message.map { .string($0) } ?? .null,
            "route": self.route,
            "served": self.served,
            "attempts": .array(self.attempts.map { .object($0.members + [("text", .string($0.text))]) }),
            "steps": .array((self.notes?.entries ?? []).map { $0.step.json(at: $0.at) }),
            "stepsDropped": .integer(Int64(self.notes?.dropped ?? 0)),
            "clocks": self.clocks,
            "request": self.request,
            "cache": "bypass",
            "usage": [
                "inputTokens": Self.number(record.inputTokens),
                "outputTokens": Self.number(record.outputTokens),
                "cachedInputTokens": Self.number(record.cachedTokens),
                "reasoningTokens": Self.number(record.reasoningTokens),
            ],
            "costUsd": isAccounted ? .number(record.charged?.dollars ?? "0") : .null,
            "timings": self.timings,
            "bytesIn": .integer(Int64(record.bytesIn)),
            "bytesOut": .integer(Int64(record.bytesOut)),
            "clientGone": .bool(record.isClientGone),
        ]
    }

    /// What happened, in one sentence.
    package var summary: String {
        let record = self.record
        let took = CallStep.words(record.total)
        let asked = record.modelAsked.isEmpty ? "a model" : "'\(record.modelAsked)'"
        let tries = record.attempts == 1 ? "1 attempt" : "\(record.attempts) attempts"
        if record.isClientGone {
            let how = record.attempts == 0 ? "before anything was sent" : "after \(tries)"
            return "The client, who asked for \(asked), left after \(took), \(how)."
        }
        guard let code = record.code else {
            guard record.attempts > 0 else {
                return "A call for \(asked) was answered after \(took) without a provider."
            }
            let target = "\(record.provider)/\(record.upstreamModel)"
            return "A call for \(asked) was answered by \(target) after \(took) and \(tries)."
        }
        guard record.attempts > 0 else {
            return "A call for \(asked) failed with \(code.rawValue) after \(took), before anything was sent."
        }
        return "A call for \(asked) failed with \(code.rawValue) after \(took) and \(tries)."
    }

    // MARK: -

    private var served: JSONValue {
        guard self.record.code == nil, self.record.attempts > 0 else { return .null }
        return [
            "provider": .string(self.record.provider), "model": .string(self.record.upstreamModel),
            "credentialId": Self.text(self.record.credentialID),
        ]
    }

    /// The alias and all its targets, with what became of each in this call.
    private var route: JSONValue {
        switch self.resolution {
        case nil:
            return .null
        case .direct(let provider, let model, _):
            return [
                "alias": .null, "strategy": .null,
                "targets": [self.target(TargetName(provider: provider.name, model: model), weight: nil)],
            ]
        case .route(let route):
            return [
                "alias": .string(route.name),
                "strategy": .string(route.strategy.rawValue),
                "targets": .array(
                    route.targets.map {
                        self.target(TargetName(provider: $0.provider.name, model: $0.model), weight: $0.weight)
                    }
                ),
            ]
        }
    }

    private func target(_ target: TargetName, weight: Int?) -> JSONValue {
        let tries = self.attempts.filter { $0.target == target }
        var skip: (reason: SkipReason, until: TimeAmount?)?
        for entry in self.notes?.entries ?? [] {
            if case .skipped(target, let reason, let until) = entry.step { skip = (reason, until) }
        }
        var members = target.members
        if let weight { members.append(("weight", .integer(Int64(weight)))) }
        let fate: String
        if let last = tries.last {
            let hasAnswered = tries.contains { $0.code == nil }
            fate = hasAnswered ? "answered" : last.isCalledOff ? "called_off" : "failed"
        } else if skip != nil {
            fate = "skipped"
        } else {
            fate = self.attempts.isEmpty ? "not_reached" : "not_needed"
        }
        members.append(("fate", .string(fate)))
        members.append(("attempts", .integer(Int64(tries.count))))
        if let skip {
            members.append(("reason", .string(skip.reason.rawValue)))
            members.append(("reasonText", .string(skip.reason.words)))
        }
        return .object(members)
    }

    private var clocks: JSONValue {
        guard let timeouts = self.timeouts else { return .null }
        return [
            "connectMs": .integer(timeouts.connect.milliseconds),
            "firstByteMs": .integer(timeouts.firstByte.milliseconds),
            "idleMs": .integer(timeouts.idle.milliseconds),
            "totalMs": .integer(min(timeouts.total, self.timeoutAsked ?? timeouts.total).milliseconds),
            "streamMaxMs": .integer(timeouts.streamMax.milliseconds),
            "askedMs": self.timeoutAsked.map { .integer($0.milliseconds) } ?? .null,
        ]
    }

    private var request: JSONValue {
        guard self.record.attempts > 0 else { return .null }
        return [
            "headers": .array(self.changes.headers.map { .string($0) }),
            "body": .array(self.changes.body.map { .string($0) }),
            "dropped": .array(self.dropped.map { .string($0) }),
        ]
    }

    private var timings: JSONValue {
        let total = max(0, self.record.total.nanoseconds / 1000)
        let first = self.record.firstToken.map { $0.nanoseconds / 1000 }
        let attempts = self.attempts
        let atProviders = attempts.reduce(Int64(0)) { $0 &+ max(0, $1.end &- $1.begin) }
        return [
            "totalMs": .milliseconds(microseconds: total),
            "firstContentMs": first.map { .milliseconds(microseconds: $0) } ?? .null,
            "beforeFirstAttemptMs": attempts.map(\.begin).min().map { .milliseconds(microseconds: $0) } ?? .null,
            "atProvidersMs": attempts.isEmpty ? .null : .milliseconds(microseconds: atProviders),
        ]
    }

    private static func text(_ text: String) -> JSONValue { text.isEmpty ? .null : .string(text) }

    private static func number(_ number: Int?) -> JSONValue { number.map { .integer(Int64($0)) } ?? .null }
}
