internal import Chat
internal import Core
internal import NIOCore

/// Reads Anthropic's whole answers.
enum AnthropicAnswerReader {
    /// Reads a body of any content.
    ///
    /// - Throws: `.garbled` if it is no message, or one without an end; `.failure` if it is an error.
    static func read(_ body: ByteBuffer) throws(AnswerUnreadable) -> ChatAnswer {
        try BodyReader.read(body) { (reader) throws(AnswerUnreadable) -> ChatAnswer in
            var members = Members()
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                if let name = Self.names.position(of: key) {
                    members.set(name, value)
                } else if !reader.isNull(value) {
                    members.rest.append(reader.rest(key, value))
                }
            }
            if members.error != nil || members.type.map({ reader.equals($0, "error") }) == true {
                throw .failure(body: body)
            }
            return try Self.answer(members, reader)
        }
    }

    private static let names = JSONNames(
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "usage",
        "error",
        "stop_details"
    )

    private struct Members {
        var id: JSONSlice?
        var type: JSONSlice?
        var model: JSONSlice?
        var content: JSONSlice?
        var stopReason: JSONSlice?
        var stopSequence: JSONSlice?
        var usage: JSONSlice?
        var error: JSONSlice?
        var stopDetails: JSONSlice?
        var rest: [RestMember] = []

        mutating func set(_ name: Int, _ value: JSONSlice) {
            switch name {
            case 0: self.id = value
            case 1: self.type = value
            case 3: self.model = value
            case 4: self.content = value
            case 5: self.stopReason = value
            case 6: self.stopSequence = value
            case 7: self.usage = value
            case 8: self.error = value
            case 9: self.stopDetails = value
            default: break
            }
        }
    }

    private static func answer(_ members: Members, _ reader: BodyReader) throws(AnswerUnreadable) -> ChatAnswer {
        guard let content = members.content, reader.kind(content) == .array,
            let reason = members.stopReason.flatMap({ reader.string($0) })
        else { throw .garbled }
        var parts: [ContentPart] = []
        var calls = 0
        var answers = 0
        try reader.elements(of: content) { (block) throws(AnswerUnreadable) in
            var part = try Self.part(block, reader)
            if case .toolCall(let call) = part.content {
                if call.name.equals(AnthropicOutputForm.toolName) {
                    // The answer in the form that the client wanted.
                    answers += 1
                    part.content = .text(call.arguments.asString)
                } else {
                    calls += 1
                }
            }
            parts.append(part)
        }
        var finish = AnthropicStop.finish(reason)
        if finish == .toolCalls, calls == 0, answers > 0 { finish = .stop }
        var choice = AnswerChoice(parts: parts, finish: finish)
        choice.stopSequence = members.stopSequence.flatMap { reader.string($0) }
        if let details = members.stopDetails, !reader.isNull(details) {
            choice.rest.append(RestMember(name: JSONString("stop_details"), value: reader.fragment(details)))
        }
        var usage = AnthropicUsage()
        if let figures = members.usage { try usage.take(figures, reader) }
        var answer = ChatAnswer(choices: [choice], usage: usage.total)
        answer.id = members.id.flatMap { reader.string($0) }
        answer.model = members.model.flatMap { reader.string($0) }
        answer.serviceTier = usage.serviceTier
        answer.rest = members.rest
        return answer
    }

    private static func part(_ block: JSONSlice, _ reader: BodyReader) throws(AnswerUnreadable) -> ContentPart {
        do throws(RequestUnreadable) {
            var part = try AnthropicBlocks.block(block, reader)
            part.place = -1
            return part
        } catch {
            throw .garbled
        }
    }
}
