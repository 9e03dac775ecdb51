package import Core
internal import Synchronization

/// Who a request acts for, once its key is known.
///
/// One object per key, shared by all its calls.
package final class Principal: Sendable {
    /// The tenant.
    package let group: GroupID
    /// The public part of the key, safe to log.
    package let keyID: String
    /// Whom the key belongs to.
    package let owner: KeyOwner
    /// How far the native API reaches for this key: that of its user, `member` for any other key.
    package let role: Role
    package let scopes: KeyScopes
    /// The models this key may ask for: exact names, or a prefix and `*`.
    ///
    /// Nil means all.
    package let allowedModels: [String]?
    /// The paths of the API this key may call: exact, or a prefix and `*`.
    ///
    /// Nil means all that scopes and role allow.
    package let allowedRoutes: [String]?
    private let lastUseSecond = Atomic<Int64>(0)

    package init(
        group: GroupID,
        keyID: String,
        owner: KeyOwner = .group,
        role: Role = .member,
        scopes: KeyScopes = .inference,
        allowedModels: [String]? = nil,
        allowedRoutes: [String]? = nil
    ) {
        self.group = group
        self.keyID = keyID
        self.owner = owner
        self.role = role
        self.scopes = scopes
        self.allowedModels = allowedModels
        self.allowedRoutes = allowedRoutes
    }

    /// Notes a use; true once a second, so that most calls have nothing to write down.
    package func use(at time: UnixTime) -> Bool {
        let second = Int64(time.seconds)
        guard self.lastUseSecond.load(ordering: .relaxed) != second else { return false }
        self.lastUseSecond.store(second, ordering: .relaxed)
        return true
    }

    /// The user the key belongs to, if it belongs to one.
    package var user: UserID? {
        if case .user(let id) = self.owner { id } else { nil }
    }

    /// The agent the key belongs to, if it belongs to one.
    package var agent: String? {
        if case .agent(let id) = self.owner { id } else { nil }
    }

    /// Whether this key may ask for `model`, by the name the client used.
    package func mayUse(model: String) -> Bool { Self.isListed(model, in: self.allowedModels) }

    /// Whether this key may call `path`, in its normalised form, as far as its list of routes goes.
    package func mayCall(path: String) -> Bool { Self.isListed(path, in: self.allowedRoutes) }

    private static func isListed(_ name: String, in patterns: [String]?) -> Bool {
        guard let patterns else { return true }
        return patterns.contains { pattern in
            pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
        }
    }
}

/// Whom a gateway key belongs to, besides its group.
package enum KeyOwner: Sendable, Hashable {
    /// The group itself: an application, not a person.
    case group
    /// A person; the key has their role and ends with them.
    case user(UserID)
    /// An agent of the group, by its id.
    case agent(String)
}

/// What a key may be used for.
package struct KeyScopes: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Calls to models, in every dialect.
    package static let inference = KeyScopes(rawValue: 1)
    /// The native API, as far as the role of the key's user goes.
    package static let admin = KeyScopes(rawValue: 2)
}
