internal import Chat
internal import Core
internal import NIOCore
internal import Transport
internal import Wire

/// The end of the road in this process: hands an answer to whoever reads it, and waits for them.
///
/// Confined to its loop.
final class AnswerSink: ReplySink {
    private let channel: EventChannel
    private let transport: any LoopTransport
    private var reader = ChatReader()
    private var room: (any LoopWait)?
    private(set) var hasContent = false
    /// Why the call failed, as the road says it.
    private(set) var failure: GatewayError?
    private var isWhole = false

    init(_ channel: EventChannel, _ transport: any LoopTransport) {
        self.channel = channel
        self.transport = transport
    }

    /// Nobody waits on a connection that could fall silent.
    func expectStream() {}

    func whole(_ answer: WholeReply) throws {
        self.hasContent = true
        self.isWhole = true
        for event in try ChatReader.whole(answer.body) { self.channel.push(event) }
    }

    func begin(_ head: StreamHead) {}

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        if isContent { self.hasContent = true }
        for event in try self.reader.take(event.data) { self.channel.push(event) }
    }

    func flush() {}

    func end() {}

    func fail(_ error: GatewayError) { self.failure = error }

    /// Says the end of an answer that ended well.
    func finish() {
        guard !self.isWhole else { return }
        for event in self.reader.finish() { self.channel.push(event) }
    }

    var hasCredit: Bool { self.channel.hasRoom }

    func awaitCredit() async throws {
        let room = self.makeRoom()
        while !self.channel.hasRoom { try await room.wait(until: self.transport.eventLoop.now + .hours(1)) }
        // Whoever left is not read to: the road ends by the cancellation of the task.
        try Task.checkCancellation()
    }

    private func makeRoom() -> any LoopWait {
        if let room = self.room { return room }
        let room = self.transport.makeWait()
        self.room = room
        self.channel.whenRoom { room.wake() }
        return room
    }
}

@available(*, unavailable, message: "confined to its loop")
extension AnswerSink: Sendable {}
