/// The rules of the Gemini API about who says what after whom.
struct GeminiTurns {
    /// Stands in for a signature that a client never had, in a conversation that another model began.
    static let dummies: Set<String> = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"]

    private let contents: [JSONValue]

    /// Checks the contents of a request.
    ///
    /// - Throws: `APIFailure` for the first rule that is broken.
    static func check(_ contents: [JSONValue], needsSignatures: Bool) throws(APIFailure) {
        let turns = GeminiTurns(contents: contents)
        guard !contents.isEmpty else { throw GeminiErrors.invalid("contents", "contents is not specified") }
        for index in contents.indices { try turns.checkParts(index) }
        for index in contents.indices { try turns.checkOrder(index) }
        if needsSignatures { try turns.checkSignatures() }
    }

    private func parts(_ index: Int) -> [JSONValue] {
        self.contents.indices.contains(index) ? self.contents[index]["parts"]?.array ?? [] : []
    }

    private func calls(_ index: Int) -> [JSONValue] { self.parts(index).compactMap { $0["functionCall"] } }

    private func results(_ index: Int) -> [JSONValue] { self.parts(index).compactMap { $0["functionResponse"] } }

    private func isModel(_ index: Int) -> Bool { self.contents[index]["role"]?.string == "model" }

    // MARK: - One content

    private func checkParts(_ index: Int) throws(APIFailure) {
        let content = self.contents[index]
        let role = content["role"]?.string ?? ""
        guard ["", "user", "model"].contains(role) else {
            throw GeminiErrors.invalid("Please use a valid role: user, model.")
        }
        let place = "contents[\(index)].parts"
        guard !self.parts(index).isEmpty else {
            throw GeminiErrors.invalid(place, "contents.parts must not be empty.")
        }
        for (number, part) in self.parts(index).enumerated() {
            try self.check(part, at: "\(place)[\(number)]", isModel: role == "model")
        }
    }

    private func check(_ part: JSONValue, at place: String, isModel: Bool) throws(APIFailure) {
        let hasData = part.members?.contains { ProtoMessage.part.oneOf.contains($0.key) } ?? false
        // The model itself ends its answers with an empty text that carries a signature.
        let isEmptyText = part["text"]?.string?.isEmpty == true && part["thoughtSignature"] == nil
        guard hasData, !isEmptyText else {
            throw GeminiErrors.invalid(
                "\(place).data",
                "required oneof field 'data' must have one initialized field"
            )
        }
        if let call = part["functionCall"] {
            guard isModel else {
                throw GeminiErrors.invalid("Please ensure that function calls come from the model role.")
            }
            guard call["name"]?.string?.isEmpty == false else {
                throw GeminiErrors.invalid("\(place).function_call.name", "Name cannot be empty.")
            }
        }
        if let result = part["functionResponse"] {
            guard !isModel else {
                throw GeminiErrors.invalid("Please ensure that function responses come from the user role.")
            }
            guard result["name"]?.string?.isEmpty == false else {
                throw GeminiErrors.invalid("\(place).function_response.name", "Name cannot be empty.")
            }
            guard result["response"] != nil else {
                throw GeminiErrors.invalid("\(place).function_response.response", "Response cannot be empty.")
            }
        }
        if let blob = part["inlineData"] {
            guard blob["mimeType"]?.string?.isEmpty == false, blob["data"]?.string?.isEmpty == false else {
                throw GeminiErrors.invalid("\(place).inline_data", "needs mime_type and data.")
            }
        }
        if let file = part["fileData"], file["fileUri"]?.string?.isEmpty != false {
            throw GeminiErrors.invalid("\(place).file_data.file_uri", "must not be empty.")
        }
    }

    // MARK: - One after the other

    private func checkOrder(_ index: Int) throws(APIFailure) {
        let calls = self.calls(index)
        if !calls.isEmpty {
            guard index > 0, !self.isModel(index - 1) else {
                throw GeminiErrors.invalid(
                    "Please ensure that function call turn comes immediately after a user turn or after a function"
                        + " response turn."
                )
            }
        }
        let results = self.results(index)
        let before = index > 0 ? self.calls(index - 1) : []
        if !results.isEmpty, before.isEmpty {
            throw GeminiErrors.invalid(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        }
        guard before.count == results.count else {
            throw GeminiErrors.invalid(
                "Please ensure that the number of function response parts is equal to the number of function call"
                    + " parts of the function call turn."
            )
        }
        let isLast = index == self.contents.count - 1
        if isLast, !calls.isEmpty {
            throw GeminiErrors.invalid(
                "Please ensure that multiturn requests end with a user turn or a function response."
            )
        }
    }

    // MARK: - Signatures

    /// In the current turn, which began when the user last spoke, the first call of each step must bring the signature
    /// that came with it.
    private func checkSignatures() throws(APIFailure) {
        let start = self.contents.indices.last { index in
            !self.isModel(index) && self.results(index).isEmpty
        }
        for index in (start ?? 0)..<self.contents.count where self.isModel(index) {
            for (number, part) in self.parts(index).enumerated() {
                let call = part["functionCall"]
                let name = call?["name"]?.string ?? ""
                if let signature = part["thoughtSignature"]?.string {
                    guard Self.isGood(signature, name: name) else {
                        throw GeminiErrors.invalid("Thought signature is not valid.")
                    }
                } else if call != nil, number == self.parts(index).firstIndex(where: { $0["functionCall"] != nil }) {
                    throw GeminiErrors.invalid(
                        "Function call is missing a thought_signature in functionCall parts. Additional data, function"
                            + " call `default_api:\(name)` , position \(index + 1)."
                    )
                }
            }
        }
    }

    /// The signature of a call, or of a text if `name` is empty.
    ///
    /// It names what it signs, so that one that comes back on another part is found out.
    static func signature(_ name: String) -> String {
        Base64.text(Array("thought by the simulator, before \(name.isEmpty ? "text" : "calling \(name)")".utf8))
    }

    /// Whether a signature belongs to the part it stands on.
    private static func isGood(_ signature: String, name: String) -> Bool {
        // Clients send the dummy as it is written, official ones in base64 as the bytes that it is declared to be.
        if Self.dummies.contains(signature) { return true }
        guard let bytes = Base64.bytes(signature) else { return false }
        if Self.dummies.contains(String(decoding: bytes, as: UTF8.self)) { return true }
        return Base64.bytes(Self.signature(name)) == bytes
    }
}
