internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Puts the events of an answer in a session on its tape.
///
/// Confined to the loop of its call.
final class SessionTape: InnerListener {
    private let answer: RunningAnswer
    private let running: RunningAnswers
    private let now: @Sendable () -> NIODeadline
    /// Called when something was added, and a while after the last time.
    var onProgress: () -> Void = {}
    private var nextProgress = NIODeadline.uptimeNanoseconds(0)
    /// Bytes of the memory for running answers that this one has taken.
    private(set) var held = 0
    private var isNew = false

    /// Whoever keeps what is there so far makes the next word copy it, so that must not be for every word.
    private static let progressPace: TimeAmount = .milliseconds(500)

    init(_ answer: RunningAnswer, of running: RunningAnswers) {
        self.answer = answer
        self.running = running
        self.now = running.monotonicClock
    }

    func said(_ text: JSONString, _ kind: StaticString) {
        var data = ByteBufferAllocator().buffer(capacity: text.bytes.readableBytes + 40)
        data.writeStaticString("{\"type\":\"")
        data.writeStaticString(kind)
        data.writeStaticString("\",\"text\":")
        text.write(into: &data)
        data.writeStaticString("}")
        self.push(SessionEvents.content, data, isContent: true)
        self.isNew = true
    }

    func tool(_ step: ToolStep, _ part: JSONValue) {
        var data = ByteBuffer()
        part.write(into: &data)
        switch step {
        case .called: self.push(SessionEvents.toolCall, data, isContent: true)
        case .answered: self.push(SessionEvents.toolResult, data, isContent: true)
        }
        self.isNew = true
    }

    /// Puts an event on the tape.
    func push(_ name: ByteBuffer, _ data: ByteBuffer, isContent: Bool) {
        let mayKeep = self.running.hold(data.readableBytes)
        if mayKeep { self.held += data.readableBytes }
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.append(ServerSentEvent(data: data, type: name), isContent: isContent)
        }
    }

    func flush() {
        self.answer.write(wakes: true) { _ in }
        guard self.isNew, case let now = self.now(), now >= self.nextProgress else { return }
        self.isNew = false
        self.nextProgress = now + Self.progressPace
        self.onProgress()
    }

    var hasCredit: Bool { self.answer.hasRoom }

    func awaitCredit() async throws { try await self.answer.awaitRoom() }
}

@available(*, unavailable, message: "confined to its loop")
extension SessionTape: Sendable {}
