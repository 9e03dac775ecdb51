package import Core

/// Whether a tool may be called.
package enum ToolStanding: String, Sendable, CaseIterable {
    case approved
    /// It is not what was approved.
    case changed
    /// Nobody has approved it yet.
    case pending
}

/// A tool of a server's list, and whether it may be called.
package struct ListedTool: Sendable, Equatable {
    package let definition: ToolDefinition
    package let digest: String
    package let standing: ToolStanding
    /// Who approved it; nil if nobody did.
    package let approvedBy: String?

    package init(definition: ToolDefinition, digest: String, standing: ToolStanding, approvedBy: String?) {
        self.definition = definition
        self.digest = digest
        self.standing = standing
        self.approvedBy = approvedBy
    }
}

/// What an administrator sees of a tool server.
package struct ToolServerReport: Sendable, Equatable {
    package var name: String
    /// `http`, `stdio` or `built_in`.
    package var kind: String
    /// A URL or a path; empty for what is built in.
    package var address: String
    package var tools: [ListedTool]
    /// Why the list could not be had; nil if it could.
    package var error: ToolError?
    package var figures: ToolServerFigures
}

/// What calls of a server came to, since the gateway began.
package struct ToolServerFigures: Sendable, Equatable {
    package var calls: UInt64 = 0
    /// Calls that came to nothing, by `ToolError.label`; `tool` for those that the tool itself failed.
    package var errors: [String: UInt64] = [:]
    /// All calls together.
    package var seconds: Double = 0
    package var running: Int = 0

    package init() {}
}

/// Something about tools that somebody should know.
package enum ToolEvent: Sendable {
    /// A call is over; nothing of what was said is in here.
    case called(ToolName, caller: ToolCaller, outcome: String, milliseconds: Int64, textBytes: Int)
    /// A tool is not the one that was approved.
    case changed(ToolName)
    /// A list could not be had.
    case listFailed(server: String, ToolError)
    /// A program began.
    case started(server: String)
    /// A program ended; why, in our words.
    case ended(server: String, String)
    /// A line of a program's standard error, cut and scrubbed.
    case errorLine(server: String, String)
    /// A server is left alone.
    case paused(server: String, seconds: Int64)
}
