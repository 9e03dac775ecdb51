/// A request to the Messages API that passed validation.
struct MessagesRequest {
    var prompt: Prompt
    var isStream = false
    /// Whether thoughts are shown, or only their signatures.
    var showsThoughts = true
    /// The boundaries between blocks, for the prompt cache.
    var breakpoints: [PromptCache.Place] = []
    /// What the answer cites, if a document wants to be cited.
    var citation: JSONValue?
}

/// Where a value stands in a request, written the way Anthropic's errors do: `messages.0.content.1.text`.
struct JSONPath: CustomStringConvertible {
    let description: String

    init(_ text: String) {
        self.description = text
    }

    subscript(_ key: String) -> JSONPath { JSONPath("\(self.description).\(key)") }

    subscript(_ index: Int) -> JSONPath { JSONPath("\(self.description).\(index)") }

    /// An error that says what is wrong here.
    func wrong(_ what: String) -> APIFailure { .anthropic("\(self.description): \(what)") }
}

extension JSONValue {
    /// The value of `key`.
    ///
    /// - Throws: `APIFailure` if there is none.
    func required(_ key: String, at path: JSONPath) throws(APIFailure) -> JSONValue {
        guard let value = self[key] else { throw path[key].wrong("Field required") }
        return value
    }

    /// The text of `key`.
    ///
    /// - Throws: `APIFailure` if there is none.
    func requiredText(_ key: String, at path: JSONPath) throws(APIFailure) -> String {
        guard let text = try self.required(key, at: path).string else {
            throw path[key].wrong("Input should be a valid string")
        }
        return text
    }

    /// Refuses members that are not among `known`.
    ///
    /// - Throws: `APIFailure` that names the first.
    func refuseOthers(than known: Set<String>, at path: JSONPath? = nil) throws(APIFailure) {
        for member in self.members ?? [] where !known.contains(member.key) {
            let place = path.map { $0[member.key] } ?? JSONPath(member.key)
            throw place.wrong("Extra inputs are not permitted")
        }
    }
}
