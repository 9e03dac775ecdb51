import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
package import Transport

/// The HTTP server: listens, and hands each connection to its loop.
package final class HTTPServer: Sendable {
    /// What all connections of a server share.
    final class Shared: Sendable {
        let handler: any RequestHandler
        let options: ServerOptions
        let load: ServerLoad
        private let draining = Atomic<Bool>(false)
        private let busyCount = Atomic<Int>(0)

        init(handler: any RequestHandler, options: ServerOptions, load: ServerLoad) {
            self.handler = handler
            self.options = options
            self.load = load
        }

        var isDraining: Bool { self.draining.load(ordering: .relaxed) }
        func startDraining() { self.draining.store(true, ordering: .sequentiallyConsistent) }
        /// Requests that are being answered.
        var busy: Int { self.busyCount.load(ordering: .relaxed) }
        func noteBusy(_ change: Int) { self.busyCount.wrappingAdd(change, ordering: .relaxed) }
    }

    private let runtime: NetRuntime
    private let shared: Shared
    private let listeners = NIOLockedValueBox<[any Channel]>([])
    private let hurried = Atomic<Bool>(false)

    package init(
        runtime: NetRuntime,
        handler: any RequestHandler,
        options: ServerOptions = ServerOptions(),
        load: ServerLoad
    ) {
        self.runtime = runtime
        self.shared = Shared(handler: handler, options: options, load: load)
    }

    /// Starts to listen; returns the address it really listens on.
    ///
    /// - Throws: what the system says where the address cannot be bound.
    @discardableResult
    package func listen(host: String, port: Int, tls: ServerIdentity? = nil) async throws -> SocketAddress? {
        let shared = self.shared
        let loops = Dictionary(uniqueKeysWithValues: self.runtime.loops.map { ($0.key, $0.bound) })
        let channel = try await ServerBootstrap(group: self.runtime.group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: LoopRuntime.receiveAllocator)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16 << 10, high: 32 << 10))
            .childChannelOption(.allowRemoteHalfClosure, value: shared.options.allowsHalfClose)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let runtime = loops[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                    try Self.prepare(channel, shared: shared, runtime: runtime, tls: tls)
                }
            }
            .bind(host: host, port: port).get()
        self.listeners.withLockedValue { $0.append(channel) }
        return channel.localAddress
    }

    private static func prepare(
        _ channel: any Channel,
        shared: Shared,
        runtime: LoopRuntime,
        tls: ServerIdentity?
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        guard shared.load.admitConnection() else {
            try pipeline.addHandler(SurplusConnection(isSecure: tls != nil))
            return
        }
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
        let peer = PeerAddress(channel.remoteAddress)
        try pipeline.addHandler(ServerConnection(server: shared, runtime: runtime, isSecure: tls != nil, peer: peer))
    }

    /// Whether the server has stopped taking new work.
    package var isDraining: Bool { self.shared.isDraining }

    /// Stops listening, lets running answers finish within `limit`, ends the rest in-band, and closes everything.
    ///
    /// - Returns: How many answers had to be cut.
    @discardableResult
    package func drain(within limit: Duration) async -> Int {
        self.shared.startDraining()
        for listener in self.listeners.withLockedValue({ $0 }) { try? await listener.close() }
        self.runtime.onEachLoop { $0.connections.drain() }
        let start = ContinuousClock.now
        while self.shared.busy > 0, !self.hurried.load(ordering: .relaxed), start.duration(to: .now) < limit {
            try? await Task.sleep(for: .milliseconds(10))
        }
        let cut = self.shared.busy
        if cut > 0 {
            self.runtime.onEachLoop { $0.connections.hurry() }
            await self.wait(for: .seconds(2)) { self.shared.busy == 0 }
        }
        await self.wait(for: .seconds(2)) { self.shared.load.connections == 0 }
        self.runtime.onEachLoop { runtime in
            runtime.connections.closeAll()
            runtime.pool.closeAll()
        }
        return cut
    }

    /// Ends the drain's patience: running answers are ended now.
    package func hurry() { self.hurried.store(true, ordering: .relaxed) }

    private func wait(for limit: Duration, until isDone: () -> Bool) async {
        let start = ContinuousClock.now
        while !isDone(), start.duration(to: .now) < limit { try? await Task.sleep(for: .milliseconds(5)) }
    }
}

/// A connection beyond the cap: it is told so and closed, which costs no task and no state.
private final class SurplusConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let isSecure: Bool

    init(isSecure: Bool) { self.isSecure = isSecure }

    func channelActive(context: ChannelHandlerContext) {
        guard !self.isSecure else {
            context.close(promise: nil)
            return
        }
        let body =
            #"{"error":{"message":"Too many connections. Try again in a second.","type":"server_error","#
            + #""param":null,"code":"overloaded"}}"#
        var answer = context.channel.allocator.buffer(capacity: 256)
        answer.writeString("HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n")
        answer.writeString("connection: close\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(answer)).whenComplete { _ in
            // A close with the client's request unread would be a reset, which takes the answer away again.
            bound.value.close(mode: .output, promise: nil)
        }
        context.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.close(promise: nil) }
    }
}

extension PeerAddress {
    fileprivate init(_ address: SocketAddress?) {
        guard let address, let text = address.ipAddress else {
            self.init(text: "unknown", port: 0, isLoopback: false)
            return
        }
        let isLoopback = text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
        self.init(text: text, port: address.port ?? 0, isLoopback: isLoopback)
    }
}
