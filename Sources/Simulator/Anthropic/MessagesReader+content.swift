/// System prompt, messages and their blocks.
extension MessagesReader {
    // MARK: - System

    mutating func readSystem() throws(APIFailure) {
        switch self.body.present("system") {
        case nil: return
        case .string(let text):
            guard !text.isEmpty else { return }
            self.request.prompt.messages.append(.init(role: .system, text: text))
            self.pass(.string(text), tokens: 4 + Tokenizer.count(text))
        case .array(let blocks):
            var texts: [String] = []
            for (index, block) in blocks.enumerated() {
                let path = JSONPath("system")[index]
                guard block["type"]?.string == "text" else { throw path["type"].wrong("Input should be 'text'") }
                try self.checkText(block, at: path, whole: "system")
                texts.append(block["text"]?.string ?? "")
                self.pass(block, tokens: (index == 0 ? 4 : 0) + Tokenizer.count(texts[index]))
            }
            guard !texts.isEmpty else { return }
            self.request.prompt.messages.append(.init(role: .system, text: texts.joined(separator: "\n")))
        default: throw .anthropic("system: Input should be a valid string or list")
        }
    }

    // MARK: - Messages

    mutating func readMessages() throws(APIFailure) {
        guard let field = self.body["messages"] else { throw .anthropic("messages: Field required") }
        guard let messages = field.array else { throw .anthropic("messages: Input should be a valid list") }
        guard !messages.isEmpty else { throw .anthropic("messages: at least one message is required") }
        for (index, message) in messages.enumerated() {
            try self.readMessage(message, index, isLast: index == messages.count - 1)
        }
        guard messages.first(where: { $0["role"]?.string != "system" })?["role"]?.string == "user" else {
            throw .anthropic("messages: first message must use the \"user\" role")
        }
        try self.checkToolPairs(messages)
        if messages.last?["role"]?.string == "assistant", let text = Self.lastText(messages.last ?? .null),
            text.last?.isWhitespace == true
        {
            throw .anthropic("messages: final assistant content cannot end with trailing whitespace")
        }
    }

    private static func lastText(_ message: JSONValue) -> String? {
        message["content"]?.string ?? message["content"]?.array?.last?["text"]?.string
    }

    private mutating func readMessage(_ message: JSONValue, _ index: Int, isLast: Bool) throws(APIFailure) {
        let path = JSONPath("messages")[index]
        guard message.members != nil else { throw path.wrong("Input should be a valid dictionary") }
        try message.refuseOthers(than: ["role", "content"], at: path)
        let roleText = try message.requiredText("role", at: path)
        let role = try self.role(roleText, at: path)
        var read = Prompt.Message(role: role, text: "")
        switch try message.required("content", at: path) {
        case .string(let text):
            guard !text.isEmpty || (isLast && role == .assistant) else { throw Self.noContent(index) }
            guard text.isEmpty || text.contains(where: { !$0.isWhitespace }) else {
                throw .anthropic("messages: text content blocks must contain non-whitespace text")
            }
            read.text = text
            self.pass(.string(text), role: roleText, tokens: 4 + Tokenizer.count(text))
        case .array(let blocks):
            guard !blocks.isEmpty || (isLast && role == .assistant) else { throw Self.noContent(index) }
            var content = Content()
            for (place, block) in blocks.enumerated() {
                let before = content.tokens
                try self.readBlock(block, role: role, at: path["content"][place], into: &content)
                self.pass(block, role: roleText, tokens: (place == 0 ? 4 : 0) + content.tokens - before)
            }
            read.text = content.texts.joined(separator: "\n")
            read.attachments = content.attachments
            if !content.calls.isEmpty { read.calls = JSONValue.array(content.calls).text }
            if content.hasResult { read.role = .tool }
        default: throw path["content"].wrong("Input should be a valid string or list")
        }
        self.request.prompt.messages.append(read)
    }

