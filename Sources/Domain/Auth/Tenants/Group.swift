package import Core

/// A tenant.
package struct Group: Sendable, Equatable {
    package let id: GroupID
    /// Shown to people; need not be unique.
    package var name: String
    package let createdAt: UnixTime
    package var updatedAt: UnixTime

    /// Takes what a caller wants to make.
    ///
    /// - Parameter name: The id if nil.
    /// - Throws: `TenantError.invalid` for an id or a name that breaks `TenantRule`.
    package init(id: GroupID, name: String? = nil, now: UnixTime) throws(TenantError) {
        try TenantRule.checkID(id.text, field: "id")
        self.id = id
        self.name = try TenantRule.name(name ?? id.text)
        self.createdAt = now
        self.updatedAt = now
    }

    /// Takes what was stored.
    init(stored id: GroupID, name: String, createdAt: UnixTime, updatedAt: UnixTime) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
