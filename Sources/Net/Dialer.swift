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
    ///
    /// - Parameter mayBeOld: Whether an answer of the last minute does, rather than a wait.
    func addresses(
        of endpoint: Endpoint,
        on loop: any EventLoop,
        mayBeOld: Bool = true
    ) -> EventLoopFuture<[SocketAddress]> {
        let answer = self.resolver.resolve(endpoint.host, port: endpoint.port, on: loop, mayBeOld: mayBeOld)
        return answer.flatMapThrowing { addresses in
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
            // How long the upstream may take to say goodbye: a call that was cancelled must not go on being answered.
            configuration.shutdownTimeout = .milliseconds(100)
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
        let start = NIODeadline.now()
        do {
            let connection = try await self.connection(for: request, DialClock(request, from: start, self))
            self.figures.noteDial(took: .now() - start)
            return connection
        } catch {
            if let error = error as? TransportError {
                self.figures.noteDialFailure()
                self.figures.note(error)
            }
            throw error
        }
    }

    private func connection(for request: UpstreamRequest, _ clock: DialClock) async throws -> UpstreamConnection {
        let endpoint = request.endpoint
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
        let race = DialRace(self, endpoint, context, clock)
        return try await race.run(addresses)
    }

    /// Small first reads: an idle stream keeps 512 bytes, a busy one grows to 16 KiB.
    ///
    /// A larger read would save little and is held several times over where a client does not read (row 92).
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 16 << 10)

    /// The same for answers: the chunks of a stream are small, and those of whole answers make it grow.
    static let answerAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 16 << 10)
}
