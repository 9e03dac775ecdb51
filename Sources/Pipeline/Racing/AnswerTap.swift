internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Reads along what an answer says, and passes it on where there is somebody to have it.
///
/// Confined to the loop of its call.
final class AnswerTap: ReplySink {
    private(set) var spoken = SpokenText()
    private let reply: (any ReplySink)?
    private var hasBegun = false
    /// Called once, when the answer has content.
    private var onContent: (() -> Void)?

    /// - Parameter reply: Nil: nobody gets the answer.
    init(_ reply: (any ReplySink)?, onContent: (() -> Void)? = nil) {
        self.reply = reply
        self.onContent = onContent
    }

    var hasContent: Bool { self.reply?.hasContent ?? self.hasBegun }

    func expectStream() { self.reply?.expectStream() }

    func whole(_ answer: WholeReply) throws {
        try self.reply?.whole(answer)
        self.spoken.add(whole: answer.body)
        self.noteContent()
    }

    func begin(_ head: StreamHead) throws { try self.reply?.begin(head) }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        try self.reply?.event(event, isContent: isContent)
        self.spoken.add(event: event.data)
        if isContent { self.noteContent() }
    }

    func begin(_ head: ByteHead) throws {
        try self.reply?.begin(head)
        self.noteContent()
    }

    func bytes(_ bytes: ByteBuffer) throws { try self.reply?.bytes(bytes) }

    func flush() throws { try self.reply?.flush() }

    func end() throws { try self.reply?.end() }

    func fail(_ error: GatewayError) throws { try self.reply?.fail(error) }

    var hasCredit: Bool { self.reply?.hasCredit ?? true }

    func awaitCredit() async throws { try await self.reply?.awaitCredit() }

    private func noteContent() {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        self.onContent?()
        self.onContent = nil
    }
}

@available(*, unavailable, message: "confined to its loop")
extension AnswerTap: Sendable {}
