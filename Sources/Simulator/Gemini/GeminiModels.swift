/// The models that the simulator lists in the Gemini API.
enum GeminiModels {
    private static let models: [(id: String, about: String, methods: [String])] = [
        ("sim", "Answers in a few words.", ["generateContent", "countTokens"]),
        ("sim-mini", "The same, under another name.", ["generateContent", "countTokens"]),
        ("sim-reasoner", "Spends some thoughts first.", ["generateContent", "countTokens"]),
        ("sim-gemini-3", "Wants the signatures of its thoughts back.", ["generateContent", "countTokens"]),
        ("sim-embedding", "Makes vectors.", ["embedContent", "countTokens"]),
    ]

    /// A page of the list, as `pageSize` and `pageToken` ask for it.
    ///
    /// - Throws: `APIFailure` if they make no sense.
    static func page(_ target: Target) throws(APIFailure) -> JSONValue {
        let size = target.parameter("pageSize").map { Int($0) } ?? 50
        let start = target.parameter("pageToken").map { Int($0) } ?? 0
        guard let size, size >= 0, let start, 0...Self.models.count ~= start else {
            throw GeminiErrors.invalid(
                "* ListModelsRequest.page_size: must be a number, page_token one that was given\n"
            )
        }
        let end = min(Self.models.count, start + max(1, min(size == 0 ? 50 : size, 1000)))
        let entries = Self.models[start..<end].map { Self.entry($0.id, $0.about, $0.methods) }
        var members: [JSONValue.Member] = [.init("models", .array(entries))]
        if end < Self.models.count { members.append(.init("nextPageToken", .string("\(end)"))) }
        return .object(members)
    }

    /// One model, by any name.
    static func one(_ id: String) -> JSONValue {
        let known = Self.models.first { $0.id == id }
        return Self.entry(
            id,
            known?.about ?? "Any name will do.",
            known?.methods ?? ["generateContent", "countTokens"]
        )
    }

    private static func entry(_ id: String, _ about: String, _ methods: [String]) -> JSONValue {
        .object([
            .init("name", .string("models/\(id)")), .init("version", .string("001")),
            .init("displayName", .string("Simulator: \(id)")), .init("description", .string(about)),
            .init("inputTokenLimit", .integer(1_048_576)), .init("outputTokenLimit", .integer(65_536)),
            .init("supportedGenerationMethods", .array(methods.map { .string($0) })),
            .init("temperature", .integer(1)), .init("topP", .number(0.95)), .init("topK", .integer(64)),
            .init("maxTemperature", .integer(2)),
        ])
    }
}
