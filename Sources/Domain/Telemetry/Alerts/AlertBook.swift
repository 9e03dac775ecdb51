package import Core
package import NIOCore

/// Decides what of all that is wrong is told to people: each trouble once when it begins, once when it is over, and in
/// between as often as was asked for.
///
/// A value; time is passed in. A trouble that comes and goes is one trouble until it has been away for a while.
package struct AlertBook: Sendable {
    /// Troubles at a time; further ones are counted only.
    package static let troublesMax = 500

    /// When people are told.
    package struct Rules: Sendable, Equatable {
        /// How long a trouble has to be away before it is over.
        package var calm: TimeAmount
        /// How often a trouble that goes on is told again; zero: never.
        package var repeatEvery: TimeAmount
        /// What is told at all.
        package var kinds: Set<AlertKind>

        package init(
            calm: TimeAmount = .minutes(1),
            repeatEvery: TimeAmount = .zero,
            kinds: Set<AlertKind> = Set(AlertKind.allCases)
        ) {
            self.calm = calm
            self.repeatEvery = repeatEvery
            self.kinds = kinds
        }
    }

    private struct Name: Hashable {
        let kind: AlertKind
        let subject: String
    }

    private struct Trouble {
        var condition: AlertCondition
        let since: UnixTime
        var lastSeen: NIODeadline
        var lastTold: NIODeadline
    }

    package var rules: Rules
    private var troubles: [Name: Trouble] = [:]
    /// Troubles that nobody was told of because there were too many.
    package private(set) var untold = 0

    package init(_ rules: Rules = Rules()) { self.rules = rules }

    /// Whether people were told that this is wrong, and not yet that it is over.
    package func isFiring(_ kind: AlertKind, _ subject: String) -> Bool {
        self.troubles[Name(kind: kind, subject: subject)] != nil
    }

    /// What goes on at this moment, the oldest first.
    package var firing: [AlertCondition] {
        self.troubles.values.sorted { ($0.since, $0.condition.subject) < ($1.since, $1.condition.subject) }
            .map(\.condition)
    }

    /// Takes in all that is wrong now, and says what people are told: what began, what goes on, then what is over.
    ///
    /// - Parameters:
    ///   - conditions: Everything that is wrong; what is missing is no longer.
    ///   - now: For the distances between tellings.
    ///   - time: For people.
    package mutating func observe(_ conditions: [AlertCondition], now: NIODeadline, time: UnixTime) -> [Alert] {
        var told: [Alert] = []
        for condition in conditions where self.rules.kinds.contains(condition.kind) {
            let name = Name(kind: condition.kind, subject: condition.subject)
            guard var trouble = self.troubles[name] else {
                guard self.troubles.count < Self.troublesMax else {
                    self.untold &+= 1
                    continue
                }
                self.troubles[name] = Trouble(condition: condition, since: time, lastSeen: now, lastTold: now)
                told.append(Alert(status: .firing, condition: condition, since: time, time: time))
                continue
            }
            trouble.lastSeen = now
            trouble.condition = condition
            if self.rules.repeatEvery > .zero, now - trouble.lastTold >= self.rules.repeatEvery {
                trouble.lastTold = now
                told.append(Alert(status: .still, condition: condition, since: trouble.since, time: time))
            }
            self.troubles[name] = trouble
        }
        return told + self.end(now: now, time: time)
    }

    private mutating func end(now: NIODeadline, time: UnixTime) -> [Alert] {
        let over = self.troubles.filter { name, trouble in
            trouble.lastSeen < now && now - trouble.lastSeen >= self.rules.calm || !self.rules.kinds.contains(name.kind)
        }
        for name in over.keys { self.troubles[name] = nil }
        return over.values
            .sorted { ($0.since, $0.condition.subject) < ($1.since, $1.condition.subject) }
            .map { Alert(status: .resolved, condition: $0.condition, since: $0.since, time: time) }
    }
}
