import HTTP

/// Runs what has no actor of its own on the main actor's thread, as a loop's executor does on its loop.
///
/// Tasks of a gateway prefer the executor of their loop, and so does all they begin. Without a preference the runtime
/// may go on elsewhere after a wait, and what is confined to one thread would be touched by two.
final class MainExecutor: TaskExecutor {
    static let shared = MainExecutor()

    /// Serves a request where one thread does everything; where the test's own task prefers an executor, there.
    static func serve(_ exchange: FakeExchange, by gateway: Gateway) async {
        guard withUnsafeCurrentTask(body: { $0?.unownedTaskExecutor }) == nil else {
            return await gateway.handle(exchange)
        }
        await withTaskExecutorPreference(Self.shared) { await gateway.handle(exchange) }
    }

    func enqueue(_ job: consuming ExecutorJob) { MainActor.shared.enqueue(UnownedJob(job)) }
}
