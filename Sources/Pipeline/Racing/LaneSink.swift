internal import Chat
internal import Core
internal import NIOCore
internal import Wire

/// Holds what one attempt of a race says until it has content, and passes it on if that wins the race.
///
/// Confined to the loop of its call.
final class LaneSink: SinkBetween {
    private let lane: RaceLane
    private let client: any ReplySink
    private let heldBytesMax: Int
    private var head: StreamHead?
    private var held: [ServerSentEvent] = []
    private var heldBytes = 0

    init(_ lane: RaceLane, _ client: any ReplySink) {
        self.lane = lane
        self.client = client
        self.heldBytesMax = lane.call.snapshot.limits.heldBytesMax
    }

    /// Nobody, as long as the race is open.
    var reply: (any ReplySink)? { self.lane.hasWon ? self.client : nil }

    /// Once any attempt answers, none may turn to another target.
    var hasContent: Bool { self.lane.isDecided || self.client.hasContent }

    /// The client's own sink fills its silences.
    func expectStream() {}

    func whole(_ answer: WholeReply) throws {
        try self.win()
        try self.client.whole(answer)
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
        try self.client.event(event, isContent: isContent)
    }

    func begin(_ head: ByteHead) throws {
        try self.win()
        try self.client.begin(head)
    }

    func end() throws {
        try self.win()
        try self.client.end()
    }

    /// Failures are told by who stands above the race.
    func fail(_ error: GatewayError) throws { throw error }

    /// Wins the race, and sends what was held back.
    ///
    /// - Throws: `CancellationError` if another attempt was faster.
    private func win() throws {
        guard self.lane.claim() else { throw CancellationError() }
        guard let head = self.head else { return }
        self.head = nil
        try self.client.begin(head)
        for event in self.held { try self.client.event(event, isContent: false) }
        self.held.removeAll()
    }
}

@available(*, unavailable, message: "confined to its loop")
extension LaneSink: Sendable {}
