import Core
import NIOCore
package import Transport

/// Upstream connections: taken from the pool or dialled, and taken back.
extension LoopRuntime {
    package func open(_ request: UpstreamRequest) async throws -> any UpstreamExchange {
        let now = NIODeadline.now()
        try self.checkTime(of: request, now: now)
        if request.upload?.canRewind ?? true, let idle = self.pool.takeIdle(request.endpoint) {
            let lease = UpstreamLease(idle, runtime: self, isFresh: false)
            do {
                try await idle.exchange(request, now: now)
                guard idle.saysStale else {
                    self.figures.noteReuse()
                    return lease
                }
            } catch TransportError.closedBeforeHead where idle.wasStale {}
            // It died while it was idle. One fresh connection, never a second idle one.
            self.figures.noteReplaced()
            lease.abandon()
            guard request.upload?.rewind() ?? true else { throw TransportError.closedBeforeHead }
        }
        let connection = try await Dial(request, self).value()
        let lease = UpstreamLease(connection, runtime: self, isFresh: true)
        if let isWanted = request.isWanted, !isWanted() {
            lease.abandon()
            throw CancellationError()
        }
        try await connection.exchange(request, now: .now())
        return lease
    }

    /// Nothing is sent that there is no time left for: nobody would wait for the answer, but it would be paid for.
    private func checkTime(of request: UpstreamRequest, now: NIODeadline) throws(TransportError) {
        guard now >= request.deadline else { return }
        let error = TransportError.timeout(.total, limit: request.timeouts.total, didSend: false)
        self.figures.note(error)
        throw error
    }

    /// Takes a connection back from its call: for the next one, or to close it.
    func takeBack(_ connection: UpstreamConnection) {
        guard connection.isReusable else {
            return connection.end(connection.isLastAnswer ? .upstream : .call)
        }
        let now = NIODeadline.now()
        if let reason = self.pool.keep(connection, now: now, max: self.options.idleMax) {
            connection.end(reason)
        } else {
            connection.becomeIdle(now: now)
        }
        if now >= connection.shelf.resolveAt { self.resolveAgain(connection.shelf, now: now) }
    }

    /// Asks for the addresses of an endpoint in use, so that connections to those that went away end.
    ///
    /// Where there is no answer, everything stays as it is.
    private func resolveAgain(_ shelf: UpstreamShelf, now: NIODeadline) {
        shelf.resolveAt = now + self.options.resolveEvery
        let answer = self.dialer.addresses(of: shelf.endpoint, on: self.eventLoop, mayBeOld: false)
        answer.assumeIsolated().whenSuccess { addresses in
            self.executor.scope { self.pool.note(addresses, of: shelf) }
        }
    }

    /// When a connection that is made now is too old: between nine and eleven tenths of its life from now, each time
    /// another, so that what was made together does not end together.
    func retirement() -> NIODeadline {
        self.dialCount = (self.dialCount + 8) % 21
        return .now() + .nanoseconds(self.options.life.nanoseconds / 100 * Int64(90 + self.dialCount))
    }
}
