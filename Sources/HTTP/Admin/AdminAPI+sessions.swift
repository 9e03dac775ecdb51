internal import Conversations
internal import Core
internal import NIOCore
internal import Operations

extension AdminAPI {
    func sessions(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (actor, id, body) = (context.actor, context.session, context.body)
        switch action {
        case .listSessions:
            let query = context.query
            let wanted = SessionsWanted(
                group: query.text("group").map { GroupID($0) },
                user: query.text("user"),
                key: query.text("key"),
                agentID: query.text("agent")
            )
            let page = try await self.administration.listSessions(context.page(), wanted, by: actor)
            return .list(AdminJSON.page(page, \.json))
        case .createSession:
            let draft = SessionDraft(
                title: body.text("title") ?? "",
                agentID: body.text("agentId"),
                model: body.text("model"),
                system: body.text("system"),
                history: body.history("history")
            )
            let made = try await self.administration.createSession(draft, by: actor)
            return .object(made.json, at: "/api/v1/sessions/\(made.id)")
        case .updateSession:
            let changes = SessionChanges(
                title: body.has("title") ? body.text("title") ?? "" : nil,
                agentID: body.has("agentId") ? .some(body.text("agentId")) : nil,
                model: body.has("model") ? .some(body.text("model")) : nil,
                system: body.has("system") ? .some(body.text("system")) : nil,
                history: body.has("history") ? .some(body.history("history")) : nil
            )
            return .object(try await self.administration.updateSession(id, changes, by: actor).json)
        case .deleteSession:
            try await self.administration.deleteSession(id, by: actor)
            return .nothing
        case .listMessages:
            return try await self.messages(of: id, context)
        case .forkSession:
            let (seq, title) = (body.whole("seq"), body.text("title"))
            let made = try await self.administration.forkSession(id, at: seq, title: title, by: actor)
            return .object(made.json, at: "/api/v1/sessions/\(made.id)")
        default:
            return .object(try await self.administration.session(id, by: actor).json)
        }
    }

    /// A page of messages, each with its content as it was said.
    private func messages(of id: String, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let query = context.query
        var page = MessagePage(
            limit: query.whole("limit") ?? MessagePage.standardLimit,
            newestFirst: query.text("order") == "desc",
            after: query.whole("after"),
            before: query.whole("before")
        )
        if let cursor = query.text("cursor") {
            guard let seq = Int(cursor), seq > 0 else {
                throw .invalid("cursor", expected: "the nextCursor of the page before")
            }
            if page.newestFirst {
                page.before = min(seq, page.before ?? seq)
            } else {
                page.after = max(seq, page.after ?? seq)
            }
        }
        let found = try await self.administration.sessionMessages(page, of: id, by: context.actor)
        var bytes = ByteBuffer()
        bytes.reserveCapacity(found.messages.reduce(64) { $0 + $1.content.readableBytes + 512 })
        bytes.writeStaticString("{\"data\":[")
        for (index, message) in found.messages.enumerated() {
            if index > 0 { bytes.writeStaticString(",") }
            message.write(into: &bytes)
        }
        bytes.writeStaticString("],\"nextCursor\":")
        bytes.writeString(found.next.map { "\"\($0)\"" } ?? "null")
        bytes.writeStaticString("}")
        return AdminAnswer(status: 200, bytes: bytes)
    }
}
