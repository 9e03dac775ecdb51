internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Puts what the stages below push onto a running answer.
///
/// Confined to the loop of its call. What happens to the client is not its business: whoever follows sees to that.
final class AnswerRecorder: ReplySink {
    private let answer: RunningAnswer
    private let answers: RunningAnswers
    /// Run once when the answer is whole, while the road still tidies up behind it.
    private let onEnd: (AnswerRecorder) -> Void
    /// Bytes of the memory for running answers that this one has taken.
    private(set) var held = 0
    private var hasEnded = false

    init(_ answer: RunningAnswer, of answers: RunningAnswers, onEnd: @escaping (AnswerRecorder) -> Void) {
        self.answer = answer
        self.answers = answers
        self.onEnd = onEnd
    }

    var hasContent: Bool { self.answer.hasContent }

    /// The client's own sink fills its silences.
    func expectStream() {}

    func whole(_ answer: WholeReply) {
        let mayKeep = self.hold(answer.body.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.put(answer)
        }
        self.noteEnd()
    }

    func begin(_ head: StreamHead) { self.answer.write(wakes: false) { $0.begin(head) } }

    func begin(_ head: ByteHead) { self.answer.write(wakes: false) { $0.begin(head) } }

    func bytes(_ bytes: ByteBuffer) {
        let copy = ByteBuffer(bytes: bytes.readableBytesView)
        let mayKeep = self.hold(copy.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.append(ServerSentEvent(data: copy), isContent: true)
        }
    }

    func event(_ event: ServerSentEvent, isContent: Bool) {
        // A copy of its own: what it came in is a receive buffer, or is used again for the next event.
        let data = ByteBuffer(bytes: event.data.readableBytesView)
        let copy = ServerSentEvent(
            data: data,
            type: event.type.map { ByteBuffer(bytes: $0.readableBytesView) },
            isComment: event.isComment
        )
        let mayKeep = self.hold(data.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.append(copy, isContent: isContent)
        }
    }

    /// Takes memory for more of the answer; false if there is none.
    private func hold(_ count: Int) -> Bool {
        guard self.answers.hold(count) else { return false }
        self.held += count
        return true
    }

    func flush() { self.answer.write(wakes: true) { _ in } }

    func end() {
        self.answer.write(wakes: true) { $0.end() }
        self.noteEnd()
    }

    private func noteEnd() {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.onEnd(self)
    }

    func fail(_ error: GatewayError) { self.answer.write(wakes: true) { $0.fail(error) } }

    var hasCredit: Bool { self.answer.hasRoom }

    func awaitCredit() async throws { try await self.answer.awaitRoom() }
}

@available(*, unavailable, message: "confined to its loop")
extension AnswerRecorder: Sendable {}
