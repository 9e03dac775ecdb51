import NIOCore
import Synchronization
import Transport

/// Idle upstream connections of one loop, newest first, by endpoint.
///
/// Never shared between loops, and never a limit that would queue a stream: with no idle connection a new one is
/// dialled.
final class UpstreamPool {
    /// How long a connection may stand idle; below the 60 s after which many servers close it.
    static let idleFor = TimeAmount.seconds(55)
    /// Idle connections kept for one endpoint.
    static let idleMax = 256

    private final class Stack {
        var connections: ContiguousArray<UpstreamConnection> = []
    }

    private var stacks: [ObjectIdentifier: Stack] = [:]

    /// The most recently used idle connection, if there is one.
    func takeIdle(_ endpoint: Endpoint) -> UpstreamConnection? {
        guard let stack = self.stacks[ObjectIdentifier(endpoint)] else { return nil }
        return stack.connections.popLast()
    }

    /// Keeps a connection whose answer was complete; false if there are enough.
    func put(_ connection: UpstreamConnection) -> Bool {
        let key = ObjectIdentifier(connection.endpoint)
        let stack: Stack
        if let known = self.stacks[key] {
            stack = known
        } else {
            stack = Stack()
            self.stacks[key] = stack
        }
        guard stack.connections.count < Self.idleMax else { return false }
        stack.connections.append(connection)
        return true
    }

    /// Forgets an idle connection that ended.
    func remove(_ connection: UpstreamConnection) {
        let key = ObjectIdentifier(connection.endpoint)
        guard let stack = self.stacks[key] else { return }
        if let index = stack.connections.lastIndex(where: { $0 === connection }) { stack.connections.remove(at: index) }
        if stack.connections.isEmpty { self.stacks[key] = nil }
    }

    /// Closes everything that is idle.
    func closeAll() {
        let all = self.stacks.values.flatMap(\.connections)
        self.stacks.removeAll()
        for connection in all { connection.close() }
    }
}

/// What happened to upstream connections since the start; for metrics.
package final class UpstreamCounters: Sendable {
    private let dialled = Atomic<Int>(0)
    private let reusedCount = Atomic<Int>(0)
    private let openCount = Atomic<Int>(0)

    package init() {}

    /// Connections made.
    package var dials: Int { self.dialled.load(ordering: .relaxed) }
    /// Calls that found an idle connection.
    package var reuses: Int { self.reusedCount.load(ordering: .relaxed) }
    /// Connections open now, idle ones included.
    package var open: Int { self.openCount.load(ordering: .relaxed) }

    func noteDial() { self.dialled.wrappingAdd(1, ordering: .relaxed) }
    func noteReuse() { self.reusedCount.wrappingAdd(1, ordering: .relaxed) }
    func noteOpen() { self.openCount.wrappingAdd(1, ordering: .relaxed) }
    func noteClosed() { self.openCount.wrappingSubtract(1, ordering: .relaxed) }
}
