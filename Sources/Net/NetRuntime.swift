package import NIOCore
import NIOPosix
package import Transport

/// The event loops of a process, one thread each, with everything a loop owns.
package final class NetRuntime: Sendable {
    struct Loop: Sendable {
        let bound: NIOLoopBound<LoopRuntime>
        let actor: LoopActor
        let executor: LoopExecutor
        let eventLoop: any EventLoop
        var key: ObjectIdentifier { ObjectIdentifier(self.eventLoop) }
    }

    let group: MultiThreadedEventLoopGroup
    let loops: [Loop]
    package let dialer: Dialer

    /// Starts `loopCount` loops.
    ///
    /// - Parameters:
    ///   - dialer: The one way out, shared by all loops.
    ///   - upstream: How upstream connections are kept.
    ///   - load: Told about the loops' lag; nil where nobody sheds load.
    package init(
        loopCount: Int,
        dialer: Dialer = Dialer(),
        upstream: UpstreamOptions = UpstreamOptions(),
        load: ServerLoad? = nil
    ) async throws {
        precondition(loopCount > 0, "loopCount must be at least 1, is \(loopCount)")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        self.group = group
        self.dialer = dialer
        var loops: [Loop] = []
        for (index, eventLoop) in group.makeIterator().enumerated() {
            loops.append(
                try await eventLoop.submit {
                    let runtime = LoopRuntime(
                        eventLoop: eventLoop,
                        index: index,
                        dialer: dialer,
                        options: upstream,
                        load: load
                    )
                    return Loop(
                        bound: NIOLoopBound(runtime, eventLoop: eventLoop),
                        actor: runtime.actor,
                        executor: runtime.executor,
                        eventLoop: eventLoop
                    )
                }.get()
            )
        }
        self.loops = loops
    }

    /// How many loops there are.
    package var loopCount: Int { self.loops.count }

    /// Runs `body` on one of the loops, isolated to it; for commands and tests that need a client.
    package func run<Result: Sendable>(
        onLoop index: Int = 0,
        _ body: @Sendable @escaping (any LoopTransport) async throws -> Result
    ) async throws -> Result {
        let loop = self.loops[index % self.loops.count]
        return try await withTaskExecutorPreference(loop.executor) {
            try await loop.actor.run(loop.bound, body)
        }
    }

    /// Keeps upstream connections by other rules from now on.
    ///
    /// Those that are open keep their age and their place in the pool.
    package func use(_ options: UpstreamOptions) { self.onEachLoop { $0.options = options } }

    /// Runs `body` on every loop, without waiting.
    func onEachLoop(_ body: @escaping @Sendable (LoopRuntime) -> Void) {
        for loop in self.loops {
            loop.eventLoop.execute {
                let runtime = loop.bound.value
                runtime.executor.scope { body(runtime) }
            }
        }
    }

    /// Calls `action` on every loop at each `interval`, until the runtime ends.
    ///
    /// `action` must be short.
    package func every(_ interval: TimeAmount, _ action: @escaping @Sendable (_ loopIndex: Int) -> Void) {
        for (index, loop) in self.loops.enumerated() {
            loop.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in action(index) }
        }
    }

    /// Closes idle upstream connections and ends the loops' threads.
    package func shutdown() async {
        self.onEachLoop { $0.pool.closeAll() }
        try? await self.group.shutdownGracefully()
    }
}

extension LoopActor {
    fileprivate func run<Result: Sendable>(
        _ bound: NIOLoopBound<LoopRuntime>,
        _ body: @Sendable (any LoopTransport) async throws -> Result
    ) async throws -> Result {
        try await body(bound.value)
    }
}
