package import Core

/// Maps plain requests onto one tool.
package struct IntentRule: Sendable, Equatable {
    package let tool: ToolName
    /// What a request may look like; see `IntentPattern` for how they are written.
    package let patterns: [String]
    /// Arguments that the tool always gets; what a placeholder found goes before them.
    package let arguments: [(String, JSONValue)]
    /// What is answered; nil: the tool's own text.
    package let reply: IntentReply?

    /// - Throws: `ValueFault` for what cannot be read.
    package init(
        tool: ToolName,
        patterns: [String],
        arguments: [(String, JSONValue)] = [],
        reply: String? = nil,
        at path: String = "intents[0]"
    ) throws(ValueFault) {
        self.tool = tool
        self.patterns = patterns
        self.arguments = arguments
        var known = Set(arguments.map(\.0))
        for (index, text) in patterns.enumerated() {
            known.formUnion(try IntentPattern(text, at: "\(path).patterns[\(index)]").slots)
        }
        self.reply = try reply.map { text throws(ValueFault) in
            try IntentReply(text, knowing: known, at: "\(path).reply")
        }
    }

    /// Reads a rule as the API and settings have it.
    init(_ json: JSONValue, at path: String) throws(ValueFault) {
        let reader = try ObjectReader(json, at: path, known: ["tool", "patterns", "arguments", "reply"])
        guard let tool = try reader.text("tool", bytesMax: 256).flatMap({ ToolName(parsing: $0) }) else {
            throw ValueFault(reader.place("tool"), expected: "server/tool")
        }
        let patterns = try reader.texts(
            "patterns",
            atMost: AgentBounds.patternsMax,
            bytesMax: AgentBounds.patternBytesMax,
            of: "patterns"
        )
        guard !patterns.isEmpty else {
            throw ValueFault(reader.place("patterns"), expected: "a list of at least one pattern")
        }
        try self.init(
            tool: tool,
            patterns: patterns,
            arguments: try reader.object("arguments")?.objectValue ?? [],
            reply: try reader.text("reply", bytesMax: AgentBounds.replyBytesMax, isBlock: true),
            at: path
        )
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("tool", .string(self.tool.text)), ("patterns", .array(self.patterns.map { .string($0) })),
        ]
        if !self.arguments.isEmpty { members.append(("arguments", .object(self.arguments))) }
        if let reply = self.reply { members.append(("reply", .string(reply.text))) }
        return .object(members)
    }

    package static func == (left: IntentRule, right: IntentRule) -> Bool {
        left.tool == right.tool && left.patterns == right.patterns && left.reply == right.reply
            && JSONValue.object(left.arguments) == JSONValue.object(right.arguments)
    }
}
