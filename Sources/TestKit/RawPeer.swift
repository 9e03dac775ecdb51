import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// One end of a TCP connection that sends and expects exact bytes; client or server side of a test.
package final class RawPeer: Sendable {
    private struct State {
        var received = ByteBuffer()
        var isClosed = false
        var waiter: (condition: @Sendable (ByteBuffer, Bool) -> Bool, promise: EventLoopPromise<Void>)?
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let peer: NIOLockedValueBox<RawPeer?> = NIOLockedValueBox(nil)
        let state = NIOLockedValueBox(State())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            self.change { _ = $0.received.writeBuffer(&bytes) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .inputClosed? = event as? ChannelEvent { self.change { $0.isClosed = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { self.change { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.change { $0.isClosed = true }
            context.close(promise: nil)
        }

        func change(_ body: (inout State) -> Void) {
            let ready: EventLoopPromise<Void>? = self.state.withLockedValue { state in
                body(&state)
                guard let waiter = state.waiter, waiter.condition(state.received, state.isClosed) else { return nil }
                state.waiter = nil
                return waiter.promise
            }
            ready?.succeed(())
        }
    }

    private let collector: Collector
    package let channel: any Channel

    private init(_ channel: any Channel, _ collector: Collector) {
        self.channel = channel
        self.collector = collector
    }

    /// Connects to a server on this machine.
    package static func connect(port: Int, halfClosure: Bool = true) async throws -> RawPeer {
        let collector = Collector()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: halfClosure)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { $0.pipeline.addHandler(collector) }
            .connect(host: "127.0.0.1", port: port).get()
        return RawPeer(channel, collector)
    }

    /// Listens on a free port and runs `serve` for each connection.
    package static func listen(
        _ serve: @escaping @Sendable (RawPeer) async throws -> Void
    ) async throws -> RawListener {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                let collector = Collector()
                return channel.pipeline.addHandler(collector).map {
                    let peer = RawPeer(channel, collector)
                    let served = channel.eventLoop.makeFutureWithTask {
                        try? await serve(peer)
                        try? await peer.channel.close()
                    }
                    served.whenComplete { _ in }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawListener(channel: channel)
    }

    /// Sends text as it is.
    package func send(_ text: String) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Sends bytes as they are.
    package func send(_ bytes: ByteBuffer) async throws { try await self.channel.writeAndFlush(bytes) }

    /// Everything received so far, as text.
    package var text: String { String(buffer: self.collector.state.withLockedValue { $0.received }) }

    /// Whether the other side has closed.
    package var isClosed: Bool { self.collector.state.withLockedValue { $0.isClosed } }

    /// Forgets what was received.
    package func clear() { self.collector.state.withLockedValue { $0.received.clear() } }

    /// Forgets what was received, and says how many bytes that was.
    package func takeCount() -> Int {
        self.collector.state.withLockedValue { state in
            defer { state.received = ByteBuffer() }
            return state.received.readableBytes
        }
    }

    /// Waits until `marker` was received; returns everything received.
    ///
    /// - Throws: `RawPeerError` when the other side closes first, or after `seconds`.
    @discardableResult
    package func read(until marker: String, within seconds: Int64 = 20) async throws -> String {
        try await self.wait(within: seconds) { received, isClosed in
            String(buffer: received).contains(marker) || isClosed
        }
        guard self.text.contains(marker) else { throw RawPeerError.closed(self.text) }
        return self.text
    }

    /// Waits until `count` bytes were received.
    package func read(count: Int, within seconds: Int64 = 20) async throws {
        try await self.wait(within: seconds) { received, isClosed in received.readableBytes >= count || isClosed }
    }

    /// Waits until the other side has closed; returns everything received.
    @discardableResult
    package func readToEnd(within seconds: Int64 = 20) async throws -> String {
        try await self.wait(within: seconds) { _, isClosed in isClosed }
        return self.text
    }

    private func wait(within seconds: Int64, _ condition: @escaping @Sendable (ByteBuffer, Bool) -> Bool) async throws {
        let promise = self.channel.eventLoop.makePromise(of: Void.self)
        let isReady = self.collector.state.withLockedValue { state in
            if condition(state.received, state.isClosed) { return true }
            state.waiter = (condition, promise)
            return false
        }
        if isReady { promise.succeed(()) }
        let timeout = self.channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
            promise.fail(RawPeerError.timeout(self.text))
        }
        defer { timeout.cancel() }
        try await promise.futureResult.get()
    }

    /// Sends our FIN and goes on reading.
    package func closeOutput() async throws { try await self.channel.close(mode: .output) }

    /// Closes the connection.
    package func close() async { try? await self.channel.close() }

    /// Closes with a reset instead of a FIN.
    package func reset() async throws {
        if let socket = self.channel as? any SocketOptionProvider {
            try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await self.close()
    }

    /// Stops reading, as a client does that hangs.
    package func stopReading() async throws { try await self.channel.setOption(.autoRead, value: false).get() }

    /// Goes on reading.
    package func startReading() async throws { try await self.channel.setOption(.autoRead, value: true).get() }
}

/// A listening socket of a test.
package struct RawListener: Sendable {
    let channel: any Channel

    package var port: Int { self.channel.localAddress?.port ?? 0 }

    package func close() async { try? await self.channel.close() }
}

/// What a raw peer did not get.
package enum RawPeerError: Error, Sendable {
    case closed(String)
    case timeout(String)
}
