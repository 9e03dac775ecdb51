/// What a person may do beyond making calls.
package enum Role: String, Sendable, Hashable, CaseIterable {
    /// Everything, in every group.
    case systemAdmin = "system_admin"
    /// Everything in their own group.
    case groupAdmin = "group_admin"
    /// Calls alone.
    case member
}
