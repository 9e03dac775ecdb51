import NIOCore

/// The client connections of one loop, so that they can be drained.
///
/// Confined to that loop.
final class OpenConnections {
    private var connections: [ObjectIdentifier: ServerConnection] = [:]

    func add(_ connection: ServerConnection) { self.connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: ServerConnection) { self.connections[ObjectIdentifier(connection)] = nil }

    /// Lets every connection finish what it does and take nothing new.
    func drain() {
        for connection in Array(self.connections.values) { connection.drain() }
    }

    /// Ends every answer now, in-band where its dialect can say so.
    func hurry() {
        for connection in Array(self.connections.values) { connection.hurry() }
    }

    /// Closes what is left.
    func closeAll() {
        for connection in Array(self.connections.values) { connection.context?.close(promise: nil) }
    }
}
