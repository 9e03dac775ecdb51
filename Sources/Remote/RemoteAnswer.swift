internal import Core
internal import NIOCore
internal import Transport
internal import Wire

/// One answer, over as many connections as it takes.
///
/// Confined to its loop.
final class RemoteAnswer {
    private let channel: EventChannel
    private let transport: any LoopTransport
    private var reader = ChatReader()
    private var room: (any LoopWait)?
    /// Whether any of it has been handed on.
    private(set) var hasBegun = false
    /// The number of the last event that was read; nil where events have none.
    private(set) var lastID: String?

    init(_ channel: EventChannel, _ transport: any LoopTransport) {
        self.channel = channel
        self.transport = transport
    }

    /// Reads what one connection brings, to the end.
    ///
    /// - Throws: `TransportError` where it drops; what the gateway says went wrong.
    func read(_ exchange: any UpstreamExchange, bytesMax: Int) async throws {
        guard exchange.head.status == 200, Self.isEventStream(exchange) else {
            return try await self.readWhole(exchange, bytesMax: bytesMax)
        }
        var events = SSEReader()
        var isOver = false
        while let bytes = try await exchange.read() {
            events.feed(bytes)
            while let event = try events.next() {
                let isEnd = event.data.readableBytes == 6 && event.data.readableBytesView.elementsEqual("[DONE]".utf8)
                isOver = isOver || isEnd
                for event in try self.reader.take(event.data) { self.push(event) }
                if let id = event.id { self.lastID = String(buffer: id) }
            }
            try await self.awaitRoom()
        }
        guard isOver else { throw TransportError.closedInBody }
        for event in self.reader.finish() { self.push(event) }
    }

    private func readWhole(_ exchange: any UpstreamExchange, bytesMax: Int) async throws {
        let answer = try await exchange.whole(bytesMax: bytesMax)
        guard answer.status == 200 else {
            let wait = answer.field(named: "retry-after").flatMap { Int($0) }
            throw ChatWire.error(
                try? JSONValue.parse(answer.body),
                status: answer.status,
                retryAfter: wait.map { .seconds($0) },
                requestID: answer.field(named: "x-request-id")
            )
        }
        for event in try ChatReader.whole(answer.body) { self.push(event) }
    }

    private func push(_ event: ChatEvent) {
        self.hasBegun = true
        self.channel.push(event)
    }

    private func awaitRoom() async throws {
        guard !self.channel.hasRoom else { return }
        let room: any LoopWait
        if let made = self.room {
            room = made
        } else {
            room = self.transport.makeWait()
            self.room = room
            self.channel.whenRoom { room.wake() }
        }
        while !self.channel.hasRoom { try await room.wait(until: self.transport.eventLoop.now + .hours(1)) }
        try Task.checkCancellation()
    }

    private static func isEventStream(_ exchange: any UpstreamExchange) -> Bool {
        guard let field = exchange.head.first(.contentType) else { return false }
        return exchange.headBytes.withUnsafeReadableBytes { bytes in
            String(decoding: bytes[field.value], as: UTF8.self).lowercased().hasPrefix("text/event-stream")
        }
    }
}

@available(*, unavailable, message: "confined to its loop")
extension RemoteAnswer: Sendable {}
