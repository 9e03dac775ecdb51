import Dispatch
import NIOConcurrencyHelpers
import Testing

/// Counts what it is given to run, as the executor of an actor and of its task at once, like a loop's.
private final class CountingExecutor: SerialExecutor, TaskExecutor {
    private let queue = DispatchQueue(label: "counting")
    private let count = NIOLockedValueBox(0)

    /// Jobs so far.
    var enqueued: Int { self.count.withLockedValue { $0 } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.count.withLockedValue { $0 += 1 }
        self.queue.async {
            job.runSynchronously(isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

private actor Counted {
    private let executor: CountingExecutor

    init(_ executor: CountingExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    /// How many jobs one call makes.
    func jobs(body: String, script: FakeUpstream.Script, isLate: Bool) async throws -> (jobs: Int, status: Int) {
        let road = try Road()
        road.transport.scripts = [script]
        let before = self.executor.enqueued
        let answer = await road.chat(body) { $0.isBodyLate = isLate }
        return (self.executor.enqueued - before, answer.status)
    }
}

/// A call whose bytes are all there goes from the first stage to the last and back without a job for any executor.
@Suite struct EnqueueTests {
    @Test(arguments: [false, true])
    func `a call that waits for nothing makes no job`(isLate: Bool) async throws {
        let executor = CountingExecutor()
        let whole = try await withTaskExecutorPreference(executor) {
            try await Counted(executor).jobs(
                body: #"{"model":"fast","messages":[]}"#,
                script: .json(PlainCallTests.answer),
                isLate: isLate
            )
        }
        #expect(whole.status == 200)
        #expect(whole.jobs == 0)
        let stream = try await withTaskExecutorPreference(executor) {
            try await Counted(executor).jobs(
                body: #"{"model":"fast","stream":true,"messages":[]}"#,
                script: .stream(
                    .bytes("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
                    .bytes("data: [DONE]\n\n")
                ),
                isLate: isLate
            )
        }
        #expect(stream.status == 200)
        #expect(stream.jobs == 0)
    }
}
