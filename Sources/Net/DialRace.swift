import Core
package import NIOCore
import NIOPosix
import NIOSSL
import Transport

/// Connects to the first address of an endpoint that answers.
///
/// The addresses are tried in their order, the kinds taking turns. The next one is tried when the one before failed or
/// has said nothing for a while, so that one that is dead or leads nowhere costs that while and not the whole connect
/// clock (RFC 8305). Confined to its loop.
package final class DialRace {
    /// How long an address is alone (RFC 8305 section 8).
    static let headStart = TimeAmount.milliseconds(250)

    private final class Attempt {
        enum State { case running, connected, failed }
        var state = State.running
        var connection: UpstreamConnection?
    }

    private let runtime: LoopRuntime
    private let endpoint: Endpoint
    private let context: NIOSSLContext?
    private let clock: DialClock
    private var attempts: [Attempt] = []

    init(_ runtime: LoopRuntime, _ endpoint: Endpoint, _ context: NIOSSLContext?, _ clock: DialClock) {
        self.runtime = runtime
        self.endpoint = endpoint
        self.context = context
        self.clock = clock
    }

    /// A connection to one of `addresses`, TLS done.
    ///
    /// - Throws: `TransportError`: the clock's, or why the last address failed. `CancellationError`.
    func run(_ addresses: [SocketAddress]) async throws -> UpstreamConnection {
        var waiting = Self.inTurns(addresses)[...]
        var failure = TransportError.connectFailed(self.endpoint.authority)
        defer { for attempt in self.attempts { attempt.connection?.end(.call) } }
        while true {
            if let attempt = self.attempts.first(where: { $0.state == .connected }), let made = attempt.connection {
                do {
                    try await self.clock.handshake(of: made)
                    self.attempts.removeAll { $0 === attempt }
                    made.isMade = true
                    return made
                } catch let error as TransportError {
                    if case .timeout = error { throw error }
                    attempt.state = .failed
                    failure = error
                    continue
                }
            }
            if let address = waiting.popFirst() {
                self.start(address)
            } else if !self.attempts.contains(where: { $0.state == .running }) {
                throw failure
            }
            let next = waiting.isEmpty ? NIODeadline.distantFuture : .now() + Self.headStart
            try await self.clock.until(orAt: next) {
                self.attempts.contains { $0.state == .connected } || !self.attempts.contains { $0.state == .running }
            }
        }
    }

    /// The addresses with both kinds in turns, the first one's kind first (RFC 8305 section 4).
    package static func inTurns(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var same = addresses.filter { $0.protocol == first.protocol }[...]
        var other = addresses.filter { $0.protocol != first.protocol }[...]
        var result: [SocketAddress] = []
        while !same.isEmpty || !other.isEmpty {
            if let address = same.popFirst() { result.append(address) }
            if let address = other.popFirst() { result.append(address) }
        }
        return result
    }

    private func start(_ address: SocketAddress) {
        let attempt = Attempt()
        self.attempts.append(attempt)
        let every = self.runtime.options.resolveEvery
        let shelf = self.runtime.pool.shelf(for: self.endpoint, resolvedAt: .now(), every: every)
        shelf.addresses.note(address)
        let connection = UpstreamConnection(shelf, at: address, isSecure: self.context != nil, self.runtime)
        attempt.connection = connection
        let bound = NIOLoopBound(connection, eventLoop: self.runtime.eventLoop)
        let (context, host) = (self.context, self.endpoint.host)
        let channel = ClientBootstrap(group: self.runtime.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: LoopRuntime.answerAllocator)
            .connectTimeout(.hours(1))  // The dial clock decides.
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
                        let tls = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
                        try pipeline.addHandler(tls)
                    }
                    try pipeline.addHandler(bound.value)
                }
            }
            .connect(to: address)
        channel.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                attempt.state = .connected
                if connection.endReason != nil { channel.close(promise: nil) }
            case .failure:
                attempt.state = .failed
                connection.leaveShelf()
            }
            self.runtime.executor.scope { self.clock.wake() }
        }
    }
}
