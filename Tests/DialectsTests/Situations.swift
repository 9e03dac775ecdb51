import Chat
import Core
import Dialects
import NIOCore
import Wire

/// What happens between a client and a provider, by name: each is a row of the golden table.
///
/// `Fixtures/dialects/situations/<format>` holds what clients ask in it (`request-<name>.json`) and what providers
/// answer (`answer-<name>.json`, `stream-<name>.sse`).
enum Situations {
    /// What clients ask.
    static let requests = [
        "plain", "system", "developer", "tools", "parallel-tools", "forced-tool", "strict-tool", "tool-results",
        "tool-result-image", "tool-error", "image", "image-url", "file", "audio", "structured", "json-object",
        "reasoning",
        "signed-thinking", "cache-marks", "stop", "sampling", "odd-unicode", "empty-content", "stream",
    ]
    /// What providers answer, whole and as a stream.
    static let answers = [
        "plain", "tools", "parallel-tools", "reasoning", "structured", "length", "refusal", "odd-unicode",
        "empty-content",
    ]
    /// What only streams do.
    static let streams = ["long-stream", "cut-stream"]
    /// Errors, which whoever judges them puts into the client's words: `RoadTests/ErrorGoldenTests` holds these cells.
    static let elsewhere = ["rate-limit", "context-too-long"]

    /// Why a pair has no errors.
    static func isUnfailing(_ client: WireFormat, _ provider: WireFormat) -> String? {
        provider == .openAIResponses ? "whoever speaks another dialect than Responses reaches OpenAI's chat" : nil
    }

    /// Why a client has no such request.
    static func isUnaskable(_ situation: String, by client: WireFormat) -> String? {
        switch (client, situation) {
        case (.openAIChat, "tool-result-image"): "results of tools are text in chat"
        case (.openAIChat, "tool-error"), (.openAIResponses, "tool-error"): "results have no mark for errors"
        case (.openAIResponses, "audio"): "Responses takes no sound"
        case (.openAIResponses, "cache-marks"): "Responses has no cache marks"
        case (.openAIResponses, "stop"): "Responses has no stop texts"
        case (.anthropic, "developer"): "Messages knows system alone"
        case (.anthropic, "audio"): "Messages takes no sound"
        case (.anthropic, "json-object"): "Messages wants a schema"
        default: nil
        }
    }

    /// Why a provider has no such answer.
    static func isUnanswerable(_ situation: String, by provider: WireFormat) -> String? {
        provider == .cohere && situation == "refusal" ? "Cohere says a refusal as a text" : nil
    }

    /// A model of each provider.
    static func model(_ provider: WireFormat) -> String {
        switch provider {
        case .openAIChat, .openAIResponses: "gpt-5.2"
        case .anthropic: "claude-sonnet-4-5"
        case .cohere: "command-a-03-2025"
        case .gemini: "gemini-3-pro"
        case .bedrock: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
        }
    }

    static func fixture(_ format: WireFormat, _ name: String) throws -> ByteBuffer {
        try Fixture.bytes("situations/\(format.label)/\(name)")
    }

    static func hasFixture(_ format: WireFormat, _ name: String) -> Bool {
        Fixture.names(in: "situations/\(format.label)", suffix: name).contains(name)
    }
}

/// What one cell of the golden table says: what the gateway makes of a situation between two dialects.
struct GoldenCell {
    let client: WireFormat
    let provider: WireFormat
    let situation: String
    /// Pieces of JSON, by name.
    private(set) var members: [(name: String, json: String)] = []
    /// Why there is nothing to write, for the parts that are not applicable.
    private(set) var reasons: [String] = []
    /// What is missing.
    private(set) var gaps: [String] = []

    init(_ client: WireFormat, _ provider: WireFormat, _ situation: String) throws {
        self.client = client
        self.provider = provider
        self.situation = situation
        if Situations.elsewhere.contains(situation) {
            if let reason = Situations.isUnfailing(client, provider) {
                self.reasons.append(reason)
            } else if (try? Fixture.bytes(self.path)) != nil {
                self.reasons.append("RoadTests/ErrorGoldenTests")
            } else {
                self.gaps.append("\(self.path) is missing; `make golden` writes it")
            }
        }
        if Situations.requests.contains(situation) { try self.addRequest() }
        if Situations.answers.contains(situation) { try self.addAnswer() }
        if (Situations.answers + Situations.streams).contains(situation) { try self.addStream() }
    }

    var path: String { "golden/\(self.client.label)-\(self.provider.label)/\(self.situation).json" }

    /// The cell as a file; nil where nothing is applicable.
    var text: String? {
        guard !self.members.isEmpty else { return nil }
        let members = self.members.map { "\"\($0.name)\":\($0.json)" }.joined(separator: ",")
        return PrettyJSON.text("{\(members)}") + "\n"
    }

