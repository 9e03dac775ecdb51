import Core
import NIOConcurrencyHelpers
import NIOCore
import Net
import Testing
import Transport

/// Waits that something on another loop ends.
@Suite struct LoopWaitTests {
    private static func withRuntime(_ body: (NetRuntime) async throws -> Void) async throws {
        let runtime = try await NetRuntime(loopCount: 2, load: nil)
        do {
            try await body(runtime)
            await runtime.shutdown()
        } catch {
            await runtime.shutdown()
            throw error
        }
    }

    @Test func `a wake from another loop ends the wait, and the caller goes on where it was`() async throws {
        try await Self.withRuntime { runtime in
            let box = NIOLockedValueBox<(any LoopWait)?>(nil)
            for round in 0..<200 {
                async let waited: Bool = runtime.run(onLoop: 0) { transport in
                    let wait = transport.makeWait()
                    box.withLockedValue { $0 = wait }
                    try await wait.wait(until: .now() + .minutes(5))
                    return transport.eventLoop.inEventLoop
                }
                // From the other loop, or from no loop at all.
                if round.isMultiple(of: 2) {
                    try await runtime.run(onLoop: 1) { _ in
                        while box.withLockedValue({ $0 == nil }) { await Task.yield() }
                        box.withLockedValue { $0 }?.wake()
                    }
                } else {
                    while box.withLockedValue({ $0 == nil }) { await Task.yield() }
                    box.withLockedValue { $0 }?.wake()
                }
                #expect(try await waited)
                box.withLockedValue { $0 = nil }
            }
        }
    }

    @Test func `a wake that came before counts, once`() async throws {
        try await Self.withRuntime { runtime in
            let isLate = try await runtime.run { transport in
                let wait = transport.makeWait()
                wait.wake()
                wait.wake()
                try await wait.wait(until: .distantFuture)
                let deadline = NIODeadline.now() + .milliseconds(30)
                try await wait.wait(until: deadline)
                return NIODeadline.now() >= deadline
            }
            #expect(isLate)
        }
    }

    @Test func `a wait ends at its time, never before`() async throws {
        try await Self.withRuntime { runtime in
            for milliseconds in [0, 1, 24, 26, 60] as [Int64] {
                let isLate = try await runtime.run { transport in
                    let deadline = NIODeadline.now() + .milliseconds(milliseconds)
                    try await transport.makeWait().wait(until: deadline)
                    return NIODeadline.now() >= deadline
                }
                #expect(isLate)
            }
        }
    }

    @Test func `whoever is cancelled waits no longer`() async throws {
        try await Self.withRuntime { runtime in
            let hasBegun = NIOLockedValueBox(false)
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await runtime.run { transport in
                            let wait = transport.makeWait()
                            hasBegun.withLockedValue { $0 = true }
                            try await wait.wait(until: .distantFuture)
                        }
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                while !hasBegun.withLockedValue({ $0 }) { await Task.yield() }
                group.cancelAll()
                for await wasCancelled in group { #expect(wasCancelled) }
            }
        }
    }
}
