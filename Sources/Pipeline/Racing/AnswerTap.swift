internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Reads along what an answer says, and passes it on where there is somebody to have it.
///
/// Confined to the loop of its call.
final class AnswerTap: SinkBetween {
    private(set) var spoken = SpokenText()
    let reply: (any ReplySink)?
    private var hasBegun = false
    /// Called once, when the answer has content.
    private var onContent: (() -> Void)?

    /// - Parameter reply: Nil: nobody gets the answer.
    init(_ reply: (any ReplySink)?, onContent: (() -> Void)? = nil) {
        self.reply = reply
        self.onContent = onContent
    }

    var hasContent: Bool { self.reply?.hasContent ?? self.hasBegun }

    func whole(_ answer: WholeReply) throws {
        try self.reply?.whole(answer)
        self.spoken.add(whole: answer.body)
        self.noteContent()
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        try self.reply?.event(event, isContent: isContent)
        self.spoken.add(event: event.data)
        if isContent { self.noteContent() }
    }

    func begin(_ head: ByteHead) throws {
        try self.reply?.begin(head)
        self.noteContent()
    }

    private func noteContent() {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        self.onContent?()
        self.onContent = nil
    }
}

@available(*, unavailable, message: "confined to its loop")
extension AnswerTap: Sendable {}
