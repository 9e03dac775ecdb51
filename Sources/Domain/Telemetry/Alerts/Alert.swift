package import Core

/// What an alert is about.
package enum AlertKind: String, Sendable, CaseIterable {
    /// A target failed so often that it is left alone.
    case breakerOpen = "breaker_open"
    /// A provider fails too large a share of its attempts.
    case errorRate = "error_rate"
    /// A provider takes too long.
    case latency
    /// A provider does not answer probes.
    case probe
    /// A provider refused a group's key.
    case credentialRejected = "credential_rejected"
    /// A budget has passed one of its thresholds.
    case budget
}

/// Something that is wrong at this moment.
package struct AlertCondition: Sendable, Equatable {
    package let kind: AlertKind
    /// What is wrong, so that the same trouble is told once: `openai/gpt-4o`.
    package let subject: String
    /// One sentence for people.
    package var summary: String
    /// Facts for programs; never a secret.
    package var details: [Detail]

    /// A fact with its name.
    package struct Detail: Sendable, Equatable {
        package let name: String
        package let value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package init(_ kind: AlertKind, _ subject: String, _ summary: String, _ details: [Detail] = []) {
        self.kind = kind
        self.subject = subject
        self.summary = summary
        self.details = details
    }
}

/// An alert on its way to people.
package struct Alert: Sendable, Equatable {
    package enum Status: String, Sendable {
        /// It began.
        case firing
        /// It has been going on for a while and is told again.
        case still
        /// It is over.
        case resolved
    }

    package let status: Status
    package let condition: AlertCondition
    /// When it began.
    package let since: UnixTime
    package let time: UnixTime

    /// One sentence for people.
    package var summary: String {
        switch self.status {
        case .firing: self.condition.summary
        case .still: "Still: \(self.condition.summary)"
        case .resolved: "Over after \(Self.length(from: self.since, to: self.time)): \(self.condition.summary)"
        }
    }

    private static func length(from: UnixTime, to: UnixTime) -> String {
        let seconds = max(0, to.seconds - from.seconds)
        if seconds < 120 { return "\(seconds) s" }
        return seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h"
    }

    /// What a webhook is sent.
    ///
    /// `text` is there for chat services, which show it.
    package func json(gateway: String) -> JSONValue {
        let mark = self.status == .resolved ? "OK" : "ALERT"
        let details = self.condition.details.map { ($0.name, $0.value) }
        return [
            "status": .string(self.status.rawValue),
            "kind": .string(self.condition.kind.rawValue),
            "subject": .string(self.condition.subject),
            "summary": .string(self.summary),
            "since": .string(self.since.rfc3339),
            "time": .string(self.time.rfc3339),
            "gateway": .string(gateway),
            "details": .object(details),
            "text": .string("[\(mark)] turnpike \(gateway): \(self.summary)"),
        ]
    }
}
