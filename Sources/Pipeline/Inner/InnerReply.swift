internal import Chat
internal import Core
internal import Dialects
internal import NIOCore
internal import Wire

/// Whoever wants to know what a model says to a call of the gateway's own, while it does.
///
/// Confined to the call's loop.
protocol InnerListener: AnyObject {
    /// More of what the model says.
    ///
    /// - Parameter kind: One of `AnswerParts`' kinds.
    func said(_ text: JSONString, _ kind: StaticString) throws
    /// A tool is called, or has answered.
    ///
    /// - Parameter part: What of it is kept with the answer.
    func tool(_ step: ToolStep, _ part: JSONValue) throws
    /// A batch is complete.
    func flush()
    /// Whether more may come; if not, `awaitCredit`.
    var hasCredit: Bool { get }
    func awaitCredit() async throws
}

/// Takes the answer to a call of the gateway's own, in OpenAI's chat dialect, and collects what the model says.
///
/// Confined to the loop of its call.
final class InnerReply: ReplySink {
    private let reader = OpenAIChatStreamReader()
    private let bytesMax: Int
    private let listener: (any InnerListener)?
    private(set) var parts = AnswerParts()
    private(set) var finish: FinishReason?
    /// Why the call failed, as the road says it.
    private(set) var failure: GatewayError?
    private(set) var hasContent = false
    private var isAfterTool = false

    /// - Parameter bytesMax: The longest answer that is taken, as JSON.
    init(bytesMax: Int, _ listener: (any InnerListener)? = nil) {
        self.bytesMax = bytesMax
        self.listener = listener
    }

    /// Nobody waits on a connection for it.
    func expectStream() {}

    func whole(_ answer: WholeReply) throws {
        let read: ChatAnswer
        do throws(AnswerUnreadable) {
            read = try OpenAIChatAnswerReader.read(answer.body)
        } catch {
            throw GatewayError(.providerError, "The provider's answer cannot be read.")
        }
        guard let choice = read.choices.first else { return }
        for part in choice.parts {
            switch part.content {
            case .text(let text): try self.say(text, AnswerParts.said)
            case .thinking(let thinking): try self.say(thinking.text, AnswerParts.thought)
            case .refusal(let text): try self.say(text, AnswerParts.refused)
            default: break
            }
        }
        self.finish = choice.finish
        self.flush()
    }

    func begin(_ head: StreamHead) {}

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        try self.reader.read(event) { try self.take($0) }
    }

    private func take(_ event: AnswerEvent) throws {
        switch event {
        case .text(_, let text): try self.say(text, AnswerParts.said)
        case .thinking(_, let text): try self.say(text, AnswerParts.thought)
        case .refusal(_, let text): try self.say(text, AnswerParts.refused)
        case .finish(let reason, _): self.finish = reason
        default: break
        }
    }

    private func say(_ text: JSONString, _ kind: StaticString) throws {
        // Parts of their own are shown and kept for tools, so nothing else has to part what is said around them.
        if self.isAfterTool, kind.utf8Start == AnswerParts.said.utf8Start {
            self.isAfterTool = false
            if text == RoundsAnswer.gap { return }
        }
        // Two quotes, and nothing between them.
        guard text.bytes.readableBytes > 2 else { return }
        // What is there already is to fit in the store when the call ends here.
        guard self.parts.bytes + text.bytes.readableBytes + AnswerParts.frameBytes <= self.bytesMax else {
            throw self.tooLong
        }
        self.parts.append(text, kind: kind)
        self.hasContent = true
        try self.listener?.said(text, kind)
    }

    private var tooLong: GatewayError {
        GatewayError(.providerError, "The answer is longer than \(self.bytesMax) bytes.")
    }

    func tool(_ step: ToolStep) throws {
        self.isAfterTool = true
        let part = step.part
        var longer = self.parts
        longer.append(part)
        guard longer.bytes <= self.bytesMax else { throw self.tooLong }
        self.parts = longer
        self.hasContent = true
        try self.listener?.tool(step, part)
    }

    func flush() { self.listener?.flush() }

    func end() { self.flush() }

    func fail(_ error: GatewayError) { self.failure = error }

    var hasCredit: Bool { self.listener?.hasCredit ?? true }

    func awaitCredit() async throws { try await self.listener?.awaitCredit() }
}

@available(*, unavailable, message: "confined to its loop")
extension InnerReply: Sendable {}

extension ToolStep {
    /// The most bytes of a tool's answer that are shown and kept; the model gets all of it.
    private static let shownMax = 64 << 10

    /// A part of an answer as it is stored and shown: `tool_call` or `tool_result`.
    fileprivate var part: JSONValue {
        switch self {
        case .called(let id, let name, let arguments):
            return ["type": "tool_call", "id": .string(id), "name": .string(name), "arguments": arguments]
        case .answered(let id, let name, let text, let isError):
            var members: [(String, JSONValue)] = [
                ("type", "tool_result"), ("id", .string(id)), ("name", .string(name)),
                ("content", .string(text.prefix(bytes: Self.shownMax))), ("isError", .bool(isError)),
            ]
            if text.utf8.count > Self.shownMax { members.append(("isCut", true)) }
            return .object(members)
        }
    }
}

extension String {
    /// The beginning, of whole characters.
    fileprivate func prefix(bytes: Int) -> String {
        guard self.utf8.count > bytes else { return self }
        var end = self.utf8.index(self.startIndex, offsetBy: bytes)
        while end > self.startIndex, end.samePosition(in: self.unicodeScalars) == nil {
            end = self.utf8.index(before: end)
        }
        return String(self[..<end])
    }
}
