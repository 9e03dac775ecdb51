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
        /// What a connection keeps from its beginning to its end; a reload makes another one.
        final class Terms: Sendable {
            let options: ServerOptions

            init(_ options: ServerOptions) { self.options = options }
        }

        let handler: any RequestHandler
        let load: ServerLoad
        private let terms: NIOLockedValueBox<Terms>
        private let draining = Atomic<Bool>(false)
        private let busyCount = Atomic<Int>(0)
        private let surplusCount = Atomic<Int>(0)

        init(handler: any RequestHandler, options: ServerOptions, load: ServerLoad) {
            self.handler = handler
            self.terms = NIOLockedValueBox(Terms(options))
            self.load = load
        }

        /// For a connection that begins now.
        var current: Terms { self.terms.withLockedValue { $0 } }
        func replace(_ terms: Terms) { self.terms.withLockedValue { $0 = terms } }
        /// Counts connections beyond the cap that still wait for their 503 to be read; false if that are too many.
        func admitSurplus() -> Bool {
            guard self.surplusCount.wrappingAdd(1, ordering: .relaxed).newValue > SurplusConnection.atOnceMax else {
                return true
            }
            self.surplusClosed()
            return false
        }
        func surplusClosed() { self.surplusCount.wrappingSubtract(1, ordering: .relaxed) }

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
    /// - Parameters:
    ///   - isAdministrative: Whether administration is served there (`server.admin_listen`).
    ///   - tls: Asked for each connection; nil is plain HTTP.
    /// - Throws: what the system says where the address cannot be bound.
    @discardableResult
    package func listen(
        host: String,
        port: Int,
        isAdministrative: Bool = false,
        tls: @escaping @Sendable () -> ServerIdentity? = { nil }
    ) async throws -> SocketAddress? {
        let shared = self.shared
        let loops = Dictionary(uniqueKeysWithValues: self.runtime.loops.map { ($0.key, $0.bound) })
        let channel = try await ServerBootstrap(group: self.runtime.group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: LoopRuntime.receiveAllocator)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16 << 10, high: 32 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let runtime = loops[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                    try Self.prepare(
                        channel,
                        shared: shared,
                        runtime: runtime,
                        identity: tls(),
                        isAdministrative: isAdministrative
                    )
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
        identity: ServerIdentity?,
        isAdministrative: Bool
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        let terms = shared.current
        guard shared.load.admitConnection() else {
            guard shared.admitSurplus() else {
                channel.close(promise: nil)
                return
            }
            try pipeline.addHandler(SurplusConnection(server: shared, isSecure: identity != nil))
            return
        }
        if terms.options.allowsHalfClose {
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        }
        if let identity { try pipeline.addHandler(NIOSSLServerHandler(context: identity.context)) }
        let peer = PeerAddress(channel.remoteAddress)
        let connection = ServerConnection(
            server: shared,
            terms: terms,
            runtime: runtime,
            isSecure: identity != nil,
            isAdministrative: isAdministrative,
            peer: peer
        )
        try pipeline.addHandler(connection)
    }

    /// Puts other limits in force, for connections that begin from now on.
    package func apply(_ options: ServerOptions) { self.shared.replace(Shared.Terms(options)) }

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
            self.shared.handler.hurry()
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
final class SurplusConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many may linger, each for up to a second; those beyond are closed without a word.
    static let atOnceMax = 256

    private let server: HTTPServer.Shared
    private let isSecure: Bool

    init(server: HTTPServer.Shared, isSecure: Bool) {
        self.server = server
        self.isSecure = isSecure
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.server.surplusClosed()
        context.fireChannelInactive()
    }

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
