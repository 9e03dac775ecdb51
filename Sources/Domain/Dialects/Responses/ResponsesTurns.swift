package import Chat
internal import Core
internal import NIOCore

/// What a Responses request leans on that only its own provider has.
enum ResponsesTurns {
    /// Refuses a request that goes on from what only OpenAI keeps: without it the model would be asked another
    /// question.
    static func check(_ request: ChatRequest) throws(RequestUnwritable) {
        guard request.format == .openAIResponses else { return }
        for message in request.messages {
            guard case .other(let item)? = message.parts.first?.content, Self.isReference(item) else { continue }
            throw RequestUnwritable(
                at: message.place,
                "This model's provider knows no items by their ids; send the items, or `previous_response_id`."
            )
        }
        for member in request.rest {
            if member.name.equals("previous_response_id") {
                throw RequestUnwritable(at: member.place, "There is no response with this id here, or not any more.")
            }
            if member.name.equals("conversation") {
                throw RequestUnwritable(
                    at: member.place,
                    "This model's provider keeps no conversations; use `previous_response_id`, or send all items."
                )
            }
            if member.name.equals("prompt") {
                throw RequestUnwritable(
                    at: member.place,
                    "This model's provider keeps no prompts; send the text itself."
                )
            }
        }
    }
}

extension ResponsesTurns {
    /// Whether an item only names another one; the type may be left out.
    private static func isReference(_ item: JSONFragment) -> Bool {
        var isReference = true
        item.visitMembers { key, value in
            if key.equals("type") { isReference = value.isNull || value.string?.equals("item_reference") == true }
        }
        return isReference
    }
}

extension ChatRequest {
    /// A Responses request as every other dialect has it: what a model said in one turn is one message.
    ///
    /// Items of a turn stand by themselves in this dialect. A choice among allowed tools becomes a shorter list of
    /// tools, which is the same to a model. Requests of other dialects are handed back as they are.
    package var wholeTurns: ChatRequest {
        guard self.format == .openAIResponses else { return self }
        var request = self
        request.messages = []
        request.messages.reserveCapacity(self.messages.count)
        for message in self.messages {
            if message.role == .assistant, let last = request.messages.indices.last,
                request.messages[last].role == .assistant
            {
                request.messages[last].parts.append(contentsOf: message.parts)
                request.messages[last].rest.append(contentsOf: message.rest)
            } else {
                request.messages.append(message)
            }
        }
        request.narrowTools()
        return request
    }

    /// Leaves of the tools only those that may be called, where the choice names some functions.
    private mutating func narrowTools() {
        guard let choice = self.toolChoice, case .other(let fragment) = choice.value,
            let allowed = ResponsesAllowedTools(fragment), !allowed.names.isEmpty
        else { return }
        let names = Set(allowed.names.map(\.bytes))
        let tools = self.tools.filter { $0.kind == .function && names.contains($0.name.bytes) }
        guard tools.count == allowed.names.count else { return }
        self.tools = tools
        self.toolChoice = Given(allowed.isRequired ? .required : .auto, at: choice.place)
    }
}

/// A choice among some of the tools: `{"type": "allowed_tools", …}`, in the form of Responses or of chat.
struct ResponsesAllowedTools {
    var isRequired = false
    /// The functions that may be called.
    var names: [JSONString] = []

    /// - Returns: Nil if the choice is another one, or names tools that are no functions.
    init?(_ choice: JSONFragment) {
        var isThis = false
        var holds = true
        var list: JSONFragment?
        var isRequired = false
        choice.visitMembers { key, value in
            if key.equals("type") { isThis = value.string?.equals("allowed_tools") == true }
            if key.equals("mode") { isRequired = value.string?.equals("required") == true }
            if key.equals("tools") { list = value }
            if key.equals("allowed_tools") {
                value.visitMembers { key, value in
                    if key.equals("mode") { isRequired = value.string?.equals("required") == true }
                    if key.equals("tools") { list = value }
                }
            }
        }
        guard isThis, let list else { return nil }
        var names: [JSONString] = []
        list.visitElements { tool in
            var name: JSONString?
            var isFunction = false
            tool.visitMembers { key, value in
                if key.equals("type") { isFunction = value.string?.equals("function") == true }
                if key.equals("name") { name = value.string }
                if key.equals("function") {
                    value.visitMembers { key, value in if key.equals("name") { name = value.string } }
                }
            }
            if isFunction, let name { names.append(name) } else { holds = false }
        }
        guard holds else { return nil }
        self.names = names
        self.isRequired = isRequired
    }
}

extension JSONFragment {
    /// Calls `visit` for each member; for none if this is no object or broken.
    func visitMembers(_ visit: (JSONKey, JSONFragment) -> Void) {
        BodyReader.read(self.bytes) { reader in
            guard reader.kind(reader.root) == .object else { return }
            try? reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                visit(key, reader.fragment(value))
            }
        }
    }

    /// Calls `visit` for each element; for none if this is no array or broken.
    func visitElements(_ visit: (JSONFragment) -> Void) {
        BodyReader.read(self.bytes) { reader in
            guard reader.kind(reader.root) == .array else { return }
            try? reader.elements(of: reader.root) { (element) throws(AnswerUnreadable) in
                visit(reader.fragment(element))
            }
        }
    }
}
