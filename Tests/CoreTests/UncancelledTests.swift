import Core
import Dispatch
import NIOConcurrencyHelpers
import Testing

/// Runs an actor and the tasks on it, like the executor of a loop.
private final class QueueExecutor: SerialExecutor, TaskExecutor {
    private static let mark = DispatchSpecificKey<Bool>()
    private let queue = DispatchQueue(label: "uncancelled")

    init() { self.queue.setSpecific(key: Self.mark, value: true) }

    /// Whether the caller runs on this executor's queue.
    static var isHere: Bool { DispatchQueue.getSpecific(key: self.mark) ?? false }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.async {
            job.runSynchronously(isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

private actor Loop {
    let executor: QueueExecutor
    var steps: [String] = []

    init(_ executor: QueueExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    /// Where work that was begun here runs, before and after it has waited.
    func places() async throws -> [Bool] {
        try await uncancelled {
            var places = [QueueExecutor.isHere]
            self.steps.append("inside")
            await Task.yield()
            places.append(QueueExecutor.isHere)
            let preference = withUnsafeCurrentTask { $0?.unownedTaskExecutor }
            places.append(preference == self.executor.asUnownedTaskExecutor())
            return places
        }
    }
}

@Suite struct UncancelledTests {
    private struct Broken: Error {}

    @Test func `work goes on when the task that waits for it is cancelled, and the task waits for its end`() async {
        let isDone = NIOLockedValueBox(false)
        let (begun, onBegin) = AsyncStream.makeStream(of: Void.self)
        let (release, onRelease) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await uncancelled {
                onBegin.finish()
                for await _ in release {}
                #expect(!Task.isCancelled)
                isDone.withLockedValue { $0 = true }
                return 7
            }
        }
        for await _ in begun {}
        task.cancel()
        onRelease.finish()
        #expect(await (try? task.value) == 7)
        #expect(isDone.withLockedValue { $0 })
    }

    @Test func `what the work throws comes out`() async {
        await #expect(throws: Broken.self) { try await uncancelled { throw Broken() } }
    }

    @Test func `work stays on the actor and the executor it was begun on`() async throws {
        let executor = QueueExecutor()
        let loop = Loop(executor)
        let places = try await Task(executorPreference: executor) { try await loop.places() }.value
        #expect(places == [true, true, true])
        #expect(await loop.steps == ["inside"])
    }

    @Test func `work that was begun can be cancelled by whoever holds it`() async {
        let task = Uncancelled.begin {
            while !Task.isCancelled { await Task.yield() }
            try Task.checkCancellation()
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
