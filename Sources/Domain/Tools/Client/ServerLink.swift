package import Core
package import NIOCore

/// One way to a tool server, whatever it is made of: HTTP, a program's standard input and output, or this process.
///
/// Safe to use from anywhere, by several callers at once. Whoever calls bounds the time: a cancelled caller is let go
/// at once, and the server is told.
package protocol ServerLink: Sendable {
    /// All tools of the server.
    func list() async throws(ToolError) -> [ToolDefinition]

    /// Calls a tool.
    ///
    /// - Parameters:
    ///   - tool: As the server listed it.
    ///   - progress: Called with what the server says of how it goes on; nil: nobody wants to know.
    func call(
        _ tool: ToolDefinition,
        arguments: JSONValue,
        for caller: ToolCaller,
        deadline: NIODeadline,
        progress: (@Sendable (String) -> Void)?
    ) async throws(ToolError) -> ToolOutcome

    /// Lives with what the link needs, such as its program; returns when the link is closed.
    func run() async

    /// Ends the link: what waits fails with `ToolError.closed`.
    func close()
}

/// What a server says without being asked.
package enum ServerNews: Sendable, Equatable {
    /// The list of tools is another one now.
    case toolsChanged
    /// A line that its program wrote to standard error, fit to be logged.
    case errorLine(String)
    /// Its program began.
    case started
    /// Its program ended or could not begin; our own words.
    case ended(String)
}

extension JSONValue {
    /// What a progress notification says, in one line: its message, or its figures.
    var progressText: String {
        if let message = self["message"]?.stringValue { return SafeText.line(message, max: 300) }
        let total = self["total"]?.doubleValue.map { " of \($0)" } ?? ""
        return "\(self["progress"]?.doubleValue ?? 0)\(total)"
    }
}
