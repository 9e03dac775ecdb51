internal import Chat
internal import Core
internal import Wire

/// Takes an answer that nobody reads, for whoever waits for its end alone.
final class NoReply: ReplySink {
    private(set) var hasContent = false

    func expectStream() {}
    func whole(_ answer: WholeReply) { self.hasContent = true }
    func begin(_ head: StreamHead) {}
    func event(_ event: ServerSentEvent, isContent: Bool) { self.hasContent = true }
    func flush() {}
    func end() {}
    func fail(_ error: GatewayError) {}
    var hasCredit: Bool { true }
    func awaitCredit() async throws {}
}

@available(*, unavailable, message: "confined to its loop")
extension NoReply: Sendable {}
