internal import Audit
internal import Core
internal import Operations
internal import Vault

extension AdminAPI {
    func credentials(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, group, id, body) = (context.actor, context.group, context.credential, context.body)
        let stored: StoredCredential
        switch action {
        case .listCredentials:
            return try await self.listCredentials(context)
        case .createCredential:
            let draft = CredentialDraft(
                provider: body.requiredText("provider"),
                key: body.requiredSecret("apiKey"),
                isTested: body.flag("test") ?? false
            )
            stored = try await self.administration.createCredential(draft, in: group, by: actor)
            return .object(AdminJSON.credential(stored), at: Self.path(of: stored))
        case .replaceCredential:
            stored = try await self.administration.replaceCredential(
                id,
                of: group,
                with: body.requiredSecret("apiKey"),
                isTested: body.flag("test") ?? false,
                by: actor
            )
            return .object(AdminJSON.credential(stored), at: Self.path(of: stored))
        case .deleteCredential:
            try await self.administration.deleteCredential(id, of: group, by: actor)
            return .nothing
        case .deactivateCredential, .activateCredential:
            let isActive = action == .activateCredential
            stored = try await self.administration.setCredential(id, of: group, isActive: isActive, by: actor)
        case .testCredential:
            stored = try await self.administration.testCredential(id, of: group, by: actor)
        default:
            stored = try await self.administration.credential(id, of: group, by: actor)
        }
        return .object(AdminJSON.credential(stored))
    }

    private func listCredentials(_ context: Context) async throws(GatewayError) -> AdminAnswer {
        let query = context.query
        let page = try await self.administration.listCredentials(
            of: context.group,
            filter: CredentialFilter(
                provider: query.text("provider"),
                isActive: query.flag("active"),
                isRejected: query.flag("rejected")
            ),
            after: query.text("cursor"),
            limit: context.limit,
            by: context.actor
        )
        return .list(AdminJSON.list(page.items.map(AdminJSON.credential), next: page.next))
    }

    private static func path(of stored: StoredCredential) -> String {
        "/api/v1/groups/\(stored.record.group)/credentials/\(stored.record.id)"
    }

    func audit(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let query = context.query
        if action == .verifyAudit {
            var known: AuditHead?
            if let text = query.text("head") {
                guard let head = AuditHead(text) else { throw .invalid("head", expected: "an end that verify gave") }
                known = head
            }
            let verdict = try await self.administration.verifyAudit(against: known, by: context.actor)
            return .object(AdminJSON.verdict(verdict))
        }
        let filter = AuditFilter(
            group: query.text("group").map { GroupID($0) },
            actor: query.text("actor"),
            action: query.text("action"),
            objectKind: query.text("objectKind"),
            objectID: query.text("objectId"),
            outcome: query.text("outcome").flatMap(AuditEntry.Outcome.init(rawValue:)),
            requestID: query.text("requestId"),
            since: query.time("since"),
            until: query.time("until")
        )
        let page = try await self.administration.listAudit(
            filter,
            after: query.text("cursor"),
            limit: context.limit,
            by: context.actor
        )
        return .list(AdminJSON.list(page.records.map(AdminJSON.record), next: page.next))
    }
}
