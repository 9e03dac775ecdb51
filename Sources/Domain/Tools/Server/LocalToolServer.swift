package import Core
package import NIOCore

/// A tool server that is a part of this program: what MCP clients are served, and what the gateway's own agents reach
/// without any connection.
package struct LocalToolServer: Sendable {
    package typealias Call =
        @Sendable (_ tool: String, _ arguments: JSONValue, _ caller: ToolCaller) async throws(ToolError) -> ToolOutcome

    /// Its name in grants.
    package let name: String
    package let title: String
    package let version: String
    /// For models, about all of its tools.
    package let instructions: String
    package let tools: [ToolDefinition]
    /// Calls one of `tools`; arguments are an object.
    package let call: Call

    package init(
        name: String,
        title: String,
        version: String,
        instructions: String,
        tools: [ToolDefinition],
        call: @escaping Call
    ) {
        self.name = name
        self.title = title
        self.version = version
        self.instructions = instructions
        self.tools = tools
        self.call = call
    }
}

/// The way to a server of this process.
package final class LocalLink: ServerLink {
    private let local: LocalToolServer

    package init(_ local: LocalToolServer) { self.local = local }

    package func list() async throws(ToolError) -> [ToolDefinition] { self.local.tools }

    package func call(
        _ tool: ToolDefinition,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome {
        try await self.local.call(tool.name, arguments, caller)
    }

    package func run() async {}
    package func close() {}
}
