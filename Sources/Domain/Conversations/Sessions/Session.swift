package import Core

/// A conversation that is kept.
///
/// What is said in it are its messages, numbered from 1 without gaps; the system prompt is not one of them.
package struct Session: Sendable, Equatable {
    /// `ses_` and 26 letters and digits: 130 random bits.
    package let id: String
    package let group: GroupID
    /// Whose it is.
    package let owner: SessionOwner
    /// The agent that answers in it; nil for none.
    package internal(set) var agentID: String?
    /// The model that answers unless a message names another; nil: the agent's, else the default one.
    package internal(set) var model: String?
    /// What the model is told before everything else; at most `SessionRule.systemBytesMax`.
    package internal(set) var system: String?
    /// Shown to people; empty as long as nobody has given one.
    package internal(set) var title: String
    /// Nil: as the agent has it, else `HistoryWish.standard`.
    package internal(set) var history: HistoryWish?
    package let createdAt: UnixTime
    /// When somebody last changed what is said above.
    package internal(set) var updatedAt: UnixTime
    /// When the last message began or ended; nil without messages.
    package internal(set) var lastUsedAt: UnixTime?
    /// The number of the next message.
    package internal(set) var nextSeq: Int
    /// An estimate of the tokens of all messages together.
    package internal(set) var tokens: Int
    /// What a model made of the messages up to one; nil if none did.
    package internal(set) var summary: SessionSummary?
    /// Where the first messages were copied from; nil for nowhere.
    package internal(set) var forkedFrom: SessionFork?

    /// Made by the store; also by tests of what only looks at parts of it.
    package init(
        id: String,
        group: GroupID,
        owner: SessionOwner,
        agentID: String? = nil,
        model: String? = nil,
        system: String? = nil,
        title: String = "",
        history: HistoryWish? = nil,
        createdAt: UnixTime,
        updatedAt: UnixTime? = nil,
        lastUsedAt: UnixTime? = nil,
        nextSeq: Int,
        tokens: Int,
        summary: SessionSummary? = nil,
        forkedFrom: SessionFork? = nil
    ) {
        self.id = id
        self.group = group
        self.owner = owner
        self.agentID = agentID
        self.model = model
        self.system = system
        self.title = title
        self.history = history
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
        self.lastUsedAt = lastUsedAt
        self.nextSeq = nextSeq
        self.tokens = tokens
        self.summary = summary
        self.forkedFrom = forkedFrom
    }

    /// How many messages there are.
    package var count: Int { self.nextSeq - 1 }
}

/// Messages in other words.
package struct SessionSummary: Sendable, Equatable {
    package let text: String
    /// The last message that is in it.
    package let throughSeq: Int

    package init(text: String, throughSeq: Int) {
        self.text = text
        self.throughSeq = throughSeq
    }
}

/// The message that a session was forked from, which may be gone since.
package struct SessionFork: Sendable, Equatable {
    package let session: String
    /// The last message that was copied; 0 for none.
    package let seq: Int

    package init(session: String, seq: Int) {
        self.session = session
        self.seq = seq
    }
}

/// Whose a session is.
package enum SessionOwner: Sendable, Hashable {
    /// A person's, whichever of their keys and tokens they come with.
    case user(UserID)
    /// A gateway key's that is nobody's: an application's, or an agent's.
    ///
    /// A key that takes its place takes its sessions too.
    case key(String)

    /// Whose sessions a caller makes.
    ///
    /// - Parameters:
    ///   - user: The person whose key or token it is; nil for none.
    ///   - keyID: The public part of the key.
    package init(user: UserID?, keyID: String) {
        self = user.map { .user($0) } ?? .key(keyID)
    }
}

/// Which sessions somebody may see; all others are as if they did not exist (row 44).
package struct SessionAccess: Sendable, Hashable {
    /// Nil for all groups.
    package let group: GroupID?
    /// Nil for all owners.
    package let owner: SessionOwner?

    /// One's own alone.
    package static func own(_ owner: SessionOwner, in group: GroupID) -> SessionAccess {
        SessionAccess(group: group, owner: owner)
    }

    /// All of a group, as its administrators have it.
    package static func group(_ group: GroupID) -> SessionAccess { SessionAccess(group: group, owner: nil) }

    /// All, as operators and system administrators have it.
    package static let all = SessionAccess(group: nil, owner: nil)
}
