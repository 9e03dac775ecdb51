/// Judges texts by a rule that anyone can check: a text that names a category is of it.
enum Moderation {
    static let categories = [
        "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
        "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
    ]
    private static let forImages: Set<String> = [
        "self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic",
    ]

    /// The answer to the request in `body`.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    static func answer(
        _ body: JSONValue,
        model: String,
        sequence: Int
    ) throws(APIFailure) -> (body: [UInt8], tokens: Int) {
        let inputs = try Self.inputs(body)
        let answer = JSONValue.object([
            .init("id", .string("modr-sim\(sequence)")), .init("model", .string(model)),
            .init("results", .array(inputs.map { Self.result($0) })),
        ])
        return (Array(answer.text.utf8), inputs.reduce(0) { $0 + Tokenizer.count($1.text) })
    }

    private struct Input {
        var text: String
        var hasImage = false
    }

    private static func inputs(_ body: JSONValue) throws(APIFailure) -> [Input] {
        switch body.present("input") {
        case nil: throw .missing("input")
        case .string(let text): return [Input(text: text)]
        case .array(let elements):
            guard let first = elements.first else { throw .emptyArray("input") }
            guard first.string == nil else {
                var inputs: [Input] = []
                for element in elements {
                    guard let text = element.string else { throw .wrongType("input", wants: "strings", got: element) }
                    inputs.append(Input(text: text))
                }
                return inputs
            }
            // Parts of one message are judged together.
            var whole = Input(text: "")
            for (index, element) in elements.enumerated() {
                switch element["type"]?.string {
                case "text":
                    guard let text = element["text"]?.string else { throw .missing("input[\(index)].text") }
                    whole.text += whole.text.isEmpty ? text : "\n\(text)"
                case "image_url":
                    guard element["image_url"]?["url"]?.string != nil else {
                        throw .missing("input[\(index)].image_url.url")
                    }
                    whole.hasImage = true
                default: throw .invalid("input[\(index)].type", "Supported values are: 'text' and 'image_url'.")
                }
            }
            return [whole]
        case .some(let other): throw .wrongType("input", wants: "a string or an array", got: other)
        }
    }

    private static func result(_ input: Input) -> JSONValue {
        let text = input.text.lowercased()
        let found = Self.categories.filter { text.contains($0) }
        return .object([
            .init("flagged", .bool(!found.isEmpty)),
            .init("categories", .object(Self.categories.map { .init($0, .bool(found.contains($0))) })),
            .init(
                "category_scores",
                .object(Self.categories.map { .init($0, .number(found.contains($0) ? 0.98 : 0.0001)) })
            ),
            .init(
                "category_applied_input_types",
                .object(
                    Self.categories.map { category in
                        let types = input.hasImage && Self.forImages.contains(category) ? ["text", "image"] : ["text"]
                        return .init(category, .array(types.map { .string($0) }))
                    }
                )
            ),
        ])
    }
}
