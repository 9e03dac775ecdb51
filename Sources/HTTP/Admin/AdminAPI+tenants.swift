internal import Auth
internal import Core
internal import Operations

extension AdminAPI {
    func groups(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (body, actor, group) = (context.body, context.actor, context.group)
        switch action {
        case .listGroups:
            let page = try await self.administration.listGroups(context.page(), by: actor)
            return .list(AdminJSON.page(page, AdminJSON.group))
        case .createGroup:
            let made = try await self.administration.createGroup(
                id: body.text("id").map { GroupID($0) },
                name: body.text("name"),
                by: actor
            )
            return .object(AdminJSON.group(made), at: "/api/v1/groups/\(made.id)")
        case .renameGroup:
            let name = body.requiredText("name")
            return .object(AdminJSON.group(try await self.administration.renameGroup(group, to: name, by: actor)))
        case .deleteGroup:
            try await self.administration.deleteGroup(group, by: actor)
            return .nothing
        default:
            return .object(AdminJSON.group(try await self.administration.group(group, by: actor)))
        }
    }

    func users(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, group, user) = (context.actor, context.group, context.user)
        switch action {
        case .listUsers:
            let query = context.query
            let filter = UserStore.Filter(
                role: query.text("role").flatMap(Role.init(rawValue:)),
                isEnabled: query.flag("disabled").map(!),
                email: query.text("email")
            )
            let page = try await self.administration.listUsers(context.page(), of: group, filter: filter, by: actor)
            return .list(AdminJSON.page(page, AdminJSON.user))
        case .createUser:
            let made = try await self.administration.createUser(Self.newUser(context.body), in: group, by: actor)
            return .object(AdminJSON.user(made), at: "/api/v1/groups/\(group)/users/\(made.id)")
        case .updateUser:
            let body = context.body
            let changes = UserStore.Changes(
                name: body.text("name"),
                email: body.has("email") ? .some(body.text("email")) : nil,
                role: body.text("role").flatMap(Role.init(rawValue:))
            )
            let changed = try await self.administration.updateUser(
                user,
                of: group,
                changes,
                isEnabled: body.flag("disabled").map(!),
                by: actor
            )
            return .object(AdminJSON.user(changed))
        case .deleteUser:
            try await self.administration.deleteUser(user, of: group, by: actor)
            return .nothing
        default:
            return .object(AdminJSON.user(try await self.administration.user(user, of: group, by: actor)))
        }
    }

    private static func newUser(_ body: Body) throws(GatewayError) -> NewUser {
        var user = NewUser(name: body.requiredText("name"), email: body.text("email"))
        if let role = body.text("role").flatMap(Role.init(rawValue:)) { user.role = role }
        switch (body.text("issuer"), body.text("subject")) {
        case (nil, nil): break
        case (let issuer?, let subject?): user.identity = User.Identity(issuer: issuer, subject: subject)
        case (nil, _): throw .invalid("issuer", expected: "there with subject")
        case (_, nil): throw .invalid("subject", expected: "there with issuer")
        }
        return user
    }

    func keys(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, group, key, now) = (context.actor, context.group, context.key, context.now)
        switch action {
        case .listKeys:
            let filter = GatewayKeyStore.Filter(
                owner: try Self.owner(context.query),
                isActive: context.query.flag("active")
            )
            let page = try await self.administration.listKeys(context.page(), of: group, filter: filter, by: actor)
            return .list(AdminJSON.page(page) { AdminJSON.key($0, now: now) })
        case .createKey:
            let made = try await self.administration.createKey(Self.keyDraft(context.body), in: group, by: actor)
            return .object(
                AdminJSON.issued(made, now: now),
                at: "/api/v1/groups/\(group)/keys/\(made.record.id)"
            )
        case .updateKey:
            let changes = try Self.keyChanges(context.body)
            let changed = try await self.administration.updateKey(key, of: group, changes, by: actor)
            return .object(AdminJSON.key(changed, now: now))
        case .revokeKey:
            let ended = try await self.administration.revokeKey(key, of: group, by: actor)
            return .object(AdminJSON.key(ended, now: now))
        case .rotateKey:
            let seconds = context.body.whole("overlapSeconds") ?? AdminAction.standardOverlap
            let pair = try await self.administration.rotateKey(key, of: group, overlap: .seconds(seconds), by: actor)
            return .object(
                AdminJSON.issued(pair.new, replacing: pair.old, now: now),
                at: "/api/v1/groups/\(group)/keys/\(pair.new.record.id)"
            )
        default:
            return .object(AdminJSON.key(try await self.administration.key(key, of: group, by: actor), now: now))
        }
    }

    /// Nil if neither a person nor an agent is named.
    private static func owner(_ body: Body) throws(GatewayError) -> KeyOwner? {
        switch (body.text("userId"), body.text("agentId")) {
        case (nil, nil): return nil
        case (let user?, nil): return .user(UserID(user))
        case (nil, let agent?): return .agent(agent)
        case (_?, _?): throw .invalid("agentId", expected: "left out if there is a userId")
        }
    }

    private static func scopes(_ body: Body) throws(GatewayError) -> KeyScopes? {
        guard let names = body.texts("scopes") else { return nil }
        do throws(TenantError) {
            return try KeyScopes(names: names)
        } catch {
            throw GatewayError(administration: error, isChange: false)
        }
    }

    private static func keyDraft(_ body: Body) throws(GatewayError) -> GatewayKeyRecord.Draft {
        GatewayKeyRecord.Draft(
            name: body.requiredText("name"),
            owner: try Self.owner(body) ?? .group,
            scopes: try Self.scopes(body) ?? .inference,
            allowedModels: body.texts("allowedModels"),
            allowedRoutes: body.texts("allowedRoutes"),
            expiresAt: body.time("expiresAt")
        )
    }

    private static func keyChanges(_ body: Body) throws(GatewayError) -> GatewayKeyStore.Changes {
        GatewayKeyStore.Changes(
            name: body.text("name"),
            scopes: try Self.scopes(body),
            allowedModels: body.has("allowedModels") ? .some(body.texts("allowedModels")) : nil,
            allowedRoutes: body.has("allowedRoutes") ? .some(body.texts("allowedRoutes")) : nil,
            expiresAt: body.has("expiresAt") ? .some(body.time("expiresAt")) : nil
        )
    }
}
