package import Core
internal import NIOConcurrencyHelpers

/// An agent as calls use it: its profile, and its intents once somebody asked for them.
package final class ReadyAgent: Sendable {
    package let profile: AgentProfile
    private let compiled = NIOLockedValueBox<IntentMatcher?>(nil)

    package init(_ profile: AgentProfile) { self.profile = profile }

    /// Its intents, compiled at the first call that needs them.
    package var intents: IntentMatcher? {
        self.compiled.withLockedValue { matcher in
            // They were compiled when the profile was read, so they can be.
            if matcher == nil { matcher = try? IntentMatcher(self.profile.intents) }
            return matcher
        }
    }
}

/// The agents in force, by group.
///
/// A group's own agents go before those that the settings give to every group. Of a group's own, one of the settings
/// goes before one of the store with the same id.
package struct AgentBook: Sendable {
    private let own: [GroupID: [String: ReadyAgent]]
    private let common: [String: ReadyAgent]

    /// Without any agent.
    package static let empty = AgentBook([])

    /// - Parameter old: Agents that did not change are taken over from it, compiled as they are.
    package init(_ profiles: [AgentProfile], reusing old: AgentBook? = nil) {
        var own: [GroupID: [String: ReadyAgent]] = [:]
        var common: [String: ReadyAgent] = [:]
        let ordered = profiles.filter { $0.source == .store } + profiles.filter { $0.source == .settings }
        for profile in ordered {
            let known = profile.group.map { old?.own[$0]?[profile.id] } ?? old?.common[profile.id]
            let agent = known.flatMap { $0.profile == profile ? $0 : nil } ?? ReadyAgent(profile)
            if let group = profile.group {
                own[group, default: [:]][profile.id] = agent
            } else {
                common[profile.id] = agent
            }
        }
        self.own = own
        self.common = common
    }

    /// The agent that a group means by an id.
    package func agent(_ id: String, for group: GroupID) -> AgentProfile? { self.ready(id, for: group)?.profile }

    /// The same, ready for a call.
    package func ready(_ id: String, for group: GroupID) -> ReadyAgent? {
        self.own[group]?[id] ?? self.common[id]
    }

    /// The ids that a group can use, in their order.
    package func ids(for group: GroupID) -> [String] {
        Set(self.common.keys).union(self.own[group].map { Set($0.keys) } ?? []).sorted()
    }

    /// All profiles that a group can use, by their ids.
    package func profiles(for group: GroupID) -> [AgentProfile] {
        self.ids(for: group).compactMap { self.agent($0, for: group) }
    }
}
