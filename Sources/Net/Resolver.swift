import Glibc
import NIOConcurrencyHelpers
package import NIOCore
package import NIOPosix

/// Turns names into addresses, off the event loops, with a short memory.
///
/// An answer is used for 10 s without asking again; when the resolver fails, the last good answer is used for up to
/// 60 s. The caller bounds the wait.
package final class Resolver: Sendable {
    /// Asks the system, blocking.
    ///
    /// Replaced in tests.
    package typealias Lookup = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    private struct Entry: Sendable {
        var addresses: [SocketAddress]
        var resolvedAt: NIODeadline
    }

    private static let freshFor = TimeAmount.seconds(10)
    private static let usableFor = TimeAmount.seconds(60)
    private static let entriesMax = 1024

    private let threads: NIOThreadPool
    private let lookup: Lookup
    private let cache = NIOLockedValueBox<[String: Entry]>([:])

    package init(threads: NIOThreadPool = .singleton, lookup: @escaping Lookup = Resolver.system) {
        self.threads = threads
        self.lookup = lookup
    }

    /// The addresses of `host`, in the order of preference.
    ///
    /// A numeric host resolves to itself.
    func resolve(_ host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        if let literal = try? SocketAddress(ipAddress: host, port: port) {
            return loop.makeSucceededFuture([literal])
        }
        let key = "\(host):\(port)"
        let cached = self.cache.withLockedValue { $0[key] }
        if let cached, NIODeadline.now() - cached.resolvedAt < Self.freshFor {
            return loop.makeSucceededFuture(cached.addresses)
        }
        let lookup = self.lookup
        return self.threads.runIfActive(eventLoop: loop) { try lookup(host, port) }
            .map { addresses in
                self.remember(addresses, for: key)
                return addresses
            }
            .flatMapErrorThrowing { error in
                guard let cached, NIODeadline.now() - cached.resolvedAt < Self.usableFor else { throw error }
                return cached.addresses
            }
    }

    private func remember(_ addresses: [SocketAddress], for key: String) {
        self.cache.withLockedValue { cache in
            if cache.count >= Self.entriesMax { cache.removeAll(keepingCapacity: true) }
            cache[key] = Entry(addresses: addresses, resolvedAt: .now())
        }
    }

    /// `getaddrinfo`, TCP only.
    package static let system: Lookup = { host, port in
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let list else { throw ResolverError.noAddress }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next?.pointee, addresses.count < 16 {
            if let address = Resolver.address(of: entry) { addresses.append(address) }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else { throw ResolverError.noAddress }
        return addresses
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        guard let pointer = entry.ai_addr else { return nil }
        switch entry.ai_family {
        case AF_INET:
            return UnsafeRawPointer(pointer).withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                SocketAddress($0.pointee)
            }
        case AF_INET6:
            return UnsafeRawPointer(pointer).withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                SocketAddress($0.pointee)
            }
        default:
            return nil
        }
    }
}

/// Why a name has no address.
package enum ResolverError: Error, Sendable {
    case noAddress
}
