import UnixSignals

/// Ctrl-C for commands that run until they are told to stop.
enum Interrupts {
    /// Runs `body` until it ends or the person presses Ctrl-C, or SIGTERM comes.
    ///
    /// - Returns: What `body` returned, or nil if it was interrupted.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { return nil }
                try Task.checkCancellation()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
