internal import Auth
package import Core
internal import Database
package import Metering

/// A call that this process remembers, with what decides who may see it.
package struct RememberedCall: Sendable {
    /// The caller's group; empty where nobody was let in.
    package let group: String
    /// The person who made it; empty where it was nobody's key.
    package let user: String
    package let keyID: String
    /// Its story.
    package let story: JSONValue

    package init(group: String, user: String, keyID: String, story: JSONValue) {
        self.group = group
        self.user = user
        self.keyID = keyID
        self.story = story
    }

    /// Whether somebody may know that there was such a call.
    ///
    /// Operators see every call, group administrators those of their group, everybody else those they made
    /// themselves: in person, or with the same key. What belongs to no group is for operators alone.
    func isVisible(to actor: Actor) -> Bool {
        if actor.role == .systemAdmin { return true }
        guard let group = actor.group, !self.group.isEmpty, group.text == self.group else { return false }
        if actor.role == .groupAdmin { return true }
        if let user = actor.user, user.text == self.user { return true }
        return actor.keyID.map { !$0.isEmpty && $0 == self.keyID } ?? false
    }
}

/// Why a request went as it did.
package struct RequestExplanation: Sendable {
    /// The newest call with that id, where this process remembers one.
    package let story: JSONValue?
    /// What the ledger has of it, the newest attempt first; looked up only where nobody remembers the call.
    package let rows: [LedgerRow]
    /// Calls with that id that are remembered and that the actor may see: clients choose ids.
    package let count: Int
}

extension Administration {
    /// How many of the newest rows of the ledger are searched for a call that nobody remembers.
    ///
    /// Request ids have no index: they would cost every call, for a question that is seldom asked so late.
    package static let searchedRowsMax: Int64 = 50_000

    /// Why a request went as it did.
    ///
    /// Waits for the store only where the call is not remembered.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND` where there is no such call, or none that the actor may see.
    package func explain(_ requestID: String, for actor: Actor) async throws(GatewayError) -> RequestExplanation {
        let remembered = self.surroundings.recentCalls(requestID).filter { $0.isVisible(to: actor) }
        if let newest = remembered.first {
            return RequestExplanation(story: newest.story, rows: [], count: remembered.count)
        }
        let query = try Self.scoped(UsageQuery(), to: actor)
        let rows: [LedgerRow]
        do {
            rows = try await self.database.read { session in
                try LedgerStore().rows(ofRequest: requestID, among: Self.searchedRowsMax, query, in: session)
            }
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
        // Of several calls with that id the newest is meant.
        let call = rows.first.map { $0.firstAttempt ?? $0.attempt }
        let attempts = rows.filter { $0.attempt != nil && ($0.firstAttempt ?? $0.attempt) == call }
        guard !attempts.isEmpty else {
            throw GatewayError(
                .notFound,
                "No such request is remembered: it may be under way still, too long ago, or not yours."
            )
        }
        let calls = Set(rows.filter { $0.attempt != nil }.map { ($0.firstAttempt ?? $0.attempt)?.value ?? 0 })
        return RequestExplanation(story: nil, rows: attempts, count: calls.count)
    }
}
