import Glibc
import NIOConcurrencyHelpers
package import NIOCore
package import NIOPosix

/// Turns names into addresses, off the event loops, with a short memory.
///
/// An answer is used for 10 s without asking again; for up to 60 s it is used while the system is asked in the
/// background, and when the system has no answer. Nobody asks for a name that is being asked for. The caller bounds
/// the wait.
package final class Resolver: Sendable {
    /// Asks the system, blocking.
    ///
    /// Replaced in tests.
    package typealias Lookup = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    private struct Entry: Sendable {
        var addresses: [SocketAddress] = []
        var resolvedAt = NIODeadline.distantPast
        var isAsking = false
        var waiting: [EventLoopPromise<[SocketAddress]>] = []

        func isUsable(at now: NIODeadline, for time: TimeAmount) -> Bool {
            !self.addresses.isEmpty && now - self.resolvedAt < time
        }
    }

    private static let entriesMax = 1024

    private let freshFor: TimeAmount
    private let usableFor: TimeAmount
    private let threads: NIOThreadPool
    private let lookup: Lookup
    private let cache = NIOLockedValueBox<[String: Entry]>([:])

    /// - Parameters:
    ///   - freshFor: How long an answer is used without asking again.
    ///   - usableFor: How long it is used while the system is asked, and where the system has none.
    package init(
        threads: NIOThreadPool = .singleton,
        freshFor: TimeAmount = .seconds(10),
        usableFor: TimeAmount = .seconds(60),
        lookup: @escaping Lookup = Resolver.system
    ) {
        self.threads = threads
        self.freshFor = freshFor
        self.usableFor = usableFor
        self.lookup = lookup
    }

    /// The addresses of `host`, in the order of preference.
    ///
    /// A numeric host resolves to itself.
    ///
    /// - Parameter mayBeOld: Whether an answer of the last 60 s does, rather than a wait.
    func resolve(
        _ host: String,
        port: Int,
        on loop: any EventLoop,
        mayBeOld: Bool = true
    ) -> EventLoopFuture<[SocketAddress]> {
        if let literal = try? SocketAddress(ipAddress: host, port: port) {
            return loop.makeSucceededFuture([literal])
        }
        let key = "\(host):\(port)"
        let now = NIODeadline.now()
        let promise = loop.makePromise(of: [SocketAddress].self)
        let (known, mustAsk) = self.cache.withLockedValue { cache -> ([SocketAddress]?, Bool) in
            if cache.count >= Self.entriesMax { cache = cache.filter { $0.value.isAsking } }
            var entry = cache[key, default: Entry()]
            if entry.isUsable(at: now, for: self.freshFor) { return (entry.addresses, false) }
            let isEnough = mayBeOld && entry.isUsable(at: now, for: self.usableFor)
            let mustAsk = !entry.isAsking
            entry.isAsking = true
            if !isEnough { entry.waiting.append(promise) }
            cache[key] = entry
            return (isEnough ? entry.addresses : nil, mustAsk)
        }
        if let known { promise.succeed(known) }
        if mustAsk { self.ask(host, port, key) }
        return promise.futureResult
    }

    private func ask(_ host: String, _ port: Int, _ key: String) {
        let lookup = self.lookup
        self.threads.submit { state in
            guard case .active = state else { return self.take(.failure(ResolverError.noAddress), for: key) }
            self.take(Result { try lookup(host, port) }, for: key)
        }
    }

    private func take(_ result: Result<[SocketAddress], any Error>, for key: String) {
        let now = NIODeadline.now()
        let (answer, waiting) = self.cache.withLockedValue { cache in
            var entry = cache.removeValue(forKey: key) ?? Entry()
            let waiting = entry.waiting
            entry.waiting = []
            entry.isAsking = false
            if case .success(let addresses) = result {
                entry.addresses = addresses
                entry.resolvedAt = now
            }
            guard entry.isUsable(at: now, for: self.usableFor) else { return (result, waiting) }
            cache[key] = entry
            return (.success(entry.addresses), waiting)
        }
        for promise in waiting { promise.completeWith(answer) }
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
