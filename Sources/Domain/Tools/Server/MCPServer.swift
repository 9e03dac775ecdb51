package import Core

/// Serves the tools of this process to clients of MCP, in both generations; without a transport.
///
/// A value without state: what a session is, its transport knows.
package struct MCPServer: Sendable {
    /// How long a client may keep what it was told, in milliseconds (MCP 2026-07-28).
    static let keepMilliseconds: Int64 = 60_000

    package let local: LocalToolServer

    package init(_ local: LocalToolServer) { self.local = local }

    /// Answers a message; nil where there is nothing to be answered.
    ///
    /// - Parameter caller: For whom tools are called; the transport knows, never the message.
    package func answer(_ message: RPCMessage, for caller: ToolCaller) async -> RPCMessage? {
        guard case .request(let id, let method, let params) = message else { return nil }
        do throws(RPCFault) {
            return .result(id: id, try await self.result(method, params, caller))
        } catch {
            return .failure(id: id, error)
        }
    }

    /// Whether a message says itself that it is of the newer generation.
    package static func isStateless(_ params: JSONValue) -> Bool { params["_meta"]?[MCP.Meta.version] != nil }

    private func result(
        _ method: String,
        _ params: JSONValue,
        _ caller: ToolCaller
    ) async throws(RPCFault) -> JSONValue {
        let isStateless = Self.isStateless(params)
        if isStateless { try Self.checkEnvelope(params) }
        switch method {
        case MCP.Method.initialize where !isStateless: return self.begin(params)
        case MCP.Method.ping where !isStateless: return [:]
        case MCP.Method.discover:
            guard isStateless else {
                throw RPCFault(RPCFault.invalidRequest, "A request of this generation says its version in _meta.")
            }
            return self.complete(
                [
                    ("supportedVersions", .array(([MCP.statelessVersion] + MCP.sessionVersions).map { .string($0) })),
                    ("capabilities", ["tools": [:]]),
                    ("instructions", .string(self.local.instructions)),
                ],
                mayBeKept: true
            )
        case MCP.Method.listTools:
            guard params["cursor"]?.isNull ?? true else {
                throw RPCFault(RPCFault.invalidParams, "There is one page alone.")
            }
            let tools: [(String, JSONValue)] = [("tools", .array(self.local.tools.map(\.json)))]
            return isStateless ? self.complete(tools, mayBeKept: true) : .object(tools)
        case MCP.Method.callTool:
            let members = try await self.call(params, caller)
            return isStateless ? self.complete(members, mayBeKept: false) : .object(members)
        default:
            throw RPCFault(RPCFault.methodNotFound, "There is no such method here.")
        }
    }

    private static func checkEnvelope(_ params: JSONValue) throws(RPCFault) {
        guard let version = params["_meta"]?[MCP.Meta.version]?.stringValue else {
            throw RPCFault(RPCFault.invalidParams, "'\(MCP.Meta.version)' must be a text.")
        }
        guard version == MCP.statelessVersion else {
            throw RPCFault(
                RPCFault.unsupportedVersion,
                "This version is not spoken here.",
                data: [
                    "supported": .array(([MCP.statelessVersion] + MCP.sessionVersions).map { .string($0) }),
                    "requested": .string(SafeText.line(version, max: 64)),
                ]
            )
        }
        guard params["_meta"]?[MCP.Meta.clientCapabilities]?.objectValue != nil else {
            throw RPCFault(RPCFault.invalidParams, "'\(MCP.Meta.clientCapabilities)' must be an object.")
        }
    }

    private var info: JSONValue {
        MCP.info(name: "turnpike-\(self.local.name)", title: self.local.title, version: self.local.version)
    }

    /// The answer to `initialize`: the client's version where it is spoken here, else the newest that is.
    private func begin(_ params: JSONValue) -> JSONValue {
        let asked = params["protocolVersion"]?.stringValue ?? ""
        let version = MCP.sessionVersions.contains(asked) ? asked : MCP.sessionVersions[0]
        return [
            "protocolVersion": .string(version),
            "capabilities": ["tools": ["listChanged": false]],
            "serverInfo": self.info,
            "instructions": .string(self.local.instructions),
        ]
    }

    /// A result of the newer generation.
    private func complete(_ members: [(String, JSONValue)], mayBeKept: Bool) -> JSONValue {
        var members = members
        members.append(("resultType", "complete"))
        if mayBeKept { members += [("ttlMs", .integer(Self.keepMilliseconds)), ("cacheScope", "public")] }
        members.append(("_meta", [(MCP.Meta.serverInfo): self.info]))
        return .object(members)
    }

    private func call(_ params: JSONValue, _ caller: ToolCaller) async throws(RPCFault) -> [(String, JSONValue)] {
        guard let name = params["name"]?.stringValue, self.local.tools.contains(where: { $0.name == name }) else {
            throw RPCFault(RPCFault.invalidParams, "There is no such tool.")
        }
        let arguments = params["arguments"].flatMap { $0.isNull ? nil : $0 } ?? [:]
        guard arguments.objectValue != nil else {
            throw RPCFault(RPCFault.invalidParams, "'arguments' must be an object.")
        }
        do throws(ToolError) {
            let outcome = try await self.local.call(name, arguments, caller)
            var members: [(String, JSONValue)] = [
                ("content", [["type": "text", "text": .string(outcome.text)]]), ("isError", .bool(outcome.isError)),
            ]
            if let structured = outcome.structured { members.append(("structuredContent", structured)) }
            return members
        } catch {
            throw RPCFault(RPCFault.internalError, error.description)
        }
    }
}
