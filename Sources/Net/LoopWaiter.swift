import NIOCore

/// One suspended caller of a connection, on that connection's loop.
///
/// Wakes are hints: whoever waits checks its condition again. Cancelling the task ends the wait with
/// `CancellationError`, from whatever thread the cancellation comes.
final class LoopWaiter: @unchecked Sendable {
    // Safety: all members are touched on the executor's loop only; `cancel` hops there first.
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Void, any Error>?
    private var wasCancelled = false

    init(executor: LoopExecutor) { self.executor = executor }

    /// Suspends until `wake` or `fail`.
    ///
    /// One caller at a time.
    ///
    /// - Parameter isOver: Looked at once more in the step that suspends, for conditions that other jobs of the loop
    ///   bring about: one may run between the caller's own look and that step.
    func wait(unless isOver: () -> Bool = { false }) async throws {
        if Task.isCancelled { throw CancellationError() }
        self.wasCancelled = false
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                if self.wasCancelled {
                    continuation.resume(throwing: CancellationError())
                } else if isOver() {
                    continuation.resume()
                } else {
                    precondition(self.continuation == nil, "two callers wait on one connection")
                    self.continuation = continuation
                }
            }
        } onCancel: {
            self.cancel()
        }
    }

    /// Whether somebody waits.
    var isWaiting: Bool { self.continuation != nil }

    /// Lets the waiting caller look again.
    ///
    /// Nothing happens if nobody waits.
    func wake() {
        guard let continuation = self.continuation else { return }
        self.continuation = nil
        continuation.resume()
    }

    /// Ends the wait with an error.
    func fail(_ error: any Error) {
        guard let continuation = self.continuation else { return }
        self.continuation = nil
        continuation.resume(throwing: error)
    }

    private func cancel() {
        guard self.executor.loop.inEventLoop else {
            self.executor.loop.execute { self.executor.scope { self.cancel() } }
            return
        }
        self.wasCancelled = true
        self.fail(CancellationError())
    }
}
