/// Reads a chat request to Mistral, which refuses every key it does not know.
struct MistralReader {
    struct Request {
        var prompt: Prompt
        var isStream = false
    }

    private let body: JSONValue
    private var request: Request

    /// The request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func request(in body: JSONValue, model: String) throws(APIFailure) -> Request {
        var reader = MistralReader(body: body, request: Request(prompt: Prompt(model: model)))
        try Self.refuseOthers(than: Self.fields, in: body, [])
        try reader.readMessages()
        try reader.readTools()
        try reader.readLimits()
        try reader.readFormat()
        let thinks = model == "sim-magistral" || body["prompt_mode"]?.string == "reasoning"
        let effort = body["reasoning_effort"]?.string
        if effort == "none" {
            reader.request.prompt.thinking = .off
        } else if thinks || effort != nil {
            reader.request.prompt.thinking = .on
        }
        return reader.request
    }

    private static let fields: Set<String> = [
        "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata",
        "response_format", "tools", "tool_choice", "presence_penalty", "frequency_penalty", "min_tokens",
        "repetition_penalty", "top_k", "logprobs", "top_logprobs", "prompt_logprobs", "top_prompt_logprobs", "n",
        "prediction", "parallel_tool_calls", "reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key",
        "service_tier", "safe_prompt",
    ]

    private static func refuseOthers(
        than known: Set<String>,
        in value: JSONValue,
        _ place: [any CustomStringConvertible]
    ) throws(APIFailure) {
        guard let members = value.members else { throw .mistral(.notObject, place) }
        for member in members where !known.contains(member.key) { throw .mistral(.extra, place + [member.key]) }
    }

    // MARK: - Messages

    private static let messageFields: [String: Set<String>] = [
        "system": ["role", "content"], "user": ["role", "content"],
        "assistant": ["role", "content", "tool_calls", "prefix"],
        "tool": ["role", "content", "tool_call_id", "name"],
    ]

    private mutating func readMessages() throws(APIFailure) {
        guard let field = self.body["messages"] else { throw .mistral(.missing, ["messages"]) }
        guard let messages = field.array else { throw .mistral(.notList, ["messages"]) }
        guard !messages.isEmpty else {
            throw Self.order("Conversation must have at least one message")
        }
        var open: [String] = []
        var last = ""
        for (index, message) in messages.enumerated() {
            let role = try self.readMessage(message, index, last: last)
            if role == "tool" {
                guard let id = message["tool_call_id"]?.string, let at = open.firstIndex(of: id) else {
                    throw Self.order("Unexpected tool call id \(message["tool_call_id"]?.string ?? "") in tool results")
                }
                open.remove(at: at)
            } else {
                guard open.isEmpty else { throw Self.order("Not the same number of function calls and responses") }
                open = (message.present("tool_calls")?.array ?? []).compactMap { $0["id"]?.string }
            }
            last = role
        }
        guard open.isEmpty else { throw Self.order("Not the same number of function calls and responses") }
        guard last == "user" || last == "tool" || messages.last?["prefix"]?.bool == true else {
            throw Self.order(
                "Expected last role User or Tool (or Assistant with prefix True) for serving but got \(last)"
            )
        }
    }

    private static func order(_ message: String) -> APIFailure {
        APIFailure(400, message, type: "invalid_request_message_order", code: "3230")
    }

    private mutating func readMessage(_ message: JSONValue, _ index: Int, last: String) throws(APIFailure) -> String {
        let place: [any CustomStringConvertible] = ["messages", index]
        guard let role = message["role"]?.string else { throw .mistral(.missing, place + ["role"]) }
        guard let known = Self.messageFields[role] else {
            throw .mistral(
                .other("Input tag '\(role)' found using 'role' does not match any of the expected tags"),
                place
            )
        }
        try Self.refuseOthers(than: known, in: message, place + [role])
        if role == "tool", last != "assistant", last != "tool" {
            throw Self.order("Unexpected role 'tool' after role '\(last)'")
        }
        var read = try self.content(of: message, role, place)
        if let calls = message["tool_calls"] {
            guard let list = calls.array else { throw .mistral(.notList, place + [role, "tool_calls"]) }
            for call in list { try Self.checkCall(call, place) }
            if !list.isEmpty { read.calls = calls.text }
        } else if role == "assistant", message.present("content") == nil {
            throw APIFailure(
                400,
                "Assistant message must have either content or tool_calls, but not none.",
                type: "invalid_request_assistant_message",
                code: "3240"
            )
        }
        if role == "tool" { try Self.checkID(message["tool_call_id"]?.string ?? "") }
        self.request.prompt.messages.append(read)
        return role
    }

    private func content(
        of message: JSONValue,
        _ role: String,
        _ place: [any CustomStringConvertible]
    ) throws(APIFailure) -> Prompt.Message {
        let roles: [String: Prompt.Role] = ["system": .system, "user": .user, "assistant": .assistant]
        var read = Prompt.Message(role: roles[role] ?? .tool, text: "")
        switch message.present("content") {
        case nil:
            guard role == "assistant" else { throw .mistral(.missing, place + [role, "content"]) }
        case .string(let text): read.text = text
        case .array(let parts):
            var texts: [String] = []
            for (index, part) in parts.enumerated() {
                switch part["type"]?.string {
                case "text":
                    guard let text = part["text"]?.string else {
                        throw .mistral(.missing, place + [role, "content", index, "text"])
                    }
                    texts.append(text)
                case "thinking": break
                case "image_url", "document_url", "reference", "file", "input_audio": read.attachments += 1
                default: throw .mistral(.other("Unknown content chunk"), place + [role, "content", index, "type"])
                }
            }
            read.text = texts.joined(separator: "\n")
        default: throw .mistral(.notText, place + [role, "content"])
        }
        return read
    }

    private static func checkCall(_ call: JSONValue, _ place: [any CustomStringConvertible]) throws(APIFailure) {
        try Self.refuseOthers(
            than: ["id", "type", "function", "index"],
            in: call,
            place + ["assistant", "tool_calls"]
        )
        guard call["function"]?["name"]?.string != nil, call["function"]?["arguments"] != nil else {
            throw .mistral(.missing, place + ["assistant", "tool_calls", "function"])
        }
        try Self.checkID(call["id"]?.string ?? "null")
    }

    private static func checkID(_ id: String) throws(APIFailure) {
        let isGood = id.utf8.count == 9 && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        guard isGood else {
            throw APIFailure(
                400,
                "Tool call id was \(id) but must be a-z, A-Z, 0-9, with a length of 9.",
                type: "invalid_function_call",
                code: "3280"
            )
        }
    }

    // MARK: - Tools

    private mutating func readTools() throws(APIFailure) {
        if let field = self.body.present("tools") {
            guard let tools = field.array else { throw .mistral(.notList, ["tools"]) }
            for (index, tool) in tools.enumerated() { try self.readTool(tool, ["tools", index]) }
            self.request.prompt.toolTokens = tools.isEmpty ? 0 : Tokenizer.count(field.text)
        }
        if let flag = self.body.present("parallel_tool_calls") {
            guard let value = flag.bool else { throw .mistral(.notFlag, ["parallel_tool_calls"]) }
            self.request.prompt.wantsParallelTools = value
        }
        switch self.body.present("tool_choice") {
        case nil, .string("auto"): break
        case .string("none"): self.request.prompt.toolChoice = .none
        case .string("any"), .string("required"): self.request.prompt.toolChoice = .required
        case .some(let choice):
            guard let name = choice["function"]?["name"]?.string else {
                throw .mistral(.other("Input should be 'auto', 'none', 'any' or 'required'"), ["tool_choice"])
            }
            self.request.prompt.toolChoice = .named(name)
        }
    }

    private mutating func readTool(_ tool: JSONValue, _ place: [any CustomStringConvertible]) throws(APIFailure) {
        guard (tool["type"]?.string ?? "function") == "function" else { return }
        try Self.refuseOthers(than: ["type", "function"], in: tool, place)
        guard let function = tool["function"] else { throw .mistral(.missing, place + ["function"]) }
        let inside = place + ["function"]
        try Self.refuseOthers(than: ["name", "description", "parameters", "strict"], in: function, inside)
        guard let name = function["name"]?.string else { throw .mistral(.missing, inside + ["name"]) }
        guard let parameters = function["parameters"] else { throw .mistral(.missing, inside + ["parameters"]) }
        guard parameters.members != nil else { throw .mistral(.notObject, inside + ["parameters"]) }
        self.request.prompt.tools.append(.init(name: name, parameters: parameters))
    }

    // MARK: - Limits and format

    private mutating func readLimits() throws(APIFailure) {
        switch self.body["stream"] {
        case nil: break
        case .bool(let flag): self.request.isStream = flag
        default: throw .mistral(.notFlag, ["stream"])
        }
        for (field, most) in [("temperature", 1.5), ("top_p", 1.0)] {
            guard let value = self.body.present(field) else { continue }
            guard let number = value.number, 0...most ~= number else {
                throw .mistral(.other("Input should be less than or equal to \(most)"), [field])
            }
        }
        if let field = self.body.present("max_tokens") {
            guard let limit = field.integer, limit >= 0 else {
                throw .mistral(.other("Input should be greater than or equal to 0"), ["max_tokens"])
            }
            self.request.prompt.tokenLimit = limit
        }
        if let field = self.body.present("n") {
            guard let count = field.integer, 1...128 ~= count else {
                throw .mistral(.other("Input should be greater than or equal to 1"), ["n"])
            }
            self.request.prompt.choices = count
        }
        switch self.body.present("stop") {
        case nil: break
        case .string(let stop): self.request.prompt.stops = [stop]
        case .some(let list):
            guard let stops = list.array else { throw .mistral(.notText, ["stop"]) }
            self.request.prompt.stops = stops.compactMap(\.string).filter { !$0.isEmpty }
        }
    }

    private mutating func readFormat() throws(APIFailure) {
        guard let format = self.body.present("response_format") else { return }
        switch format["type"]?.string {
        case "text", nil: break
        case "json_object": self.request.prompt.format = .jsonObject
        case "json_schema":
            guard let wrapper = format.present("json_schema") else {
                throw .mistral(.missing, ["response_format", "json_schema"])
            }
            guard let schema = wrapper["schema"] ?? wrapper["schema_definition"] else {
                throw .mistral(.missing, ["response_format", "json_schema", "schema"])
            }
            self.request.prompt.format = .schema(schema)
        default:
            throw .mistral(
                .other("Input should be 'text', 'json_object' or 'json_schema'"),
                ["response_format", "type"]
            )
        }
    }
}
