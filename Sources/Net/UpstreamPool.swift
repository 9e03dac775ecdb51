import NIOCore
import Transport

/// Idle upstream connections of one loop, newest first, by endpoint.
///
/// Never shared between loops, and never a limit that would queue a stream: with no idle connection a new one is
/// dialled.
final class UpstreamPool {
    private var shelves: [ObjectIdentifier: UpstreamShelf] = [:]
    private let figures: UpstreamFigures

    init(figures: UpstreamFigures) { self.figures = figures }

    /// The most recently used idle connection, if there is one.
    func takeIdle(_ endpoint: Endpoint) -> UpstreamConnection? {
        guard let connection = self.shelves[ObjectIdentifier(endpoint)]?.idle.popLast() else { return nil }
        self.figures.noteIdle(-1)
        return connection
    }

    /// Where the connections to `endpoint` stand.
    func shelf(for endpoint: Endpoint, resolvedAt now: NIODeadline, every: TimeAmount) -> UpstreamShelf {
        let key = ObjectIdentifier(endpoint)
        if let known = self.shelves[key] { return known }
        let isName = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) == nil
        let shelf = UpstreamShelf(endpoint, resolveAt: isName ? now + every : .distantFuture)
        self.shelves[key] = shelf
        return shelf
    }

    /// Keeps a connection whose answer was complete.
    ///
    /// - Returns: Why it must be closed instead; nil if it is kept.
    func keep(_ connection: UpstreamConnection, now: NIODeadline, max: Int) -> UpstreamEnd? {
        let shelf = connection.shelf
        guard connection.retireAt > now else { return .life }
        guard shelf.mayKeep(connection) else { return .address }
        guard shelf.idle.count < max else { return .surplus }
        shelf.idle.append(connection)
        self.figures.noteIdle(1)
        return nil
    }

    /// Takes an idle connection out that must not be used again.
    func remove(_ connection: UpstreamConnection) {
        let shelf = connection.shelf
        guard let index = shelf.idle.lastIndex(where: { $0 === connection }) else { return }
        shelf.idle.remove(at: index)
        self.figures.noteIdle(-1)
    }

    /// Forgets a shelf whose last connection has ended.
    func drop(_ shelf: UpstreamShelf) { self.shelves[ObjectIdentifier(shelf.endpoint)] = nil }

    /// Takes in what a name resolves to now: idle connections to addresses that went away are closed.
    func note(_ addresses: [SocketAddress], of shelf: UpstreamShelf) {
        shelf.addresses.note(answer: addresses)
        for connection in shelf.idle where !shelf.mayKeep(connection) { connection.end(.address) }
    }

    /// Closes everything that is idle.
    func closeAll() {
        for connection in self.shelves.values.flatMap(\.idle) { connection.end(.shutdown) }
    }
}

/// What one loop knows of one endpoint: its idle connections, and the addresses of its name.
///
/// There while a connection to it is.
final class UpstreamShelf {
    /// Held, so that no other endpoint can take its place in memory.
    let endpoint: Endpoint
    fileprivate(set) var idle: ContiguousArray<UpstreamConnection> = []
    /// Connections that there are or that are being made.
    var openCount = 0
    var addresses = AddressMemory()
    /// When the name is to be resolved again; never for an address.
    var resolveAt: NIODeadline

    fileprivate init(_ endpoint: Endpoint, resolveAt: NIODeadline) {
        self.endpoint = endpoint
        self.resolveAt = resolveAt
    }

    /// Whether the connection's address is still one of the endpoint's.
    fileprivate func mayKeep(_ connection: UpstreamConnection) -> Bool {
        // Only after a new answer of the resolver is there something to look up.
        guard connection.checkedRound != self.addresses.round else { return true }
        guard !self.addresses.isGone(connection.address) else { return false }
        connection.checkedRound = self.addresses.round
        return true
    }
}
