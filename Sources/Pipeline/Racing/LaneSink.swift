internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Holds what one attempt of a race says until it has content, and passes it on if that wins the race.
///
/// Confined to the loop of its call.
final class LaneSink: ReplySink {
    private let lane: RaceLane
    private let reply: any ReplySink
    private let heldBytesMax: Int
    private var head: StreamHead?
    private var held: [ServerSentEvent] = []
    private var heldBytes = 0

    init(_ lane: RaceLane, _ reply: any ReplySink) {
        self.lane = lane
        self.reply = reply
        self.heldBytesMax = lane.call.snapshot.limits.heldBytesMax
    }

    /// Once any attempt answers, none may turn to another target.
    var hasContent: Bool { self.lane.isDecided || self.reply.hasContent }

    /// The client's own sink fills its silences.
    func expectStream() {}

    func whole(_ answer: WholeReply) throws {
        try self.win()
        try self.reply.whole(answer)
    }

    func begin(_ head: StreamHead) throws {
        self.head = head
        self.held.removeAll()
        self.heldBytes = 0
    }

    func event(_ event: ServerSentEvent, isContent: Bool) throws {
        if !self.lane.hasWon {
            self.heldBytes += event.data.readableBytes
            // Where there is too much to hold, it goes through as it is.
            guard isContent || self.heldBytes > self.heldBytesMax else { return self.held.append(event) }
        }
        try self.win()
        try self.reply.event(event, isContent: isContent)
    }

    func begin(_ head: ByteHead) throws {
        try self.win()
        try self.reply.begin(head)
    }

    func bytes(_ bytes: ByteBuffer) throws { try self.reply.bytes(bytes) }

    func flush() throws { if self.lane.hasWon { try self.reply.flush() } }

    func end() throws {
        try self.win()
        try self.reply.end()
    }

    /// Failures are told by who stands above the race.
    func fail(_ error: GatewayError) throws { throw error }

    var hasCredit: Bool { !self.lane.hasWon || self.reply.hasCredit }

    func awaitCredit() async throws { if self.lane.hasWon { try await self.reply.awaitCredit() } }

    /// Wins the race, and sends what was held back.
    ///
    /// - Throws: `CancellationError` if another attempt was faster.
    private func win() throws {
        guard self.lane.claim() else { throw CancellationError() }
        guard let head = self.head else { return }
        self.head = nil
        try self.reply.begin(head)
        for event in self.held { try self.reply.event(event, isContent: false) }
        self.held.removeAll()
    }
}

@available(*, unavailable, message: "confined to its loop")
extension LaneSink: Sendable {}
