/// Work that goes on to its end, whatever becomes of the task that asked for it.
///
/// A client that leaves cancels the task of its connection. What must be written down all the same, and answers that
/// may outlive their connection, run in a task of their own, which is begun here and nowhere else. It stays where it
/// was begun: isolated to the same actor and with the same executor preference, so that nothing leaves its loop.
package enum Uncancelled {
    private struct Carrier<Success: Sendable>: @unchecked Sendable {
        // Safety: the body runs isolated to the actor that the caller is isolated to, so what it holds never leaves it.
        let body: () async throws -> Success

        func run(isolation: isolated (any Actor)?) async throws -> Success { try await self.body() }
    }

    /// Begins `body` without waiting for it.
    ///
    /// Whoever begins it sees to it that somebody waits for it or cancels it.
    ///
    /// - Parameter isolation: Where `body` runs: that of the caller, which a function that is not `async` does not know
    ///   and has to be told. Without any it runs on the executor that the caller's task prefers; if there is none
    ///   either, beside the caller, and must share nothing with it.
    package static func begin<Success: Sendable>(
        isolation: (any Actor)? = #isolation,
        _ body: @escaping () async throws -> Success
    ) -> Task<Success, any Error> {
        let carrier = Carrier(body: body)
        let executor = withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
        return Task(executorPreference: executor) { try await carrier.run(isolation: isolation) }
    }
}

/// Runs `body` to its end and waits for it, even if the task that waits is cancelled meanwhile.
///
/// - Throws: What `body` throws; never `CancellationError` because the caller was cancelled.
package func uncancelled<Success: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping () async throws -> Success
) async throws -> Success {
    try await Uncancelled.begin(isolation: isolation, body).value
}
