/// The input of a request: its items, and those of the response it goes on from.
extension ResponsesReader {
    mutating func readInput() throws(APIFailure) {
        if let instructions = self.body.present("instructions") {
            guard let text = instructions.string else {
                throw .wrongType("instructions", wants: "a string", got: instructions)
            }
            self.request.prompt.messages.append(.init(role: .system, text: text))
        }
        var calls: [String: Bool] = [:]
        if let previous = self.body.present("previous_response_id") {
            guard let id = previous.string, let kept = self.memory.responses.look(id, owner: self.owner) else {
                throw APIFailure(
                    400,
                    "Previous response with id '\(previous.string ?? previous.text)' not found.",
                    param: "previous_response_id",
                    code: "previous_response_not_found"
                )
            }
            for item in kept.input + kept.output { try self.take(item, "input[0]", &calls) }
        }
        switch self.body.present("input") {
        case nil: throw .missing("input")
        case .string(let text):
            let item = JSONValue.object([
                .init("type", .string("message")), .init("role", .string("user")), .init("content", .string(text)),
            ])
            try self.take(item, "input[0]", &calls)
        case .array(let items):
            for (index, item) in items.enumerated() {
                try self.take(item, "input[\(index)]", &calls)
                if item["type"]?.string == "reasoning" { try self.checkFollower(of: item, items, index) }
            }
        case .some(let other): throw .wrongType("input", wants: "a string or an array of objects", got: other)
        }
        // Only what is asked now must be complete: a call of long ago was checked then.
        if let open = calls.filter({ !$0.value }).keys.min() {
            throw APIFailure(400, "No tool output found for function call \(open).", param: "input")
        }
    }

    private func checkFollower(of item: JSONValue, _ items: [JSONValue], _ index: Int) throws(APIFailure) {
        let next = index + 1 < items.count ? items[index + 1] : .null
        let isOutput = next["type"]?.string.map { $0 != "message" && !$0.hasSuffix("_output") } ?? false
        guard isOutput || next["role"]?.string == "assistant" else {
            throw APIFailure(
                400,
                "Item '\(item["id"]?.string ?? "")' of type 'reasoning' was provided without its required following"
                    + " item.",
                param: "input"
            )
        }
    }

    // MARK: - Items

    /// What each kind of item may have.
    ///
    /// Values that may be null end with `?`.
    private static let members: [String: Set<String>] = [
        "message": ["type", "role", "content", "id?", "status?", "phase?"],
        "function_call": [
            "type", "id?", "call_id", "name", "arguments", "status?", "namespace", "caller", "async",
        ],
        "function_call_output": ["type", "id?", "call_id", "output", "status?", "caller", "name", "namespace"],
        "custom_tool_call": ["type", "id?", "call_id", "name", "input", "status?", "namespace", "caller"],
        "custom_tool_call_output": ["type", "id?", "call_id", "output", "status?", "caller"],
        "reasoning": ["type", "id", "summary", "content?", "encrypted_content?", "status?"],
        "item_reference": ["type?", "id"],
    ]
    private static let prefixes = [
        "message": "msg", "function_call": "fc", "function_call_output": "fc", "custom_tool_call": "ctc",
        "custom_tool_call_output": "ctc", "reasoning": "rs",
    ]

    private mutating func take(
        _ item: JSONValue,
        _ path: String,
        _ calls: inout [String: Bool]
    ) throws(APIFailure) {
        guard item.members != nil else { throw .wrongType(path, wants: "an object", got: item) }
        let type = item["type"]?.string ?? (item["role"] == nil ? "item_reference" : "message")
        if let known = Self.members[type] { try Self.checkMembers(item, known, path) }
        if let prefix = Self.prefixes[type], let id = item.present("id")?.string, !id.hasPrefix(prefix) {
            throw .invalid(
                "\(path).id",
                "Invalid '\(path).id': '\(id)'. Expected an ID that begins with '\(prefix)'."
            )
        }
        switch type {
        case "message": try self.takeMessage(item, path)
        case "function_call", "custom_tool_call":
            let name = try Self.text(item, "name", path)
            let said = try Self.text(item, type == "function_call" ? "arguments" : "input", path)
            calls[try Self.text(item, "call_id", path)] = false
            let call = JSONValue.object([.init("name", .string(name)), .init("arguments", .string(said))])
            self.request.prompt.messages.append(.init(role: .assistant, text: "", calls: call.text))
        case "function_call_output", "custom_tool_call_output":
            let id = try Self.text(item, "call_id", path)
            guard calls[id] != nil else {
                throw APIFailure(
                    400,
                    "No tool call found for function call output with call_id \(id).",
                    param: "input"
                )
            }
            calls[id] = true
            self.request.prompt.messages.append(try self.output(item, path))
        case "reasoning": try self.checkReasoning(item, path)
        case "item_reference":
            let id = try Self.text(item, "id", path)
            guard let kept = self.memory.responses.item(id, owner: self.owner) else { throw Self.notKept(id) }
            try self.take(kept, path, &calls)
            return
        case _ where Self.otherTypes.contains(type): break
        default: throw .invalid("\(path).type", "Invalid value: '\(type)'.")
        }
        self.keep(item, path)
    }

