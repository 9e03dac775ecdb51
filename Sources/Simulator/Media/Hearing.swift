/// Answers uploads of speech: it tells what file came, so that a test can see that all of it did.
struct Hearing {
    let prompt: Prompt
    let isStream: Bool
    let contentType: String
    private let asked: Asked
    private let format: String
    /// Hundredths of a second, if the file were speech at 16,000 samples a second, two bytes each.
    private let hundredths: Int

    /// What was uploaded.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    init(_ asked: Asked) throws(APIFailure) {
        guard let upload = asked.upload else {
            throw APIFailure(
                415,
                "Unsupported content type: this endpoint takes 'multipart/form-data' with a boundary.",
                code: "unsupported_content_type"
            )
        }
        if let problem = upload.problem { throw APIFailure(400, "Could not parse multipart form: \(problem)") }
        guard !asked.model.isEmpty else { throw asked.builder.dialect.failure(.noModel) }
        guard asked.model != ModelList.unknown else { throw asked.builder.dialect.failure(.unknownModel(asked.model)) }
        guard let file = upload.files.first(where: { $0.field == "file" }) else { throw .missing("file") }
        guard file.size > 0 else {
            throw .invalid("file", "Audio file is too short. Minimum audio length is 0.1 seconds.")
        }
        let format = asked.body["response_format"]?.string ?? "json"
        guard ["json", "text", "srt", "verbose_json", "vtt"].contains(format) else {
            throw .invalid("response_format", "Invalid value: '\(format)'.")
        }
        self.asked = asked
        self.format = format
        self.isStream = asked.body["stream"]?.string == "true"
        self.contentType = format.hasSuffix("json") ? "application/json" : "text/plain; charset=utf-8"
        self.hundredths = max(1, file.size / 320)
        var prompt = Prompt(model: asked.model)
        prompt.answer = "The simulator heard \(file.name): \(file.size) bytes, SHA-256 \(file.digest)."
        // Ten tokens a second, and those of the hint, if there is one.
        let hint = asked.body["prompt"]?.string ?? ""
        prompt.fixedTokens = (self.hundredths + 9) / 10 + Tokenizer.count(hint)
        self.prompt = prompt
    }

    private var seconds: JSONValue { .number(Double(self.hundredths) / 100) }

    /// The usage, if a fault does not leave it out.
    private func usage(_ completion: Completion) -> [JSONValue.Member] {
        let told: ToldUsage.Numbers
        switch completion.usage.told(self.asked.behaviour) {
        case .nothing: return []
        case .null: return [.init("usage", .null)]
        case .numbers(let numbers): told = numbers
        }
        guard self.asked.model != "whisper-1" else {
            let seconds = JSONValue.integer((self.hundredths + 99) / 100)
            return [.init("usage", .object([.init("type", .string("duration")), .init("seconds", seconds)]))]
        }
        let details = JSONValue.object([
            .init("text_tokens", .integer(0)), .init("audio_tokens", told.json(told.prompt)),
        ])
        let usage = JSONValue.object([
            .init("type", .string("tokens")), .init("input_tokens", told.json(told.prompt)),
            .init("input_token_details", details), .init("output_tokens", told.json(told.completion)),
            .init("total_tokens", told.json(told.total)),
        ])
        return [.init("usage", usage)]
    }

    // MARK: - Answers

    private func text(_ completion: Completion) -> String { completion.choices[0].parts.map(\.pieces.joined).joined() }

    /// The whole answer in the wanted format.
    func body(_ completion: Completion) -> [UInt8] {
        let text = self.text(completion)
        switch self.format {
        case "text": return Array("\(text)\n".utf8)
        case "srt": return Array("1\n00:00:00,000 --> 00:00:01,000\n\(text)\n\n".utf8)
        case "vtt": return Array("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n\(text)\n\n".utf8)
        case "verbose_json":
            let segment = JSONValue.object([
                .init("id", .integer(0)), .init("seek", .integer(0)), .init("start", .integer(0)),
                .init("end", self.seconds), .init("text", .string(text)), .init("tokens", .array([])),
                .init("temperature", .integer(0)), .init("avg_logprob", .number(-0.1)),
                .init("compression_ratio", .number(1.1)), .init("no_speech_prob", .number(0.01)),
            ])
            let members: [JSONValue.Member] = [
                .init("task", .string("transcribe")), .init("language", .string("english")),
                .init("duration", self.seconds), .init("text", .string(text)), .init("segments", .array([segment])),
            ]
            return Array(JSONValue.object(members + self.usage(completion)).text.utf8)
        default:
            return Array(JSONValue.object([.init("text", .string(text))] + self.usage(completion)).text.utf8)
        }
    }

    /// The answer as events.
    func events(_ completion: Completion) -> TextEvents {
        let part = completion.choices[0].parts.first ?? .init(kind: .text, pieces: .list([]))
        let isFiller: Bool
        if case .filler = part.pieces { isFiller = true } else { isFiller = false }
        let usage = self.usage(completion)
        let done = JSONValue.object(
            [
                .init("type", .string("transcript.text.done")),
                .init("text", .string(isFiller ? "" : self.text(completion))),
            ] + usage
        )
        return TextEvents(
            part,
            frame: .init(open: "{\"type\":\"transcript.text.delta\",\"delta\":\"", close: "\"}"),
            behaviour: self.asked.behaviour,
            after: [.init(json: done, mark: Mark(events: 1, hasUsage: !usage.isEmpty))],
            failed: OpenAIDialect(.openAI).errorEvent
        )
    }
}
