internal import Chat
internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Wire

/// One attempt at a provider whose answer is read on when the client leaves.
///
/// The attempt runs in a task of its own, since the cancellation of the client's closes the provider's connection.
/// `leave` and `cut` may come from any thread.
package final class Drain: Sendable {
    private struct State {
        var hasLeft = false
        var isCut = false
        /// Bytes that came since the client left.
        var bytes = 0
        var work: Task<Void, any Error>?
        /// The wait for a client that reads slowly.
        var credit: Task<Void, any Error>?
    }

    private let drains: Drains
    private let state = NIOLockedValueBox(State())

    init(_ drains: Drains) { self.drains = drains }

    /// Whether nobody is there to read the answer any more.
    var hasLeft: Bool { self.state.withLockedValue { $0.hasLeft } }
    /// Whether it was ended before the provider came to its end.
    var isCut: Bool { self.state.withLockedValue { $0.isCut } }

    /// The task to be cut off.
    func run(_ work: Task<Void, any Error>) {
        let isCut = self.state.withLockedValue { state in
            state.work = work
            return state.isCut
        }
        if isCut { work.cancel() }
    }

    /// The client has left: the answer is read on if there is room for that, else cut off now.
    func leave() {
        let credit = self.state.withLockedValue { state in
            state.hasLeft = true
            return state.credit
        }
        if !self.drains.begin(self) { self.cut() }
        credit?.cancel()
    }

    /// Ends the answer where it is.
    func cut() {
        let work = self.state.withLockedValue { state in
            state.isCut = true
            return state.work
        }
        work?.cancel()
    }

    /// Waits until the attempt is over.
    func awaitEnd() async { _ = await self.state.withLockedValue { $0.work }?.result }

    /// Counts bytes of the answer that nobody will have.
    ///
    /// - Throws: `CancellationError` where it is enough.
    func take(_ count: Int) throws {
        let isEnough = self.state.withLockedValue { state in
            guard state.hasLeft else { return false }
            state.bytes += min(count, self.drains.limits.bytes + 1)
            return state.isCut || state.bytes > self.drains.limits.bytes
        }
        guard isEnough else { return }
        self.cut()
        throw CancellationError()
    }

    /// Waits for a client that reads slowly, until it leaves.
    ///
    /// - Throws: What `wait` throws while the client is there; `CancellationError` when the answer was cut off.
    func awaitCredit(_ wait: Task<Void, any Error>) async throws {
        let hasLeft = self.state.withLockedValue { state in
            state.credit = wait
            return state.hasLeft
        }
        if hasLeft { wait.cancel() }
        let result = await wait.result
        self.state.withLockedValue { $0.credit = nil }
        try Task.checkCancellation()
        if !self.hasLeft { try result.get() }
    }
}

/// Passes an answer on as long as there is somebody to have it.
///
/// Confined to the loop of its call.
final class DrainSink: SinkBetween {
    private let client: any ReplySink
    private let drain: Drain

    init(_ client: any ReplySink, _ drain: Drain) {
        self.client = client
        self.drain = drain
    }

    var reply: (any ReplySink)? { self.drain.hasLeft ? nil : self.client }

    /// What the client got stays said when it has left.
    var hasContent: Bool { self.client.hasContent }

    func awaitCredit() async throws {
        guard let reply = self.reply else { return }
        try await self.drain.awaitCredit(Uncancelled.begin { try await reply.awaitCredit() })
    }
}

@available(*, unavailable, message: "confined to its loop")
extension DrainSink: Sendable {}
