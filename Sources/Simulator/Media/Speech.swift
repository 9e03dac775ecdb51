/// Answers requests for speech with a soft tone that lasts as long as the text would.
struct Speech {
    /// Samples a second, 16 bits each, one channel.
    static let rate = 24_000
    /// How long a token takes to say, in milliseconds.
    private static let millisecondsEach = 100
    /// Longer speeches than this, in tokens, are cut.
    private static let tokensMax = 6_000

    let promptTokens: Int
    /// Ten for a second of speech: the tokens of the text.
    let outputTokens: Int
    let isEvents: Bool
    let contentType: String
    private let format: String
    private let behaviour: Behaviour

    private static let types = [
        "mp3": "audio/mpeg", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav",
        "pcm": "audio/pcm",
    ]

    /// The speech that was asked for.
    ///
    /// - Throws: `APIFailure` for the first thing that is wrong.
    init(_ asked: Asked) throws(APIFailure) {
        let body = asked.body
        guard let field = body.present("input") else { throw .missing("input") }
        guard let text = field.string else { throw .wrongType("input", wants: "a string", got: field) }
        guard !text.isEmpty else {
            throw .invalid("input", "Invalid 'input': empty string. Expected a string with minimum length 1.")
        }
        guard let voice = body.present("voice") else { throw .missing("voice") }
        guard voice.string != nil || voice["id"]?.string != nil else {
            throw .wrongType("voice", wants: "a string", got: voice)
        }
        let format = body.present("response_format")?.string ?? "mp3"
        guard let type = Self.types[format] else {
            throw .invalid(
                "response_format",
                "Invalid value: '\(format)'. Supported values are: 'aac', 'flac', 'mp3',"
                    + " 'opus', 'pcm', and 'wav'."
            )
        }
        if let speed = body.present("speed") {
            guard let number = speed.number, 0.25...4 ~= number else {
                throw .invalid("speed", "Invalid 'speed': expected a value from 0.25 to 4.")
            }
        }
        switch body.present("stream_format")?.string ?? "audio" {
        case "audio": self.isEvents = false
        case "sse": self.isEvents = true
        case let other: throw .invalid("stream_format", "Invalid value: '\(other)'.")
        }
        self.format = format
        self.contentType = type
        self.behaviour = asked.behaviour
        self.promptTokens = Tokenizer.count(text)
        self.outputTokens = min(self.promptTokens, Self.tokensMax)
    }

    // MARK: - Sound

    /// The whole sound in the wanted format.
    ///
    /// WAV and PCM are a tone. MP3 is silence that players accept. The others are only named so.
    var sound: [UInt8] {
        switch self.format {
        case "wav": return Self.waveHeader(self.samples.count) + self.samples
        case "mp3": return Self.silentFrames(milliseconds: self.outputTokens * Self.millisecondsEach)
        default: return self.samples
        }
    }

    /// A tone of 240 Hz, little-endian: a triangle that repeats every hundred samples.
    private var samples: [UInt8] {
        let period = (0..<100).flatMap { step -> [UInt8] in
            let height = Int16(step < 50 ? step * 80 : (100 - step) * 80)
            let bits = UInt16(bitPattern: height - 2000)
            return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
        }
        let periods = Self.rate / 100 * Self.millisecondsEach / 1000 * self.outputTokens
        return Array(repeatElement(period, count: periods).joined())
    }

    /// What stands before the samples of a WAV file, `size` bytes of them.
    static func waveHeader(_ size: Int) -> [UInt8] {
        func number(_ value: Int, _ bytes: Int) -> [UInt8] {
            (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let format = number(1, 2) + number(1, 2) + number(Self.rate, 4) + number(Self.rate * 2, 4) + number(2, 2)
        return Array("RIFF".utf8) + number(36 + size, 4) + Array("WAVEfmt ".utf8) + number(16, 4) + format
            + number(16, 2) + Array("data".utf8) + number(size, 4)
    }

    /// Frames of MPEG-1 layer III, 128 kbit/s at 44.1 kHz, that say nothing: 417 bytes and 26 ms each.
    private static func silentFrames(milliseconds: Int) -> [UInt8] {
        let frame: [UInt8] = [0xFF, 0xFB, 0x90, 0xC0] + [UInt8](repeating: 0, count: 413)
        return Array(repeatElement(frame, count: max(1, milliseconds / 26)).joined())
    }

    // MARK: - Streams

    /// The bytes as they are; with `chunks` so many more pieces.
    var bytes: ByteEvents {
        let size = self.behaviour.eventBytes ?? 4096
        let fillers = self.behaviour.isEndless ? 1 << 40 : self.behaviour.chunks ?? 0
        return ByteEvents(
            self.sound,
            size: size,
            tokens: self.outputTokens,
            filler: fillers > 0 ? [UInt8](repeating: 0, count: max(1, size)) : [],
            fillers: fillers
        )
    }

    /// The bytes in events, in base64.
    var events: TextEvents {
        let sound = self.sound
        let pieces = stride(from: 0, to: sound.count, by: 3072).map { start in
            Base64.text(Array(sound[start..<min(start + 3072, sound.count)]))
        }
        var done: [JSONValue.Member] = [.init("type", .string("speech.audio.done"))]
        let usage = Usage(prompt: self.promptTokens, completion: self.outputTokens)
        switch usage.told(self.behaviour) {
        case .nothing: break
        case .null: done.append(.init("usage", .null))
        case .numbers(let told):
            let numbers = JSONValue.object([
                .init("input_tokens", told.json(told.prompt)), .init("output_tokens", told.json(told.completion)),
                .init("total_tokens", told.json(told.total)),
            ])
            done.append(.init("usage", numbers))
        }
        let mark = Mark(events: 1, tokens: self.outputTokens, hasUsage: done.count > 1)
        return TextEvents(
            .init(kind: .text, pieces: .list(pieces)),
            frame: .init(open: "{\"type\":\"speech.audio.delta\",\"audio\":\"", close: "\"}"),
            behaviour: self.behaviour,
            after: [.init(json: .object(done), mark: mark)],
            countsPieces: false,
            failed: OpenAIDialect(.openAI).errorEvent
        )
    }
}
