internal import Core
internal import Operations
internal import Tools

extension AdminAPI {
    func tools(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        let (server, body) = (context.path["server"] ?? "", context.body)
        switch action {
        case .approveTools:
            let report = try await self.administration.approveTools(
                of: server,
                body.texts("tools"),
                digest: body.text("digest"),
                by: context.actor
            )
            return .object(AdminJSON.toolServer(report))
        case .callTool:
            let outcome = try await self.administration.callTool(
                body.requiredText("tool"),
                of: server,
                arguments: .object(body.members("arguments") ?? []),
                by: context.actor
            )
            return .object([
                "text": .string(outcome.text), "structured": outcome.structured ?? .null,
                "isError": .bool(outcome.isError),
            ])
        case .getTools:
            return .object(AdminJSON.toolServer(try await self.administration.getTools(of: server, by: context.actor)))
        default:
            let isFresh = context.query.flag("fresh") ?? false
            let reports = try await self.administration.listTools(isFresh: isFresh, by: context.actor)
            return .list(["data": .array(reports.map { AdminJSON.toolServer($0) }), "nextCursor": .null])
        }
    }
}

extension AdminJSON {
    static func toolServer(_ report: ToolServerReport) -> JSONValue {
        let figures = report.figures
        return [
            "name": .string(report.name),
            "kind": .string(report.kind),
            "address": report.address.isEmpty ? .null : .string(report.address),
            "error": report.error.map { .string($0.description) } ?? .null,
            "calls": .integer(Int64(clamping: figures.calls)),
            "failedCalls": .integer(Int64(clamping: figures.errors.values.reduce(0) { $0 &+ $1 })),
            "runningCalls": .integer(Int64(figures.running)),
            "tools": .array(report.tools.map { Self.tool($0) }),
        ]
    }

    private static func tool(_ tool: ListedTool) -> JSONValue {
        let definition = tool.definition
        return [
            "name": .string(definition.name),
            "title": definition.title.map { .string($0) } ?? .null,
            "description": .string(definition.description),
            "inputSchema": definition.inputSchema,
            "readOnly": .bool(definition.isReadOnly),
            "destructive": .bool(definition.isDestructive),
            "idempotent": .bool(definition.isIdempotent),
            "standing": .string(tool.standing.rawValue),
            "digest": .string(tool.digest),
            "approvedBy": tool.approvedBy.map { .string($0) } ?? .null,
        ]
    }
}

extension AdminAction {
    static let toolApproval = BodyShape(properties: [
        .init("tools", .texts, "Names of the tools; all of the server that are not approved if not given."),
        .init("digest", .text, "The hash that the one tool must have, so that nothing is approved unseen."),
    ])

    static let toolCall = BodyShape(properties: [
        .init("tool", .text, isRequired: true, "The tool, as its server calls it."),
        .init("arguments", .object, "What it is called with; nothing if not given."),
    ])

    static let toolFilter = BodyShape(properties: [
        .init("fresh", .flag, "Whether each server is asked now; lists may be a minute old otherwise.")
    ])
}
