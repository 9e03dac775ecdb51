import Core
package import Limits

extension Settings {
    /// One entry of `limits:`.
    package struct Limit: Sendable, Equatable {
        /// What holds a minute, at a time, and in queues.
        package var rule: LimitRule
        /// Requests a day, in UTC.
        package var requestsPerDay: Int?
        /// Tokens a day, in UTC.
        package var tokensPerDay: Int?
    }

    /// The rules for the desk.
    package var limitRules: [LimitRule] { self.limits.map(\.rule) }
}

extension SettingsBuilder {
    /// The entries of `limits:`.
    mutating func limits() -> [Settings.Limit] {
        self.values.names(under: "limits").map { name in
            let path = SettingPath(["limits", name])
            let rule = LimitRule(
                name: name,
                scope: self.scope(path),
                requestsPerMinute: self.values.optionalInteger(path.child("rpm")),
                tokensPerMinute: self.values.optionalInteger(path.child("tpm")),
                concurrent: self.values.optionalInteger(path.child("concurrent")),
                queue: self.values.optionalDuration(path.child("queue")),
                queueMax: self.values.integer(path.child("queue_max")),
                priority: self.values.optionalInteger(path.child("priority")),
                weight: self.values.optionalInteger(path.child("weight"))
            )
            let limit = Settings.Limit(
                rule: rule,
                requestsPerDay: self.values.optionalInteger(path.child("rpd")),
                tokensPerDay: self.values.optionalInteger(path.child("tpd"))
            )
            self.check(limit, path)
            return limit
        }
    }

    /// Notes an entry that says nothing, or half of something.
    private mutating func check(_ limit: Settings.Limit, _ path: SettingPath) {
        let rule = limit.rule
        let isDaily = limit.requestsPerDay != nil || limit.tokensPerDay != nil
        if !rule.isLimiting, !isDaily, rule.priority == nil, rule.weight == nil {
            self.note(path, "limits nothing: give it rpm, tpm, rpd, tpd or concurrent (or a priority or weight)")
        }
        if rule.queue != nil, !rule.isLimiting {
            self.note(path.child("queue"), "needs rpm, tpm or concurrent, which calls can wait for")
        }
        if rule.queue == nil, self.values.entries[path.child("queue_max")] != nil {
            self.note(path.child("queue_max"), "needs queue, which says how long a call may wait")
        }
    }
}
