package import Core

/// The last calls to one provider, weighted towards the newest: what real traffic says about it.
package struct RecentCalls: Sendable {
    /// Calls counted since the start.
    package private(set) var calls = 0
    /// Share of calls that the provider answered, 0 to 1; each new call weighs a twentieth.
    package private(set) var successRate = 1.0
    /// Mean time of answered calls in milliseconds, weighted in the same way.
    package private(set) var milliseconds = 0.0
    /// The last failure that was the provider's.
    package private(set) var lastFailure: GatewayError.Code?

    private static let weight = 0.05

    package init() {}

    /// Adds one call.
    package mutating func add(wasAnswered: Bool, nanoseconds: Int64, code: GatewayError.Code?) {
        let weight = self.calls == 0 ? 1 : Self.weight
        self.successRate += weight * ((wasAnswered ? 1 : 0) - self.successRate)
        if wasAnswered {
            let time = Double(nanoseconds) / 1e6
            self.milliseconds += (self.milliseconds == 0 ? 1 : Self.weight) * (time - self.milliseconds)
        } else {
            self.lastFailure = code
        }
        self.calls += 1
    }

    /// Joins the views of two loops, each weighted by its calls.
    mutating func merge(_ other: RecentCalls) {
        guard other.calls > 0 else { return }
        let share = Double(other.calls) / Double(self.calls + other.calls)
        self.successRate += share * (other.successRate - self.successRate)
        self.milliseconds += share * (other.milliseconds - self.milliseconds)
        self.lastFailure = other.lastFailure ?? self.lastFailure
        self.calls += other.calls
    }
}

/// How one provider is doing.
package struct ProviderHealth: Sendable {
    package enum Status: String, Sendable {
        /// It answers, or nobody has asked it yet.
        case ok
        /// It fails one call in ten or more.
        case degraded
        /// It fails more than every second call.
        case down
    }

    package let name: String
    package let recent: RecentCalls

    package init(name: String, recent: RecentCalls) {
        self.name = name
        self.recent = recent
    }

    package var status: Status {
        if self.recent.calls == 0 || self.recent.successRate > 0.9 { return .ok }
        return self.recent.successRate >= 0.5 ? .degraded : .down
    }
}