    private mutating func addRequest() throws {
        let name = "request-\(self.situation).json"
        guard Situations.hasFixture(self.client, name) else {
            if let reason = Situations.isUnaskable(self.situation, by: self.client) {
                self.reasons.append(reason)
            } else {
                self.gaps.append("\(self.client.label) has no \(name)")
            }
            return
        }
        let body = try Situations.fixture(self.client, name)
        let request = try Codecs.readRequest(body, as: self.client)
        let model = Situations.model(self.provider)
        var target = TargetTraits(model: JSONString(model), modelID: model)
        target.outputLimitField = "max_completion_tokens"
        var losses = Losses()
        var written = ByteBuffer()
        do throws(RequestUnwritable) {
            try Codecs.writeRequest(request, as: self.provider, for: target, losses: &losses, into: &written)
        } catch {
            self.members.append(("refused", JSONValue.string(error.message).text))
            return
        }
        self.members.append(("request", String(buffer: written)))
        func add(_ name: String, _ paths: [String]) {
            if !paths.isEmpty { self.members.append((name, JSONValue.array(paths.map { .string($0) }).text)) }
        }
        add("dropped", losses.paths(in: body))
        add("emulated", losses.emulatedPaths(in: body))
    }

    /// What answers are asked for with; a client of streams wants usage.
    private func context() throws -> AnswerContext {
        let name =
            Situations.hasFixture(self.client, "request-stream.json") ? "request-stream.json" : "request-plain.json"
        let request = try Codecs.readRequest(Situations.fixture(self.client, name), as: self.client)
        let model = JSONString(Situations.model(self.provider))
        var context = AnswerContext(id: "id1", created: 1_763_740_000, model: model, request: request)
        context.source = self.provider
        return context
    }

    private mutating func addAnswer() throws {
        let name = "answer-\(self.situation).json"
        guard Situations.hasFixture(self.provider, name) else { return self.noteMissing(name) }
        let answer = try Codecs.readAnswer(Situations.fixture(self.provider, name), as: self.provider)
        var body = ByteBuffer()
        try Codecs.writeAnswer(answer, as: self.client, try self.context(), into: &body)
        self.members.append(("answer", String(buffer: body)))
    }

    private mutating func addStream() throws {
        let name = "stream-\(self.situation).sse"
        guard Situations.hasFixture(self.provider, name) else { return self.noteMissing(name) }
        let events = try Events.read(Situations.fixture(self.provider, name))
        let written = try Self.rewrite(events, from: self.provider, to: self.client, self.context()).written
        if self.situation == "long-stream" {
            self.members.append(("events", "\(written.count)"))
            return
        }
        let list = written.map { event in
            let data = String(buffer: event.data)
            let json = data.hasPrefix("{") ? data : JSONValue.string(data).text
            guard let type = event.type else { return json }
            return "{\"event\":\"\(String(buffer: type))\",\"data\":\(json)}"
        }
        self.members.append(("stream", "[\(list.joined(separator: ","))]"))
    }

    private mutating func noteMissing(_ name: String) {
        if let reason = Situations.isUnanswerable(self.situation, by: self.provider) {
            self.reasons.append(reason)
        } else {
            self.gaps.append("\(self.provider.label) has no \(name)")
        }
    }

    /// A provider's events in a client's dialect, and the steps in between.
    static func rewrite(
        _ events: [ServerSentEvent],
        from provider: WireFormat,
        to client: WireFormat,
        _ context: AnswerContext
    ) throws -> (steps: [AnswerEvent], written: [ServerSentEvent]) {
        let reader = Codecs.streamReader(provider)
        let writer = try Codecs.streamWriter(client, context)
        var steps: [AnswerEvent] = []
        var written: [ServerSentEvent] = []
        func take(_ step: AnswerEvent) throws {
            steps.append(step)
            try writer.write(step) { event, _ in
                // The bytes may be used again.
                written.append(ServerSentEvent(data: ByteBuffer(bytes: event.data.readableBytesView), type: event.type))
            }
        }
        for event in events { try reader.read(event, take) }
        try reader.finish(take)
        return (steps, written)
    }
}

/// JSON with a line for each member, whatever its strings hold.
enum PrettyJSON {
    static func text(_ json: String) -> String {
        var out: [UInt8] = []
        var depth = 0
        var isText = false
        var isEscaped = false
        let bytes = Array(json.utf8)
        func newLine() {
            out.append(0x0A)
            out += [UInt8](repeating: 0x20, count: depth)
        }
        for (index, byte) in bytes.enumerated() {
            if isText {
                out.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            let last = out.last ?? 0
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                out.append(byte)
                depth += 1
                if next != UInt8(ascii: "}"), next != UInt8(ascii: "]") { newLine() }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if last != UInt8(ascii: "{"), last != UInt8(ascii: "[") { newLine() }
                out.append(byte)
            case UInt8(ascii: ","):
                out.append(byte)
                newLine()
            case UInt8(ascii: ":"): out += [byte, 0x20]
            case 0x20, 0x0A, 0x0D, 0x09: break
            default:
                out.append(byte)
                isText = byte == UInt8(ascii: "\"")
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