    private static let otherTypes: Set<String> = [
        "additional_tools", "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction",
        "compaction_trigger", "computer_call", "computer_call_output", "configuration_update", "file_search_call",
        "image_generation_call", "local_shell_call", "local_shell_call_output", "mcp_approval_request",
        "mcp_approval_response", "mcp_call", "mcp_list_tools", "program", "program_output", "shell_call",
        "shell_call_output", "tool_search_call", "tool_search_output", "web_search_call",
    ]

    /// Adds an item to those that are kept; there each has an id.
    private mutating func keep(_ item: JSONValue, _ path: String) {
        var members = item.members ?? []
        if item.present("id") == nil {
            members.removeAll { $0.key == "id" }
            let prefix = Self.prefixes[item["type"]?.string ?? "message"] ?? "item"
            let id = "\(prefix)_in\(self.sequence)x\(self.request.items.count)"
            members.insert(.init("id", .string(id)), at: 0)
        }
        self.request.items.append(.object(members))
    }

    private static func checkMembers(_ item: JSONValue, _ known: Set<String>, _ path: String) throws(APIFailure) {
        for member in item.members ?? [] where !known.contains("\(member.key)?") {
            guard known.contains(member.key) else { throw Self.unknown("\(path).\(member.key)") }
            if member.value == .null {
                let wants = ["caller"].contains(member.key) ? "an object" : "a string"
                throw .wrongType("\(path).\(member.key)", wants: wants, got: .null)
            }
        }
    }

    private static func text(_ item: JSONValue, _ key: String, _ path: String) throws(APIFailure) -> String {
        guard let field = item.present(key) else { throw .missing("\(path).\(key)") }
        guard let text = field.string else { throw .wrongType("\(path).\(key)", wants: "a string", got: field) }
        return text
    }

    private static func notKept(_ id: String) -> APIFailure {
        APIFailure(
            404,
            "Item with id '\(id)' not found. Items are not persisted when `store` is set to false. Try again with"
                + " `store` set to true, or remove this item from your input.",
            param: "input"
        )
    }

    private func checkReasoning(_ item: JSONValue, _ path: String) throws(APIFailure) {
        let id = try Self.text(item, "id", path)
        guard item["summary"]?.array != nil else { throw .missing("\(path).summary") }
        if let sealed = item.present("encrypted_content") {
            guard let text = sealed.string, SealedReasoning.isIntact(text) else {
                throw .invalid(
                    "\(path).encrypted_content",
                    "The encrypted content for item \(id) could not be verified.",
                    code: "invalid_encrypted_content"
                )
            }
        } else if self.memory.responses.item(id, owner: self.owner) == nil {
            throw Self.notKept(id)
        }
    }

    // MARK: - Messages

    private static let inputParts = ["input_text": "text", "input_image": "", "input_file": "", "input_audio": ""]
    private static let outputParts = ["output_text": "text", "refusal": "refusal"]

    private mutating func takeMessage(_ item: JSONValue, _ path: String) throws(APIFailure) {
        let role: Prompt.Role
        switch try Self.text(item, "role", path) {
        case "user": role = .user
        case "assistant": role = .assistant
        case "system", "developer": role = .system
        case let other:
            throw .invalid(
                "\(path).role",
                "Invalid value: '\(other)'. Supported values are: 'assistant', 'system', 'developer', and 'user'."
            )
        }
        guard let content = item.present("content") else { throw .missing("\(path).content") }
        var message = try self.parts(
            content,
            "\(path).content",
            known: role == .assistant ? Self.outputParts : Self.inputParts
        )
        message.role = role
        self.request.prompt.messages.append(message)
    }

    private func output(_ item: JSONValue, _ path: String) throws(APIFailure) -> Prompt.Message {
        guard let output = item.present("output") else { throw .missing("\(path).output") }
        return try self.parts(output, "\(path).output", known: Self.inputParts)
    }

    /// The texts of a message or a tool's result, as a message of a tool.
    private func parts(
        _ content: JSONValue,
        _ path: String,
        known: [String: String]
    ) throws(APIFailure) -> Prompt.Message {
        if let text = content.string { return Prompt.Message(role: .tool, text: text) }
        guard let parts = content.array else {
            throw .wrongType(path, wants: "one of an array of objects or string", got: content)
        }
        var message = Prompt.Message(role: .tool, text: "")
        var texts: [String] = []
        for (index, part) in parts.enumerated() {
            let place = "\(path)[\(index)]"
            guard let type = part["type"]?.string else { throw .missing("\(place).type") }
            guard let key = known[type] else {
                let names = known.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
                throw .invalid(place, "Invalid value: '\(type)'. Supported values are: \(names).")
            }
            if key.isEmpty {
                message.attachments += 1
            } else {
                texts.append(try Self.text(part, key, place))
            }
        }
        message.text = texts.joined(separator: "\n")
        return message
    }
}
