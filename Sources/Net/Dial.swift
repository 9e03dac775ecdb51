import Core
package import NIOCore
import NIOPosix
import NIOSSL
import Transport

/// One new connection on its way: the name, the addresses, TLS, all under the connect clock.
///
/// The addresses are tried in their order, the kinds taking turns. The next one is tried when the one before failed or
/// has said nothing for a while, so that one that is dead or leads nowhere costs that while and not the whole clock
/// (RFC 8305). The first that stands, TLS done, is taken; the others are closed.
///
/// All of it happens in callbacks on the loop, so that the task that waits is not deep in calls: a task keeps the
/// memory of its deepest ones until it ends, and that of a stream ends with its answer. Confined to its loop.
package final class Dial: WheelTimerOwner {
    /// How long an address is alone (RFC 8305 section 8).
    static let headStart = TimeAmount.milliseconds(250)

    private let runtime: LoopRuntime
    private let endpoint: Endpoint
    private let waiter: LoopWaiter
    private let timer: WheelTimer
    private let start = NIODeadline.now()
    private let deadline: NIODeadline
    private let timeout: TransportError
    private var context: NIOSSLContext?
    /// Addresses that were not tried yet, and when the next of them is.
    private var waiting: ArraySlice<SocketAddress> = []
    private var nextAt = NIODeadline.distantFuture
    /// Connections that are being made.
    private var attempts: [UpstreamConnection] = []
    private var failure: TransportError
    private var result: Result<UpstreamConnection, TransportError>?

    init(_ request: UpstreamRequest, _ runtime: LoopRuntime) {
        self.runtime = runtime
        self.endpoint = request.endpoint
        self.waiter = LoopWaiter(executor: runtime.executor)
        self.timer = WheelTimer(wheel: runtime.wheel)
        let connect = self.start + request.timeouts.connect
        self.deadline = min(connect, request.deadline)
        self.timeout =
            connect <= request.deadline
            ? .timeout(.connect, limit: request.timeouts.connect, didSend: false)
            : .timeout(.total, limit: request.timeouts.total, didSend: false)
        self.failure = .connectFailed(request.endpoint.authority)
    }

    /// The connection.
    ///
    /// - Throws: `TransportError`: the clock's, or why the last address failed. `CancellationError`.
    func value() async throws -> UpstreamConnection {
        self.begin()
        do {
            while self.result == nil { try await self.waiter.wait() }
        } catch {
            self.cancel()
            throw error
        }
        guard let result = self.result else { throw self.timeout }
        return try result.get()
    }

    private func cancel() {
        if case .success(let connection)? = self.result { connection.end(.call) }
        self.result = .failure(self.failure)
        self.stop()
    }

    // MARK: Name and certificates

    private func begin() {
        self.timer.owner = self
        self.timer.arm(self.deadline)
        self.when(self.runtime.dialer.addresses(of: self.endpoint, on: self.runtime.eventLoop)) { result in
            switch result {
            case .success(let addresses):
                self.waiting = Self.inTurns(addresses)[...]
                self.prepare()
            case .failure(let error):
                self.finish(.failure(error as? TransportError ?? .nameNotResolved(self.endpoint.host)))
            }
        }
    }

    private func prepare() {
        guard self.endpoint.scheme == .https else { return self.tryNext() }
        self.when(self.runtime.dialer.context(for: self.endpoint, on: self.runtime.eventLoop)) { result in
            switch result {
            case .success(let context):
                self.context = context
                self.tryNext()
            case .failure:
                let file = self.endpoint.caFile ?? "system"
                self.finish(.failure(.tlsFailed("the authorities' file cannot be read: \(file)")))
            }
        }
    }

    /// Goes on with what `future` brings, unless it is all over by then.
    private func when<Value: Sendable>(
        _ future: EventLoopFuture<Value>,
        _ body: @escaping (Result<Value, any Error>) -> Void
    ) {
        future.assumeIsolated().whenComplete { result in
            guard self.result == nil else { return }
            self.runtime.executor.scope { body(result) }
        }
    }

    // MARK: Addresses

    /// Tries the next address; with none left, and none under way, it is over.
    private func tryNext() {
        if let address = self.waiting.popFirst() {
            self.attempt(address)
        } else if self.attempts.isEmpty {
            return self.finish(.failure(self.failure))
        }
        self.nextAt = self.waiting.isEmpty ? .distantFuture : .now() + Self.headStart
        self.timer.arm(min(self.deadline, self.nextAt))
    }

    func timerFired() {
        let now = NIODeadline.now()
        if now >= self.deadline {
            self.finish(.failure(self.timeout))
        } else if now >= self.nextAt {
            self.tryNext()
        } else {
            self.timer.arm(min(self.deadline, self.nextAt))
        }
    }

    private func attempt(_ address: SocketAddress) {
        let every = self.runtime.options.resolveEvery
        let shelf = self.runtime.pool.shelf(for: self.endpoint, resolvedAt: self.start, every: every)
        shelf.addresses.note(address)
        let connection = UpstreamConnection(shelf, at: address, isSecure: self.context != nil, self.runtime)
        connection.onReady = { [unowned connection] in self.secured(connection) }
        self.attempts.append(connection)
        self.connect(connection).assumeIsolated().whenComplete { result in
            self.runtime.executor.scope { self.connected(connection, result) }
        }
    }

    private func connect(_ connection: UpstreamConnection) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(connection, eventLoop: self.runtime.eventLoop)
        let (context, host) = (self.context, self.endpoint.host)
        return ClientBootstrap(group: self.runtime.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: LoopRuntime.answerAllocator)
            .connectTimeout(.hours(1))  // The connect clock decides.
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
            .connect(to: connection.address)
    }

    private func connected(_ connection: UpstreamConnection, _ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            // It lost while it was on its way.
            if connection.endReason != nil { return channel.close(promise: nil) }
            // Someone is there: the other addresses wait for what becomes of it.
            self.nextAt = .distantFuture
            if connection.isReady { self.secured(connection) }
        case .failure:
            connection.leaveShelf()
            self.drop(connection, because: .connectFailed(self.endpoint.authority))
        }
    }

    /// TLS is done, or has failed.
    private func secured(_ connection: UpstreamConnection) {
        if let failure = connection.handshakeFailure {
            self.drop(connection, because: failure)
        } else if self.attempts.contains(where: { $0 === connection }) {
            self.finish(.success(connection))
        }
    }

    private func drop(_ connection: UpstreamConnection, because failure: TransportError) {
        guard let index = self.attempts.firstIndex(where: { $0 === connection }) else { return }
        self.attempts.remove(at: index)
        connection.onReady = nil
        connection.end(.call)
        self.failure = failure
        self.tryNext()
    }

    // MARK: The end

    private func finish(_ result: Result<UpstreamConnection, TransportError>) {
        guard self.result == nil else { return }
        self.result = result
        switch result {
        case .success(let connection):
            connection.isMade = true
            connection.onReady = nil
            self.attempts.removeAll { $0 === connection }
            self.runtime.figures.noteDial(took: .now() - self.start)
        case .failure(let error):
            self.runtime.figures.noteDialFailure()
            self.runtime.figures.note(error)
        }
        self.stop()
        self.waiter.wake()
    }

    /// Closes what is under way.
    private func stop() {
        self.timer.disarm()
        self.timer.owner = nil
        self.waiting = []
        // Closing one tells of its failure at once, which must not be taken for a reason to go on.
        let others = self.attempts
        self.attempts = []
        for connection in others {
            connection.onReady = nil
            connection.end(.call)
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
}
