internal import Auth
package import Core
internal import Database
internal import NIOCore
package import Tools

extension Administration {
    /// All tool servers with their tools.
    ///
    /// - Parameter isFresh: Whether each is asked now, 25 s at most; else lists may be a minute old.
    /// - Throws: `GatewayError`; what is wrong with a server is in its report.
    package func listTools(isFresh: Bool, by actor: Actor) async throws(GatewayError) -> [ToolServerReport] {
        try Permission(.groupAdmin).check(actor)
        return await (try self.tools()).reports(isFresh: isFresh).map { $0.shown(to: actor) }
    }

    /// One tool server, asked now.
    ///
    /// - Throws: `GatewayError`; `NOT_FOUND` for a server that the settings do not name.
    package func getTools(of server: String, by actor: Actor) async throws(GatewayError) -> ToolServerReport {
        try Permission(.groupAdmin).check(actor)
        return try await self.report(on: server).shown(to: actor)
    }

    /// Approves tools of a server as they are now; calls of them are let through from then on.
    ///
    /// - Parameters:
    ///   - names: Which; nil for all that are not approved.
    ///   - digest: What the one tool's hash has to be, for a person who looked at it before; nil: whatever it is.
    /// - Throws: `GatewayError`; `NOT_FOUND` for a tool that the server does not have, `CONFLICT` for one that is
    ///   another by now, or that the settings pin.
    package func approveTools(
        of server: String,
        _ names: [String]?,
        digest: String?,
        by actor: Actor
    ) async throws(GatewayError) -> ToolServerReport {
        let deed = Deed("tool.approve", server)
        try await self.admit(actor, Permission(.systemAdmin), deed)
        let report = try await self.report(on: server)
        if let error = report.error { throw GatewayError(error) }
        let chosen = try Self.choose(names, digest: digest, of: report)
        let approver = actor.name
        try await self.change(deed, by: actor, needing: Permission(.systemAdmin)) { session, now, deed in
            let pins = chosen.map { tool in
                ToolPin(
                    name: ToolName(server: server, tool: tool.definition.name),
                    digest: tool.digest,
                    approvedBy: approver,
                    approvedAt: now
                )
            }
            try PinStore().approve(pins, in: session)
            deed.details = [("tools", .object(pins.prefix(50).map { ($0.name.tool, .string($0.digest)) }))]
        }
        try self.tools().forgetLists()
        return try await self.report(on: server)
    }

    private static func choose(
        _ names: [String]?,
        digest: String?,
        of report: ToolServerReport
    ) throws(GatewayError) -> [ListedTool] {
        guard let names else { return report.tools.filter { $0.standing != .approved && $0.approvedBy != "settings" } }
        guard digest == nil || names.count == 1 else { throw .invalid("digest", expected: "for one tool alone") }
        var chosen: [ListedTool] = []
        for name in names {
            guard let tool = report.tools.first(where: { $0.definition.name == name }) else {
                throw GatewayError(ToolError.unknownTool(ToolName(server: report.name, tool: name)))
            }
            guard digest.map({ $0 == tool.digest }) ?? true else {
                throw GatewayError(.conflict, "The tool is another one by now. Look at it again.")
            }
            guard tool.approvedBy != "settings" else {
                throw GatewayError(.conflict, "The settings say which hash '\(tool.definition.name)' must have.")
            }
            chosen.append(tool)
        }
        return chosen
    }

    /// Calls a tool, to try it.
    ///
    /// - Throws: `GatewayError`.
    package func callTool(
        _ tool: String,
        of server: String,
        arguments: JSONValue,
        by actor: Actor
    ) async throws(GatewayError) -> ToolOutcome {
        let deed = Deed("tool.call", "\(server)/\(tool)")
        try await self.change(deed, by: actor, needing: Permission(.systemAdmin)) { _, _, _ in }
        let caller = ToolCaller(
            group: actor.group ?? .defaultGroup,
            user: actor.user,
            key: actor.keyID.map { GatewayKeyID($0) },
            requestID: actor.requestID
        )
        let tools = try self.tools()
        do throws(ToolError) {
            return try await tools.call(
                ToolName(server: server, tool: tool),
                arguments: arguments,
                for: caller,
                deadline: .now() + .seconds(60)
            )
        } catch {
            throw GatewayError(error)
        }
    }

    private func report(on server: String) async throws(GatewayError) -> ToolServerReport {
        let tools = try self.tools()
        do throws(ToolError) {
            return try await tools.report(on: server, isFresh: true)
        } catch {
            throw GatewayError(error)
        }
    }

    private func tools() throws(GatewayError) -> ToolServers {
        guard let tools = self.surroundings.tools else {
            throw GatewayError(.notFound, "There are no tool servers here.")
        }
        return tools
    }
}

extension ToolServerReport {
    /// Where a server is is the business of those who run the gateway.
    fileprivate func shown(to actor: Actor) -> ToolServerReport {
        guard actor.role != .systemAdmin else { return self }
        var shown = self
        shown.address = ""
        return shown
    }
}
