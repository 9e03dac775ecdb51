package import Core

/// Why a tool could not be called, or a tool server not be asked.
///
/// What a tool itself answers, a failure too, is a `ToolOutcome`. No case holds what the server was sent; what comes
/// from a server is cut and without control characters, so every case is safe to log and to show.
package enum ToolError: Error, Sendable, Equatable {
    /// The settings name no such server.
    case unknownServer(String)
    /// The server has no such tool.
    case unknownTool(ToolName)
    /// The tool is not the one that was approved; it is off until somebody approves it again (row 101).
    case changed(ToolName)
    /// Nobody has approved the tool yet.
    case notApproved(ToolName)
    /// Arguments must be an object of at most `ToolServer.argumentsBytesMax`.
    case badArguments(String)
    /// Too many calls of this server are under way.
    case busy(server: String)
    /// The server failed several times in a row and is left alone for a while.
    case paused(server: String, retryAfter: Duration)
    /// The server cannot be reached; the text is ours.
    case unreachable(server: String, String)
    /// The server refused the credential of the settings (401 or 403).
    case refused(server: String, status: Int)
    /// The time was up; the server was told that nobody waits any more.
    case timedOut(server: String, limit: Duration)
    /// What the server sent is not MCP that we accept, or too much of it; the text is ours.
    case badAnswer(server: String, String)
    /// The server answered with an error of the protocol: its code, and its words.
    case failed(server: String, code: Int, message: String)
    /// The program of a server ended, or could not be started; the text is ours.
    case stopped(server: String, String)
    /// The gateway is going down, or the server was taken out of the settings.
    case closed(server: String)
    /// Whoever asked went away.
    case cancelled

    /// A word for metrics and logs; a fixed set.
    package var label: String {
        switch self {
        case .unknownServer: "unknown_server"
        case .unknownTool: "unknown_tool"
        case .changed: "tool_changed"
        case .notApproved: "tool_not_approved"
        case .badArguments: "bad_arguments"
        case .busy: "busy"
        case .paused: "paused"
        case .unreachable: "unreachable"
        case .refused: "refused"
        case .timedOut: "timeout"
        case .badAnswer: "bad_answer"
        case .failed: "failed"
        case .stopped: "stopped"
        case .closed: "closed"
        case .cancelled: "cancelled"
        }
    }

    /// Whether the server is to blame, so that it counts towards leaving it alone.
    package var isServersFault: Bool {
        switch self {
        case .unreachable, .timedOut, .badAnswer, .stopped, .refused: true
        case .unknownServer, .unknownTool, .changed, .notApproved, .badArguments, .busy, .paused, .failed, .closed,
            .cancelled:
            false
        }
    }
}

extension ToolError: CustomStringConvertible {
    /// One sentence, for people and models alike.
    package var description: String {
        switch self {
        case .unknownServer(let server): "There is no tool server '\(server)'."
        case .unknownTool(let name): "The tool server '\(name.server)' has no tool '\(name.tool)'."
        case .changed(let name):
            "The tool '\(name)' is not the one that was approved. It is off until it is approved again."
        case .notApproved(let name): "The tool '\(name)' has not been approved yet."
        case .badArguments(let reason): "The arguments cannot be sent: \(reason)."
        case .busy(let server): "Too many calls to the tool server '\(server)' are under way. Try again."
        case .paused(let server, let time):
            "The tool server '\(server)' failed several times and is left alone for \(Self.seconds(time)) more."
        case .unreachable(let server, let reason): "The tool server '\(server)' cannot be reached: \(reason)."
        case .refused(let server, let status):
            "The tool server '\(server)' refuses this gateway's credential (status \(status))."
        case .timedOut(let server, let limit):
            "The tool server '\(server)' did not answer within \(Self.milliseconds(limit)) ms."
        case .badAnswer(let server, let reason): "The tool server '\(server)' sent what cannot be used: \(reason)."
        case .failed(let server, let code, let message): "The tool server '\(server)' says (\(code)): \(message)"
        case .stopped(let server, let reason): "The program of the tool server '\(server)' \(reason)."
        case .closed(let server): "The tool server '\(server)' is no longer asked."
        case .cancelled: "The call was given up."
        }
    }

    private static func milliseconds(_ time: Duration) -> Int64 {
        let (seconds, rest) = time.components
        return seconds.multipliedReportingOverflow(by: 1000).partialValue &+ rest / 1_000_000_000_000_000
    }

    private static func seconds(_ time: Duration) -> String { "\(max(1, (Self.milliseconds(time) + 999) / 1000)) s" }
}
