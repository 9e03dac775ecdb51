/// Which targets an operator means.
package struct GuardSelector: Sendable, Equatable {
    package var provider: String
    /// Nil: all of the provider's models.
    package var model: String?
    /// Nil: whatever key is used.
    package var credentialID: String?

    package init(provider: String, model: String? = nil, credentialID: String? = nil) {
        self.provider = provider
        self.model = model
        self.credentialID = credentialID
    }

    func matches(_ target: TargetGuard) -> Bool {
        self.provider == target.provider.name && self.model.map { $0 == target.model } ?? true
            && self.credentialID.map { $0 == target.credentialID } ?? true
    }

    /// Whether all that `other` means is meant.
    func includes(_ other: GuardSelector) -> Bool {
        guard self.provider == other.provider, self.model == nil || self.model == other.model else { return false }
        return self.credentialID == nil || self.credentialID == other.credentialID
    }
}
