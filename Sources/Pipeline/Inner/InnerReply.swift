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
        // Two quotes, and nothing between them.
        guard text.bytes.readableBytes > 2 else { return }
        self.parts.append(text, kind: kind)
        guard self.parts.bytes <= self.bytesMax else {
            throw GatewayError(.providerError, "The answer is longer than \(self.bytesMax) bytes.")
        }
        self.hasContent = true
        try self.listener?.said(text, kind)
    }

    /// Adds a part that the gateway itself made, such as a tool's result.
    func add(_ part: JSONValue) {
        self.parts.append(part)
        self.hasContent = true
    }

    func flush() { self.listener?.flush() }

    func end() { self.flush() }

    func fail(_ error: GatewayError) { self.failure = error }

    var hasCredit: Bool { self.listener?.hasCredit ?? true }

    func awaitCredit() async throws { try await self.listener?.awaitCredit() }
}

@available(*, unavailable, message: "confined to its loop")
extension InnerReply: Sendable {}
