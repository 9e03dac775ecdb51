/// Answers requests for images: squares whose colour depends on the prompt.
struct Drawing {
    /// Tokens that an image costs.
    static let tokensEach = 85

    let isStream: Bool
    let promptTokens: Int
    let outputTokens: Int
    private let asked: Asked
    private let prompt: String
    private let count: Int
    private let wantsURL: Bool
    /// Whether there are images to begin with, in a form.
    private let isEdit: Bool

    /// The drawing that was asked for.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    init(_ asked: Asked) throws(APIFailure) {
        let body = asked.body
        guard let field = body.present("prompt") else { throw .missing("prompt") }
        guard let prompt = field.string else { throw .wrongType("prompt", wants: "a string", got: field) }
        guard !prompt.isEmpty else { throw .invalid("prompt", "Invalid 'prompt': empty string.") }
        let count = body.present("n") ?? .integer(1)
        // In a form all fields are texts.
        guard let images = count.integer ?? count.string.flatMap({ Int($0) }) else {
            throw .wrongType("n", wants: "an integer", got: count)
        }
        guard 1...10 ~= images else {
            throw .invalid("n", "Invalid 'n': expected a value from 1 to 10, but got \(images) instead.")
        }
        switch body.present("response_format")?.string ?? "b64_json" {
        case "url": self.wantsURL = true
        case "b64_json": self.wantsURL = false
        case let other: throw .invalid("response_format", "Invalid value: '\(other)'.")
        }
        self.isEdit = asked.upload != nil
        if let upload = asked.upload {
            if let problem = upload.problem { throw APIFailure(400, "Could not parse multipart form: \(problem)") }
            guard upload.files.contains(where: { $0.field == "image" || $0.field == "image[]" }) else {
                throw .missing("image")
            }
        }
        self.asked = asked
        self.prompt = prompt
        self.count = images
        self.isStream = body["stream"]?.bool ?? (body["stream"]?.string == "true")
        self.promptTokens = Tokenizer.count(prompt)
        self.outputTokens = Self.tokensEach * images
    }

    /// How many images are to be shown before they are done.
    private var unfinished: Int {
        let field = self.asked.body["partial_images"]
        return field?.integer ?? field?.string.flatMap { Int($0) } ?? 0
    }

    private func image(_ index: Int) -> [UInt8] {
        let colour = Wording.fingerprint("\(self.prompt) \(index)")
        return PixelImage.png(
            side: 8,
            red: UInt8(truncatingIfNeeded: colour),
            green: UInt8(truncatingIfNeeded: colour >> 8),
            blue: UInt8(truncatingIfNeeded: colour >> 16)
        )
    }

    /// The usage, if a fault does not leave it out.
    private var usage: [JSONValue.Member] {
        let told: ToldUsage.Numbers
        let usage = Usage(prompt: self.promptTokens, completion: self.outputTokens)
        switch usage.told(self.asked.behaviour) {
        case .nothing: return []
        case .null: return [.init("usage", .null)]
        case .numbers(let numbers): told = numbers
        }
        func details(_ text: Int, _ image: Int) -> JSONValue {
            .object([.init("text_tokens", told.json(text)), .init("image_tokens", told.json(image))])
        }
        let numbers = JSONValue.object([
            .init("input_tokens", told.json(told.prompt)), .init("input_tokens_details", details(told.prompt, 0)),
            .init("output_tokens", told.json(told.completion)),
            .init("output_tokens_details", details(0, told.completion)), .init("total_tokens", told.json(told.total)),
        ])
        return [.init("usage", numbers)]
    }

    /// The whole answer.
    var body: [UInt8] {
        let images = (0..<self.count).map { index -> JSONValue in
            guard self.wantsURL else {
                return .object([.init("b64_json", .string(Base64.text(self.image(index))))])
            }
            let url = "https://simulator.invalid/images/\(self.asked.call.sequence)x\(index).png"
            return .object([.init("url", .string(url))])
        }
        let members: [JSONValue.Member] = [
            .init("created", .integer(self.asked.builder.now)), .init("background", .string("opaque")),
            .init("data", .array(images)), .init("output_format", .string("png")), .init("quality", .string("low")),
            .init("size", .string("1024x1024")),
        ]
        return Array(JSONValue.object(members + self.usage).text.utf8)
    }

    /// The images as events: as many unfinished ones as were asked for, then the finished one.
    var events: TextEvents {
        let unfinished = max(0, min(self.unfinished, 3))
        let fixed = (0...unfinished).map { index -> TextEvents.Fixed in
            let isLast = index == unfinished
            let name = "\(self.isEdit ? "image_edit" : "image_generation").\(isLast ? "completed" : "partial_image")"
            var members: [JSONValue.Member] = [
                .init("type", .string(name)), .init("b64_json", .string(Base64.text(self.image(index)))),
                .init("created_at", .integer(self.asked.builder.now)), .init("size", .string("1024x1024")),
                .init("quality", .string("low")), .init("background", .string("opaque")),
                .init("output_format", .string("png")),
            ]
            members += isLast ? self.usage : [.init("partial_image_index", .integer(index))]
            let mark = Mark(events: 1, tokens: isLast ? self.outputTokens : 0, hasUsage: isLast && !self.usage.isEmpty)
            return .init(name: name, json: .object(members), mark: mark)
        }
        return TextEvents(
            .init(kind: .text, pieces: .list([])),
            frame: .init(name: "error", open: "{", close: "}"),
            behaviour: self.asked.behaviour,
            before: fixed,
            failed: OpenAIDialect(.openAI).errorEvent
        )
    }
}
