package import Auth
package import Core

/// What an action asks of an actor: the one rule about who may do what.
///
/// System administrators may do everything in every group. Group administrators reach into their own group, and no
/// further than a system administrator who happens to be in it. Members may look at themselves.
package struct Permission: Sendable, Equatable {
    /// The least role that may.
    package let minimum: Role
    /// The group whose object it is; nil if it belongs to none, or to all.
    package let group: GroupID?

    package init(_ minimum: Role, in group: GroupID? = nil) {
        self.minimum = minimum
        self.group = group
    }

    /// Refuses, or lets the action go on.
    ///
    /// Another group is as if it did not exist (row 44), before anything is said about the role.
    ///
    /// - Throws: `GatewayError` with `NOT_FOUND` or `FORBIDDEN`.
    package func check(_ actor: Actor) throws(GatewayError) {
        if actor.role == .systemAdmin { return }
        if let group = self.group, group != actor.group { throw Self.noSuchGroup }
        guard Self.rank(actor.role) >= Self.rank(self.minimum) else { throw Self.forbidden }
    }

    /// Keeps group administrators from making system administrators, and from changing them or their keys.
    ///
    /// - Throws: `GatewayError` with `FORBIDDEN`.
    static func checkReach(of actor: Actor, to role: Role) throws(GatewayError) {
        guard role != .systemAdmin || actor.role == .systemAdmin else {
            throw GatewayError(.forbidden, "Only a system administrator may do that to a system administrator.")
        }
    }

    /// The groups that an actor's lists show; nil for all.
    static func scope(of actor: Actor) -> GroupID? { actor.role == .systemAdmin ? nil : actor.group }

    static let noSuchGroup = GatewayError(.notFound, "There is no such group.")

    private static let forbidden = GatewayError(.forbidden, "Your key is good, but its role may not do this.")

    private static func rank(_ role: Role) -> Int {
        switch role {
        case .member: 0
        case .groupAdmin: 1
        case .systemAdmin: 2
        }
    }
}
