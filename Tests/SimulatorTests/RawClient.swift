import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import Simulator

/// A client that sends the bytes it is given and keeps the bytes it gets.
final class RawClient: Sendable {
    enum Ending: Equatable, Sendable {
        case open, closed, reset
    }

    struct Reply: Sendable {
        var bytes: [UInt8] = []
        var ending = Ending.open

        var text: String { String(decoding: self.bytes, as: UTF8.self) }

        /// What stands before the first empty line.
        var head: String {
            self.text.firstRange(of: "\r\n\r\n").map { String(self.text[..<$0.lowerBound]) } ?? self.text
        }

        /// What stands behind the first empty line.
        var body: String { self.text.firstRange(of: "\r\n\r\n").map { String(self.text[$0.upperBound...]) } ?? "" }

        /// The data of each event, chunk framing taken off.
        ///
        /// Only for streams without odd line ends.
        var events: [String] {
            self.text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("data: ") }.map {
                String($0.dropFirst(6))
            }
        }
    }

    struct TimedOut: Error {}

    private struct State {
        var reply = Reply()
        var waiting: (until: @Sendable (Reply) -> Bool, promise: EventLoopPromise<Reply>)?
    }

    private let channel: any Channel
    private let state: NIOLockedValueBox<State>

    private init(channel: any Channel, state: NIOLockedValueBox<State>) {
        self.channel = channel
        self.state = state
    }

    static func connect(_ simulator: SimulatorServer) async throws -> RawClient {
        let state = NIOLockedValueBox(State())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(state: state))
                }
            }
            .connect(host: "127.0.0.1", port: simulator.port).get()
        return RawClient(channel: channel, state: state)
    }

    /// Sends a request on a connection of its own and waits for the end of the connection, or for `until`.
    static func exchange(
        _ simulator: SimulatorServer,
        _ request: String,
        until: @escaping @Sendable (Reply) -> Bool = { _ in false }
    ) async throws -> Reply {
        let client = try await Self.connect(simulator)
        try await client.send(request)
        let reply = try await client.receive(until: until)
        try? await client.channel.close()
        return reply
    }

    func send(_ text: String) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Everything that came so far, once `until` says that it is enough or the other side has ended the connection.
    func receive(until: @escaping @Sendable (Reply) -> Bool = { _ in false }) async throws -> Reply {
        let promise = self.channel.eventLoop.makePromise(of: Reply.self)
        self.state.withLockedValue { $0.waiting = (until, promise) }
        Collector.check(self.state)
        let timer = self.channel.eventLoop.scheduleTask(in: .seconds(60)) { promise.fail(TimedOut()) }
        defer { timer.cancel() }
        return try await promise.futureResult.get()
    }

    /// Says that nothing more will be sent, and goes on reading.
    func closeOutput() async throws { try await self.channel.close(mode: .output) }

    func close() async throws { try await self.channel.close() }

    func stopReading() async throws { try await self.channel.setOption(.autoRead, value: false).get() }

    /// Leaves with RST.
    func reset() async throws {
        let channel = self.channel
        try await channel.eventLoop.submit { ConnectionCut.reset(channel) }.get()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let state: NIOLockedValueBox<State>

        init(state: NIOLockedValueBox<State>) {
            self.state = state
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            self.state.withLockedValue { $0.reply.bytes.append(contentsOf: bytes.readableBytesView) }
            Self.check(self.state)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { self.end(.closed) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.end(.reset)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { self.end(.closed) }

        private func end(_ ending: Ending) {
            self.state.withLockedValue { if $0.reply.ending == .open { $0.reply.ending = ending } }
            Self.check(self.state)
        }

        static func check(_ state: NIOLockedValueBox<State>) {
            let done = state.withLockedValue { state -> (EventLoopPromise<Reply>, Reply)? in
                guard let waiting = state.waiting else { return nil }
                guard state.reply.ending != .open || waiting.until(state.reply) else { return nil }
                state.waiting = nil
                return (waiting.promise, state.reply)
            }
            if let (promise, reply) = done { promise.succeed(reply) }
        }
    }
}
