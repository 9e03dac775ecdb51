import Core
import NIOCore
import Transport
import Wire

/// One caller's hold on a connection: after a complete answer it goes back to the pool, else it is closed.
final class UpstreamLease: UpstreamExchange {
    private let connection: UpstreamConnection
    private let runtime: LoopRuntime
    private var isOver = false
    let isFreshConnection: Bool

    init(_ connection: UpstreamConnection, runtime: LoopRuntime, isFresh: Bool) {
        self.connection = connection
        self.runtime = runtime
        self.isFreshConnection = isFresh
    }

    deinit { self.abandon() }

    var head: HTTPHead { self.connection.head }
    var headBytes: ByteBuffer { self.connection.headBytes }

    func poll() throws -> UpstreamPiece { self.isOver ? .end : try self.connection.poll() }

    func wait() async throws {
        self.connection.armIdleClock()
        do {
            try await self.connection.waiter.wait()
        } catch {
            self.connection.end(.call)
            throw error
        }
    }

    func setDeadline(_ deadline: NIODeadline, limit: TimeAmount, clock: ClockName) {
        if !self.isOver { self.connection.setDeadline(deadline, limit: limit, clock: clock) }
    }

    func abandon() {
        guard !self.isOver else { return }
        self.isOver = true
        self.runtime.takeBack(self.connection)
    }
}
