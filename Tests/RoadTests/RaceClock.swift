import NIOConcurrencyHelpers
import NIOCore
import Transport

/// Time that passes when a test says so, and waits that end by it.
final class RaceClock: Sendable {
    private struct State {
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        var waits: [RaceWait] = []
    }

    private let state = NIOLockedValueBox(State())

    var now: NIODeadline { self.state.withLockedValue { $0.now } }

    func makeWait() -> RaceWait {
        let wait = RaceWait(self)
        self.state.withLockedValue { $0.waits.append(wait) }
        return wait
    }

    func pass(_ time: TimeAmount) {
        let waits = self.state.withLockedValue { state in
            state.now = state.now + time
            return state.waits
        }
        for wait in waits { wait.look() }
    }
}

/// A wait that ends when it is woken, or when the clock's time has come.
final class RaceWait: LoopWait {
    private struct State {
        var isWoken = false
        var isCancelled = false
        var waiting: (deadline: NIODeadline, continuation: UnsafeContinuation<Void, any Error>)?
    }

    private let clock: RaceClock
    private let state = NIOLockedValueBox(State())

    init(_ clock: RaceClock) { self.clock = clock }

    func wait(until deadline: NIODeadline) async throws {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                self.state.withLockedValue { $0.waiting = (deadline, continuation) }
                self.look()
            }
        } onCancel: {
            self.state.withLockedValue { $0.isCancelled = true }
            self.look()
        }
    }

    func wake() {
        self.state.withLockedValue { $0.isWoken = true }
        self.look()
    }

    /// Ends the wait if there is a reason to.
    func look() {
        let now = self.clock.now
        let ended = self.state.withLockedValue { state -> (UnsafeContinuation<Void, any Error>, Bool)? in
            guard let (deadline, continuation) = state.waiting,
                state.isCancelled || state.isWoken || deadline <= now
            else { return nil }
            state.waiting = nil
            state.isWoken = false
            return (continuation, state.isCancelled)
        }
        guard let (continuation, isCancelled) = ended else { return }
        if isCancelled { continuation.resume(throwing: CancellationError()) } else { continuation.resume() }
    }
}

/// Something that is waited for until the test opens it, or until who waits is cancelled.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = NIOLockedValueBox(State())

    var isOpen: Bool { self.state.withLockedValue { $0.isOpen } }

    func pass() async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isOpen = self.state.withLockedValue { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            self.release(opening: false)
        }
    }

    func open() { self.release(opening: true) }

    private func release(opening: Bool) {
        let waiting = self.state.withLockedValue { state in
            if opening { state.isOpen = true }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
