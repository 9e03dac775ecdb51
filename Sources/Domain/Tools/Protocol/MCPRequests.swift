package import Core

/// Writes what a client asks; pure.
package enum MCPRequests {
    /// What the gateway calls itself.
    package static func client(version: String) -> JSONValue {
        MCP.info(name: "turnpike", title: "Turnpike", version: version)
    }

    /// The first message of a session.
    static func initialize(client: JSONValue) -> JSONValue {
        [
            "protocolVersion": .string(MCP.sessionVersions[0]), "capabilities": [:], "clientInfo": client,
        ]
    }

    static func list(cursor: String?) -> JSONValue { cursor.map { ["cursor": .string($0)] } ?? [:] }

    /// A call of a tool.
    ///
    /// - Parameter progressToken: Nil: nobody wants to hear how it goes on.
    static func call(_ tool: String, arguments: JSONValue, progressToken: Int64?) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(tool)), ("arguments", arguments)]
        if let progressToken { members.append(("_meta", [(MCP.Meta.progressToken): .integer(progressToken)])) }
        return .object(members)
    }

    static func cancelled(_ id: RPCID, reason: String) -> RPCMessage {
        .notification(
            method: MCP.Method.cancelled,
            params: ["requestId": id.json, "reason": .string(reason)]
        )
    }

    /// Adds what each request of 2026-07-28 says about its sender.
    static func stateless(_ params: JSONValue, client: JSONValue) -> JSONValue {
        var members = params.objectValue ?? []
        var meta = params["_meta"]?.objectValue ?? []
        meta += [
            (MCP.Meta.version, .string(MCP.statelessVersion)),
            (MCP.Meta.clientInfo, client),
            (MCP.Meta.clientCapabilities, .object([])),
        ]
        members.removeAll { $0.0 == "_meta" }
        members.append(("_meta", .object(meta)))
        return .object(members)
    }

    /// What a request of the server is answered with: nothing that it could ask is done here, but a ping is.
    static func answer(to method: String, _ id: RPCID) -> RPCMessage {
        guard method == MCP.Method.ping else {
            return .failure(id: id, RPCFault(RPCFault.methodNotFound, "This client does not do that."))
        }
        return .result(id: id, [:])
    }
}