    private static func noContent(_ index: Int) -> APIFailure {
        .anthropic(
            "messages.\(index): all messages must have non-empty content except for the optional final assistant "
                + "message"
        )
    }

    private func role(_ text: String, at path: JSONPath) throws(APIFailure) -> Prompt.Role {
        switch text {
        case "user": return .user
        case "assistant": return .assistant
        case "system" where self.version == .new: return .system
        case "system":
            throw .anthropic(
                "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not"
                    + " \"system\" as an input message role."
            )
        default: throw path["role"].wrong("Input should be 'user' or 'assistant'")
        }
    }

    // MARK: - Blocks

    /// What the blocks of one message come to.
    struct Content {
        var texts: [String] = []
        var attachments = 0
        var calls: [JSONValue] = []
        var hasResult = false

        var tokens: Int {
            self.texts.reduce(85 * self.attachments) { $0 + Tokenizer.count($1) }
                + self.calls.reduce(0) { $0 + Tokenizer.count($1.text) }
        }
    }

    private static let userBlocks: Set<String> = [
        "text", "image", "document", "tool_result", "search_result", "container_upload",
    ]
    private static let assistantBlocks: Set<String> = [
        "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result",
        "web_fetch_tool_result", "code_execution_tool_result", "container_upload", "document",
    ]

    private mutating func readBlock(
        _ block: JSONValue,
        role: Prompt.Role,
        at path: JSONPath,
        into content: inout Content
    ) throws(APIFailure) {
        let type = try block.requiredText("type", at: path)
        let isKnown = role == .assistant ? Self.assistantBlocks : role == .user ? Self.userBlocks : ["text"]
        let isLateDocument = type == "document" && role == .assistant && self.version == .new
        guard isKnown.contains(type), !isLateDocument else {
            let tags = isKnown.sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw path.wrong("Input tag '\(type)' found using 'type' does not match any of the expected tags: \(tags)")
        }
        let inner = path[type]
        switch type {
        case "text":
            try self.checkText(block, at: inner, whole: "messages")
            if role == .user, self.version == .new, block.present("citations")?.array?.isEmpty == false {
                throw inner["citations"].wrong("Extra inputs are not permitted")
            }
            content.texts.append(block["text"]?.string ?? "")
        case "image", "document":
            try self.readAttachment(block, type: type, at: inner)
            content.attachments += 1
        case "thinking": try self.checkThought(block, at: path)
        case "redacted_thinking":
            try block.refuseOthers(than: ["type", "data"], at: inner)
            _ = try block.requiredText("data", at: inner)
        case "tool_use": content.calls.append(try self.readCall(block, at: inner))
        case "tool_result":
            content.hasResult = true
            try self.readResult(block, at: inner, into: &content)
        default: content.attachments += 1
        }
    }

