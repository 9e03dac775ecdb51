package import Core

/// Who a request acts for, once its key is known.
///
/// One object per key, shared by all its calls.
package final class Principal: Sendable {
    /// The tenant.
    package let group: GroupID
    /// The public part of the key, safe to log.
    package let keyID: String
    /// The user or agent the key belongs to, as the operator named it; nil for a key of the group itself.
    package let owner: String?
    package let scopes: KeyScopes
    /// The models this key may ask for: exact names, or a prefix and `*`.
    ///
    /// Nil means all.
    package let allowedModels: [String]?

    package init(
        group: GroupID,
        keyID: String,
        owner: String? = nil,
        scopes: KeyScopes = .inference,
        allowedModels: [String]? = nil
    ) {
        self.group = group
        self.keyID = keyID
        self.owner = owner
        self.scopes = scopes
        self.allowedModels = allowedModels
    }

    /// Whether this key may ask for `model`, by the name the client used.
    package func mayUse(model: String) -> Bool {
        guard let allowed = self.allowedModels else { return true }
        return allowed.contains { pattern in
            pattern.hasSuffix("*") ? model.hasPrefix(pattern.dropLast()) : model == pattern
        }
    }
}

/// What a key may be used for.
package struct KeyScopes: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Calls to models, in every dialect.
    package static let inference = KeyScopes(rawValue: 1)
    /// Everything under the native API, all groups.
    package static let admin = KeyScopes(rawValue: 2)
}
