/// Reads the messages of a Converse request and holds them to its rules.
struct ConverseMessages {
    private static let blocks = [
        "text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
        "reasoningContent", "citationsContent", "searchResult",
    ]
    private static let imageFormats = ["png", "jpeg", "gif", "webp"]
    private static let documentFormats = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]

    private let messages: [JSONValue]
    private let hasTools: Bool
    private let thinks: Bool

    /// The messages of a request.
    ///
    /// - Parameters:
    ///   - hasTools: Whether tools are defined, without which none may have been used.
    ///   - thinks: Whether thinking is on, so that turns with tools must begin with what was thought.
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func read(_ body: JSONValue, hasTools: Bool, thinks: Bool) throws(APIFailure) -> [Prompt.Message] {
        guard let field = body.present("messages") else { throw BedrockErrors.missing("messages") }
        guard let messages = field.array else { throw BedrockErrors.wrongType(field, at: "messages", wants: "a list") }
        guard !messages.isEmpty else {
            throw BedrockErrors.validation("The messages field is empty. Add a message and try again.")
        }
        let reader = ConverseMessages(messages: messages, hasTools: hasTools, thinks: thinks)
        var result: [Prompt.Message] = []
        for index in messages.indices { result += try reader.message(index) }
        try reader.checkOrder()
        try reader.checkTools()
        return result
    }

    private func content(_ index: Int) -> [JSONValue] {
        self.messages.indices.contains(index) ? self.messages[index]["content"]?.array ?? [] : []
    }

    private func role(_ index: Int) -> String { self.messages[index]["role"]?.string ?? "" }

    // MARK: - One message

    private func message(_ index: Int) throws(APIFailure) -> [Prompt.Message] {
        let message = self.messages[index]
        let member = "messages.\(index + 1).member"
        guard message.members != nil else {
            throw BedrockErrors.wrongType(message, at: "messages.\(index)", wants: "a structure")
        }
        guard let role = message.present("role") else { throw BedrockErrors.missing("\(member).role") }
        guard role.string == "user" || role.string == "assistant" else {
            throw BedrockErrors.constraint(
                role,
                at: "\(member).role",
                "Member must satisfy enum value set: [user, assistant]"
            )
        }
        guard let field = message.present("content") else { throw BedrockErrors.missing("\(member).content") }
        guard let blocks = field.array else {
            throw BedrockErrors.wrongType(field, at: "messages.\(index).content", wants: "a list")
        }
        guard !blocks.isEmpty else {
            throw BedrockErrors.validation(
                "The content field in the Message object at messages.\(index) is empty. Add a ContentBlock object"
                    + " to the content field and try again."
            )
        }
        var said = Prompt.Message(role: role.string == "user" ? .user : .assistant, text: "")
        var results: [Prompt.Message] = []
        var texts: [String] = []
        var calls: [JSONValue] = []
        for (number, block) in blocks.enumerated() {
            let place = "messages.\(index).content.\(number)"
            switch try Union.only(block, of: Self.blocks, at: place) {
            case "text": texts.append(try Self.text(block["text"], at: place, in: "ContentBlock"))
            case "toolUse":
                calls.append(try self.toolUse(block["toolUse"] ?? .null, index, number))
            case "toolResult":
                results.append(try self.toolResult(block["toolResult"] ?? .null, index, number))
            case "image":
                try Self.image(block["image"] ?? .null, at: "\(member).content.\(number + 1).member.image")
                said.attachments += 1
            case "document":
                try self.document(block["document"] ?? .null, index, number)
                said.attachments += 1
            case "video", "audio": said.attachments += 1
            case "reasoningContent":
                guard role.string == "assistant" else {
                    throw BedrockErrors.validation("reasoningContent at \(place) may only come from the assistant.")
                }
            default: break
            }
        }
        said.text = texts.joined(separator: "\n")
        if !calls.isEmpty { said.calls = JSONValue.array(calls).text }
        let isOnlyResults = results.count == blocks.count
        return results + (isOnlyResults ? [] : [said])
    }

    private static func text(_ field: JSONValue?, at place: String, in object: String) throws(APIFailure) -> String {
        guard let text = field?.string else {
            throw BedrockErrors.wrongType(field ?? .null, at: "\(place).text", wants: "a String")
        }
        guard !text.isBlank else {
            throw BedrockErrors.validation(
                "The text field in the \(object) object at \(place) is blank. Add text to the text field, and"
                    + " try again."
            )
        }
        return text
    }

    private static func image(_ image: JSONValue, at member: String) throws(APIFailure) {
        try Self.checkWord(image["format"], Self.imageFormats, at: "\(member).format")
        try Self.checkSource(image["source"], of: ["bytes", "s3Location"], at: "\(member).source")
    }

    private func document(_ document: JSONValue, _ index: Int, _ number: Int) throws(APIFailure) {
        let member = "messages.\(index + 1).member.content.\(number + 1).member.document"
        if document.present("format") != nil {
            try Self.checkWord(document["format"], Self.documentFormats, at: "\(member).format")
        }
        try Self.checkSource(
            document["source"],
            of: ["bytes", "s3Location", "text", "content"],
            at: "\(member).source"
        )
        guard let name = document["name"]?.string else { throw BedrockErrors.missing("\(member).name") }
        let isGood =
            1...200 ~= name.count && !name.contains("  ")
            && name.allSatisfy { $0.isLetter || $0.isNumber || $0.isWhitespace || "-()[]".contains($0) }
        guard isGood else {
            throw BedrockErrors.validation(
                "The document file name can only contain alphanumeric characters, single white space, hyphens,"
                    + " parentheses, and square brackets."
            )
        }
        guard self.content(index).contains(where: { $0["text"] != nil }) else {
            throw BedrockErrors.validation(
                "The message at messages.\(index) has a document, so it must have a text too."
            )
        }
    }

    private static func checkSource(_ source: JSONValue?, of keys: [String], at member: String) throws(APIFailure) {
        guard let source else { throw BedrockErrors.missing(member) }
        guard try Union.only(source, of: keys, at: member) == "bytes" else { return }
        guard let text = source["bytes"]?.string, Base64.isValid(text) else {
            throw BedrockErrors.serialization("\(member).bytes is no base64.")
        }
        guard !text.isEmpty else {
            throw BedrockErrors.constraint(
                source["bytes"],
                at: "\(member).bytes",
                "Member must have length greater than or equal to 1"
            )
        }
    }

    private static func checkWord(_ field: JSONValue?, _ words: [String], at member: String) throws(APIFailure) {
        guard let field, field != .null else { throw BedrockErrors.missing(member) }
        guard let word = field.string, words.contains(word) else {
            let set = words.joined(separator: ", ")
            throw BedrockErrors.constraint(field, at: member, "Member must satisfy enum value set: [\(set)]")
        }
    }

    /// Holds a name to a pattern and to 64 characters.
    static func check(_ text: String, _ pattern: Pattern.Name, at member: String) throws(APIFailure) {
        let rule: String
        if text.isEmpty {
            rule = "Member must have length greater than or equal to 1"
        } else if text.utf8.count > 64 {
            rule = "Member must have length less than or equal to 64"
        } else if !Pattern.matches(text, pattern) {
            rule = "Member must satisfy regular expression pattern: \(pattern.text)"
        } else {
            return
        }
        throw BedrockErrors.constraint(.string(text), at: member, rule)
    }

    // MARK: - Tools

    private func toolUse(_ use: JSONValue, _ index: Int, _ number: Int) throws(APIFailure) -> JSONValue {
        let member = "messages.\(index + 1).member.content.\(number + 1).member.toolUse"
        guard let id = use["toolUseId"]?.string else { throw BedrockErrors.missing("\(member).toolUseId") }
        try Self.check(id, Pattern.toolUseID, at: "\(member).toolUseId")
        guard let name = use["name"]?.string else { throw BedrockErrors.missing("\(member).name") }
        try Self.check(name, Pattern.toolName, at: "\(member).name")
        guard let input = use.present("input") else { throw BedrockErrors.missing("\(member).input") }
        guard input.members != nil else {
            throw BedrockErrors.validation(
                "The format of the value at messages.\(index).content.\(number).toolUse.input is invalid."
                    + " Provide a json object for the field and try again."
            )
        }
        return use
    }

    private func toolResult(_ result: JSONValue, _ index: Int, _ number: Int) throws(APIFailure) -> Prompt.Message {
        let place = "messages.\(index).content.\(number).toolResult"
        let member = "messages.\(index + 1).member.content.\(number + 1).member.toolResult"
        guard let id = result["toolUseId"]?.string else { throw BedrockErrors.missing("\(member).toolUseId") }
        try Self.check(id, Pattern.toolUseID, at: "\(member).toolUseId")
        guard let content = result.present("content")?.array else { throw BedrockErrors.missing("\(member).content") }
        if let status = result.present("status") {
            try Self.checkWord(status, ["success", "error"], at: "\(member).status")
        }
        var message = Prompt.Message(role: .tool, text: "")
        var texts: [String] = []
        for (piece, block) in content.enumerated() {
            let spot = "\(place).content.\(piece)"
            let kinds = ["json", "text", "image", "document", "video", "searchResult"]
            switch try Union.only(block, of: kinds, at: spot) {
            case "text": texts.append(try Self.text(block["text"], at: spot, in: "ToolResultContentBlock"))
            case "json":
                guard let json = block["json"], json.members != nil else {
                    throw BedrockErrors.validation(
                        "The format of the value at \(spot).json is invalid. Provide a json object for the field and"
                            + " try again."
                    )
                }
                texts.append(json.text)
            case "image":
                try Self.image(block["image"] ?? .null, at: "\(member).content.\(piece + 1).member.image")
                message.attachments += 1
            default: message.attachments += 1
            }
        }
        message.text = texts.joined(separator: "\n")
        return message
    }

    // MARK: - One after the other

    private func checkOrder() throws(APIFailure) {
        guard self.role(0) == "user" else {
            throw BedrockErrors.validation(
                "A conversation must start with a user message. Try again with a conversation that starts with a user"
                    + " message."
            )
        }
        for index in self.messages.indices.dropFirst() where self.role(index) == self.role(index - 1) {
            throw BedrockErrors.validation(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates"
                    + " between user and assistant roles and try again."
            )
        }
    }

    private func checkTools() throws(APIFailure) {
        var seen: Set<String> = []
        for index in self.messages.indices {
            let uses = self.content(index).compactMap { $0["toolUse"] }
            let results = self.content(index).compactMap { $0["toolResult"] }
            guard self.hasTools || (uses.isEmpty && results.isEmpty) else {
                throw BedrockErrors.validation(
                    "The toolConfig field must be defined when using toolUse and toolResult content blocks."
                )
            }
            let isUser = self.role(index) == "user"
            guard isUser ? uses.isEmpty : results.isEmpty else {
                throw BedrockErrors.validation(
                    "\(isUser ? "toolUse" : "toolResult") blocks at messages.\(index).content come from the wrong role."
                )
            }
            for id in uses.compactMap({ $0["toolUseId"]?.string }) where !seen.insert(id).inserted {
                throw BedrockErrors.validation("The toolUseId \(id) at messages.\(index).content is not unique.")
            }
            if isUser { try self.checkResults(results, index) }
            if index == self.messages.count - 1, !uses.isEmpty { try self.checkResults([], index + 1) }
            let isLastTurn = index == self.messages.indices.last { self.role($0) == "assistant" }
            if self.thinks, !uses.isEmpty, isLastTurn { try self.checkThought(index) }
        }
    }

    /// All results of a turn stand in the very next message, and nothing else does that claims to be one.
    private func checkResults(_ results: [JSONValue], _ index: Int) throws(APIFailure) {
        let asked = self.content(index - 1).compactMap { $0["toolUse"]?["toolUseId"]?.string }
        let given = results.compactMap { $0["toolUseId"]?.string }
        let open = asked.filter { !given.contains($0) }
        guard open.isEmpty else {
            throw BedrockErrors.validation(
                "Expected toolResult blocks at messages.\(index).content for the following Ids:"
                    + " \(open.joined(separator: ", "))"
            )
        }
        guard given.count <= asked.count, Set(given).isSubset(of: asked) else {
            throw BedrockErrors.validation(
                "The number of toolResult blocks at messages.\(index).content exceeds the number of toolUse blocks of"
                    + " previous turn."
            )
        }
    }

    /// With thinking on, the last turn that used tools begins with its thought, signed and unchanged.
    private func checkThought(_ index: Int) throws(APIFailure) {
        guard let first = self.content(index).first?["reasoningContent"] else {
            throw BedrockErrors.validation(
                "messages.\(index).content.0.type: Expected `thinking` or `redacted_thinking`, but found another. When"
                    + " thinking is enabled, a final assistant message must start with a thinking block."
            )
        }
        guard first["redactedContent"] == nil else { return }
        let thought = first["reasoningText"]
        guard thought?["signature"]?.string == ConverseAnswer.signature(thought?["text"]?.string ?? "") else {
            throw BedrockErrors.validation("messages.\(index).content.0: Invalid `signature` in `thinking` block")
        }
    }
}