    func checkText(_ block: JSONValue, at path: JSONPath, whole: String) throws(APIFailure) {
        try block.refuseOthers(than: ["type", "text", "cache_control", "citations"], at: path)
        let text = try block.requiredText("text", at: path)
        if text.isEmpty, block.present("cache_control") != nil {
            throw path.wrong("cache_control cannot be set for empty text blocks")
        }
        guard !text.isEmpty else { throw .anthropic("\(whole): text content blocks must be non-empty") }
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw .anthropic("\(whole): text content blocks must contain non-whitespace text")
        }
    }

    private static let sources: [String: (types: Set<String>, media: Set<String>)] = [
        "image": (["base64", "url", "file"], ["image/jpeg", "image/png", "image/gif", "image/webp"]),
        "document": (["base64", "text", "content", "url", "file"], ["application/pdf", "text/plain"]),
    ]

    private mutating func readAttachment(_ block: JSONValue, type: String, at path: JSONPath) throws(APIFailure) {
        let own: Set<String> = type == "image" ? ["transformations"] : ["citations", "context", "title"]
        try block.refuseOthers(than: own.union(["type", "source", "cache_control"]), at: path)
        let source = try block.required("source", at: path)
        let kind = try source.requiredText("type", at: path["source"])
        guard let known = Self.sources[type], known.types.contains(kind) else {
            throw path["source"].wrong("Input tag '\(kind)' found using 'type' does not match any of the expected tags")
        }
        let inner = path["source"][kind]
        switch kind {
        case "base64", "text":
            let media = try source.requiredText("media_type", at: inner)
            guard known.media.contains(media), (kind == "text") == (media == "text/plain") else {
                throw inner["media_type"].wrong("Input should be one of \(known.media.sorted())")
            }
            let data = try source.requiredText("data", at: inner)
            guard kind == "text" || (!data.isEmpty && Base64.isValid(data)) else {
                throw inner.wrong("Invalid base64 data")
            }
        case "url":
            let url = try source.requiredText("url", at: inner)
            guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
                throw inner["url"].wrong("Only HTTPS URLs are supported.")
            }
        case "file": _ = try source.requiredText("file_id", at: inner)
        default: _ = try source.required("content", at: inner)
        }
        if block["citations"]?["enabled"]?.bool == true, self.request.citation == nil {
            self.request.citation = Self.citation(of: block, source: source)
        }
    }

    /// What an answer cites of a document: its beginning.
    private static func citation(of block: JSONValue, source: JSONValue) -> JSONValue? {
        guard let text = source["data"]?.string, source["type"]?.string == "text" else { return nil }
        let cited = String(text.prefix(40))
        return .object([
            .init("type", .string("char_location")), .init("cited_text", .string(cited)),
            .init("document_index", .integer(0)), .init("document_title", block["title"] ?? .null),
            .init("start_char_index", .integer(0)), .init("end_char_index", .integer(cited.count)),
            .init("file_id", .null),
        ])
    }

    private func readCall(_ block: JSONValue, at path: JSONPath) throws(APIFailure) -> JSONValue {
        try block.refuseOthers(
            than: ["type", "id", "name", "input", "cache_control", "caller", "toolset_name"],
            at: path
        )
        let id = try block.requiredText("id", at: path)
        guard Self.isIdentifier(id) else { throw path["id"].wrong("String should match pattern '^[a-zA-Z0-9_-]+$'") }
        let name = try block.requiredText("name", at: path)
        guard !name.isEmpty, name.utf8.count <= 200 else {
            throw path["name"].wrong("String should have between 1 and 200 characters")
        }
        let input = try block.required("input", at: path)
        guard input.members != nil else { throw path["input"].wrong("Input should be a valid dictionary") }
        return .object([.init("name", .string(name)), .init("input", input)])
    }

    private mutating func readResult(
        _ block: JSONValue,
        at path: JSONPath,
        into content: inout Content
    ) throws(APIFailure) {
        try block.refuseOthers(
            than: ["type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"],
            at: path
        )
        let id = try block.requiredText("tool_use_id", at: path)
        guard Self.isIdentifier(id) else {
            throw path["tool_use_id"].wrong("String should match pattern '^[a-zA-Z0-9_-]+$'")
        }
        if let flag = block.present("is_error"), flag.bool == nil {
            throw path["is_error"].wrong("Input should be a valid boolean")
        }
        switch block.present("content") {
        case nil: break
        case .string(let text): content.texts.append(text)
        case .array(let parts):
            for (index, part) in parts.enumerated() {
                let inner = path["content"][index]
                switch try part.requiredText("type", at: inner) {
                case "text":
                    try self.checkText(part, at: inner["text"], whole: "messages")
                    content.texts.append(part["text"]?.string ?? "")
                case "image", "document":
                    try self.readAttachment(part, type: part["type"]?.string ?? "", at: inner)
                    content.attachments += 1
                case "search_result", "tool_reference": content.attachments += 1
                case let type: throw inner.wrong("Input tag '\(type)' does not match any of the expected tags")
                }
            }
        default: throw path["content"].wrong("Input should be a valid string or list")
        }
    }
}
