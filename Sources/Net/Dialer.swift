import Core
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Transport

/// The one way out: every connection that Turnpike opens is made here, past the address guard.
///
/// A name is resolved once, all its addresses are checked, and exactly a checked address is connected to, so that a
/// second answer of the resolver cannot change the target. TLS checks the original name.
package final class Dialer: Sendable {
    private let resolver: Resolver
    private let contexts = NIOLockedValueBox<[String: NIOSSLContext]>([:])
    package let counters = UpstreamCounters()

    package init(resolver: Resolver = Resolver()) { self.resolver = resolver }

    /// The addresses of `endpoint` that may be dialled.
    fileprivate func addresses(
        of endpoint: Endpoint,
        on loop: any EventLoop
    ) -> EventLoopFuture<[SocketAddress]> {
        self.resolver.resolve(endpoint.host, port: endpoint.port, on: loop).flatMapThrowing { addresses in
            guard !addresses.isEmpty else { throw TransportError.nameNotResolved(endpoint.host) }
            guard endpoint.allowPrivate || addresses.allSatisfy(AddressGuard.isPublic) else {
                throw TransportError.forbiddenAddress(endpoint.host)
            }
            return addresses
        }
    }

    /// TLS settings for `endpoint`, made once per set of authorities, off the loop because it reads files.
    fileprivate func context(
        for endpoint: Endpoint,
        on loop: any EventLoop
    ) -> EventLoopFuture<NIOSSLContext> {
        let key = endpoint.caFile ?? ""
        if let context = self.contexts.withLockedValue({ $0[key] }) { return loop.makeSucceededFuture(context) }
        let contexts = self.contexts
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let file = endpoint.caFile { configuration.trustRoots = .file(file) }
            let context = try NIOSSLContext(configuration: configuration)
            contexts.withLockedValue { $0[key] = context }
            return context
        }
    }
}

extension LoopRuntime {
    /// A new connection to the request's endpoint, TLS done, within the connect clock and the overall deadline.
    func dial(_ request: UpstreamRequest) async throws -> UpstreamConnection {
        let endpoint = request.endpoint
        let clock = DialClock(request: request, runtime: self)
        let addresses: [SocketAddress]
        do {
            addresses = try await clock.value(of: self.dialer.addresses(of: endpoint, on: self.eventLoop))
        } catch let error where !(error is TransportError || error is CancellationError) {
            throw TransportError.nameNotResolved(endpoint.host)
        }
        var context: NIOSSLContext?
        if endpoint.scheme == .https {
            do {
                context = try await clock.value(of: self.dialer.context(for: endpoint, on: self.eventLoop))
            } catch let error where !(error is TransportError || error is CancellationError) {
                throw TransportError.tlsFailed("the authorities' file cannot be read: \(endpoint.caFile ?? "system")")
            }
        }
        var failure: any Error = TransportError.connectFailed(endpoint.authority)
        for address in addresses {
            do {
                return try await self.connect(to: address, endpoint: endpoint, context: context, clock: clock)
            } catch let error as TransportError {
                failure = error
                if case .timeout = error { throw error }
            }
        }
        throw failure
    }

    private func connect(
        to address: SocketAddress,
        endpoint: Endpoint,
        context: NIOSSLContext?,
        clock: DialClock
    ) async throws -> UpstreamConnection {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let name = endpoint.host
        let channel = ClientBootstrap(group: self.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: LoopRuntime.answerAllocator)
            .connectTimeout(.hours(1))  // The dial clock decides.
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
                        let tls = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
                        try pipeline.addHandler(tls)
                    }
                    let connection = UpstreamConnection(endpoint: endpoint, isSecure: context != nil, bound.value)
                    try pipeline.addHandler(connection)
                }
            }
            .connect(to: address)
        do {
            let open = try await clock.value(of: channel, orLater: { $0.close(promise: nil) })
            let connection = try open.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            try await clock.handshake(of: connection)
            self.dialer.counters.noteDial()
            return connection
        } catch let error as TransportError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw TransportError.connectFailed(endpoint.authority)
        }
    }

    /// Small first reads: an idle stream keeps 512 bytes, a busy one grows to 16 KiB.
    ///
    /// A larger read would save little and is held several times over where a client does not read (row 92).
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 16 << 10)

    /// The same for answers: the chunks of a stream are small, and those of whole answers make it grow.
    static let answerAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 16 << 10)
}

/// One dial under its clock: waits for futures of this loop, bounded and cancellable.
private final class DialClock: WheelTimerOwner {
    private let runtime: LoopRuntime
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private let timeout: TransportError
    private let deadline: NIODeadline
    private var hasFired = false

    init(request: UpstreamRequest, runtime: LoopRuntime) {
        self.runtime = runtime
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
        let connect = NIODeadline.now() + request.timeouts.connect
        self.deadline = min(connect, request.deadline)
        self.timeout =
            connect <= request.deadline
            ? .timeout(.connect, limit: request.timeouts.connect, didSend: false)
            : .timeout(.total, limit: request.timeouts.total, didSend: false)
    }

    func timerFired() {
        self.hasFired = true
        self.waiter.wake()
    }

    /// The future's value.
    ///
    /// When the clock runs out or the caller is cancelled first, `orLater` gets a late value.
    func value<Value: Sendable>(
        of future: EventLoopFuture<Value>,
        orLater discard: @escaping (Value) -> Void = { _ in }
    ) async throws -> Value {
        let pending = Pending<Value>()
        self.observe(future, pending, discard)
        do {
            try await self.until { pending.outcome != nil }
        } catch {
            pending.isAbandoned = true
            throw error
        }
        guard let outcome = pending.outcome else { throw self.timeout }
        return try outcome.get()
    }

    private final class Pending<Value: Sendable> {
        var outcome: Result<Value, any Error>?
        var isAbandoned = false
    }

    private func observe<Value: Sendable>(
        _ future: EventLoopFuture<Value>,
        _ pending: Pending<Value>,
        _ discard: @escaping (Value) -> Void
    ) {
        future.assumeIsolated().whenComplete { result in
            if pending.isAbandoned {
                if case .success(let value) = result { discard(value) }
                return
            }
            pending.outcome = result
            self.runtime.executor.scope { self.waiter.wake() }
        }
    }

    /// Waits for the TLS handshake of `connection`, where it has one.
    func handshake(of connection: UpstreamConnection) async throws {
        connection.handshakeWaiter = self.waiter
        defer { connection.handshakeWaiter = nil }
        do {
            try await self.until { connection.isReady }
        } catch {
            connection.close()
            throw error
        }
        if let failure = connection.handshakeFailure {
            connection.close()
            throw failure
        }
    }

    private func until(_ condition: () -> Bool) async throws {
        self.timer.owner = self
        defer { self.timer.owner = nil }
        while !condition() {
            guard !self.hasFired, NIODeadline.now() < self.deadline else { throw self.timeout }
            self.timer.arm(self.deadline)
            try await self.waiter.wait()
        }
        self.timer.disarm()
    }
}
