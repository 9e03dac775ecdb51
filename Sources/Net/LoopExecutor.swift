import DequeModule
package import NIOCore

/// Runs Swift concurrency on one event loop: the serial executor of that loop's actor and, at the same time, the
/// executor preference of every connection's task.
///
/// Only with both at once does a resumed continuation stay on the loop; with either alone each resume goes through the
/// global pool, at some 6 µs a hop. Jobs made while the loop runs one of our callbacks go to a local ring that is
/// drained at the end of that callback (`scope`), without the loop's locked task queue.
package final class LoopExecutor: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // Safety: `jobs`, `depth` and `isScheduled` are touched on `loop` only; `enqueue` from elsewhere hops there first.
    package let loop: any EventLoop
    private var jobs = Deque<UnownedJob>()
    private var depth = 0
    private var isScheduled = false

    package init(loop: any EventLoop) {
        self.loop = loop
        self.jobs.reserveCapacity(256)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard self.loop.inEventLoop else {
            self.loop.execute {
                self.jobs.append(job)
                self.drain()
            }
            return
        }
        self.jobs.append(job)
        if self.depth == 0, !self.isScheduled {
            self.isScheduled = true
            self.loop.execute {
                self.isScheduled = false
                self.drain()
            }
        }
    }

    /// Runs `body` on the loop, then every job that it made ready.
    ///
    /// Every channel callback goes through here.
    @inline(__always)
    package func scope<Result>(_ body: () -> Result) -> Result {
        self.depth += 1
        let result = body()
        if self.depth == 1 { self.drain() }
        self.depth -= 1
        return result
    }

    private func drain() {
        guard !self.jobs.isEmpty else { return }
        self.depth += 1
        let serial = self.asUnownedSerialExecutor()
        let task = self.asUnownedTaskExecutor()
        while let job = self.jobs.popFirst() {
            job.runSynchronously(isolatedTo: serial, taskExecutor: task)
        }
        self.depth -= 1
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    package func checkIsolated() { self.loop.preconditionInEventLoop() }
}

/// The actor of one event loop; everything on the road of a call runs isolated to it.
package actor LoopActor {
    private let executor: LoopExecutor

    package init(executor: LoopExecutor) { self.executor = executor }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }
}
