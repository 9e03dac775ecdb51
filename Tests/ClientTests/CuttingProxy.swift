import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A line to the gateway that drops its first connection in the middle of the answer.
final class CuttingProxy: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let server: any Channel
    private let count: NIOLockedValueBox<Int>

    private init(_ group: MultiThreadedEventLoopGroup, _ server: any Channel, _ count: NIOLockedValueBox<Int>) {
        self.group = group
        self.server = server
        self.count = count
    }

    /// - Parameter cutAfter: Bytes of the first answer that come through.
    static func start(to port: Int, cutAfter: Int) async throws -> CuttingProxy {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let count = NIOLockedValueBox(0)
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                let number = count.withLockedValue { count in
                    count += 1
                    return count
                }
                return ClientBootstrap(group: client.eventLoop).connect(host: "127.0.0.1", port: port).flatMap { far in
                    client.eventLoop.makeCompletedFuture {
                        let limit = number == 1 ? cutAfter : Int.max
                        try far.pipeline.syncOperations.addHandler(Relay(to: client, bytesMax: limit))
                        try client.pipeline.syncOperations.addHandler(Relay(to: far, bytesMax: .max))
                    }
                }.flatMap { client.setOption(.autoRead, value: true) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CuttingProxy(group, server, count)
    }

    var baseURL: String { "http://127.0.0.1:\(self.server.localAddress?.port ?? 0)" }
    /// How many were accepted.
    var connections: Int { self.count.withLockedValue { $0 } }

    func stop() {
        self.server.close(promise: nil)
        self.group.shutdownGracefully { _ in }
    }

    /// Passes bytes on to another channel of the same loop, and breaks both off after so many.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private var bytesLeft: Int

        init(to other: any Channel, bytesMax: Int) {
            self.other = other
            self.bytesLeft = bytesMax
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            let part = bytes.readSlice(length: min(bytes.readableBytes, self.bytesLeft)) ?? bytes
            self.bytesLeft -= part.readableBytes
            self.other.writeAndFlush(part, promise: nil)
            guard self.bytesLeft == 0 else { return }
            self.other.close(promise: nil)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { self.other.close(promise: nil) }
    }
}
