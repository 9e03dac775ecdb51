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
    func context(
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
    /// Small first reads: an idle stream keeps 512 bytes, a busy one grows to 16 KiB.
    ///
    /// A larger read would save little and is held several times over where a client does not read (row 92).
    static let receiveAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 16 << 10)

    /// The same for answers: the chunks of a stream are small, and those of whole answers make it grow.
    static let answerAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 16 << 10)
}
