package import Core

/// Reads what servers answer to requests about tools.
package enum MCPResults {
    /// Tools that one server may have.
    package static let toolsMax = 500
    /// Pages that a list may come in.
    package static let pagesMax = 50
    /// The longest cursor, in bytes.
    package static let cursorBytesMax = 4096

    /// A page of `tools/list`.
    package struct Page: Sendable, Equatable {
        package var tools: [ToolDefinition]
        /// Asks for the next page; nil on the last.
        package var nextCursor: String?
    }

    /// Reads a page of `tools/list`.
    ///
    /// - Throws: `UnusableTool` for a page with anything in it that cannot be used: half a list would be another one.
    static func page(_ result: JSONValue) throws(UnusableTool) -> Page {
        try Self.checkComplete(result)
        guard let entries = result["tools"]?.arrayValue else { throw UnusableTool("its list of tools is no list") }
        guard entries.count <= Self.toolsMax else { throw UnusableTool("it has more than \(Self.toolsMax) tools") }
        var tools: [ToolDefinition] = []
        for entry in entries { tools.append(try ToolDefinition(entry)) }
        let cursor = result["nextCursor"]?.stringValue
        guard cursor.map({ $0.utf8.count <= Self.cursorBytesMax }) ?? true else {
            throw UnusableTool("a cursor of its list is longer than \(Self.cursorBytesMax) bytes")
        }
        return Page(tools: tools, nextCursor: cursor)
    }

    /// Reads what `tools/call` came to.
    ///
    /// Only texts, and the texts of resources, become text; of everything else there is a line that names it. A result
    /// that has nothing but `structuredContent` has that as its text.
    package static func outcome(of result: JSONValue) throws(UnusableTool) -> ToolOutcome {
        try Self.checkComplete(result)
        guard let parts = (result["content"] ?? []).arrayValue else { throw UnusableTool("its content is no list") }
        let structured = result["structuredContent"]
        var texts: [String] = []
        for part in parts { texts.append(Self.text(of: part)) }
        if texts.isEmpty, let structured { texts.append(structured.text) }
        let text = texts.joined(separator: "\n")
        guard text.utf8.count <= ToolOutcome.textBytesMax else {
            throw UnusableTool("its answer is longer than \(ToolOutcome.textBytesMax) bytes")
        }
        return ToolOutcome(text: text, structured: structured, isError: result["isError"]?.boolValue ?? false)
    }

    /// A server of 2026-07-28 may answer with questions to a person instead; nobody is there to be asked.
    private static func checkComplete(_ result: JSONValue) throws(UnusableTool) {
        guard let type = result["resultType"], type.stringValue != "complete" else { return }
        throw UnusableTool("it wants something else first, which this gateway does not do")
    }

    private static func text(of part: JSONValue) -> String {
        switch part["type"]?.stringValue {
        case "text":
            return part["text"]?.stringValue ?? ""
        case "resource":
            let resource = part["resource"]
            if let text = resource?["text"]?.stringValue { return text }
            return Self.named("resource", resource?["mimeType"], resource?["blob"])
        case "image": return Self.named("image", part["mimeType"], part["data"])
        case "audio": return Self.named("audio", part["mimeType"], part["data"])
        case "resource_link":
            let name = part["name"]?.stringValue ?? part["uri"]?.stringValue ?? "resource"
            return "[link to \(SafeText.line(name, max: 200))]"
        default: return "[something that is no text]"
        }
    }

    private static func named(_ kind: String, _ type: JSONValue?, _ data: JSONValue?) -> String {
        let bytes = (data?.stringValue?.utf8.count ?? 0) / 4 * 3
        let name = type?.stringValue.map { " " + SafeText.line($0, max: 80) } ?? ""
        return "[\(kind)\(name), \(max(1, (bytes + 512) / 1024)) KB]"
    }
}
