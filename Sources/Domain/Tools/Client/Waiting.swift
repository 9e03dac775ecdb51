internal import Core
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Runs `body` for no longer than `limit`.
///
/// It is cancelled when the time is up, and waited for: what it waits for has to end then.
///
/// - Throws: `late` when the time was up, `ToolError.cancelled` if the caller was cancelled.
func within<Value: Sendable>(
    _ limit: TimeAmount,
    else late: ToolError,
    _ body: @escaping @Sendable () async throws(ToolError) -> Value
) async throws(ToolError) -> Value {
    let result: Result<Value, ToolError> = await withTaskGroup(of: Result<Value, ToolError>?.self) { group in
        group.addTask {
            do throws(ToolError) { return .success(try await body()) } catch { return .failure(error) }
        }
        group.addTask {
            try? await Task.sleep(for: .nanoseconds(max(0, limit.nanoseconds)))
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        // What was done in the same moment is not thrown away.
        if let first { return first }
        if case .success(let value)?? = await group.next() { return .success(value) }
        return .failure(Task.isCancelled ? .cancelled : late)
    }
    return try result.get()
}

/// One piece of work at a time, whose outcome all get who asked meanwhile.
///
/// The work goes on to its end, whoever leaves.
final class SingleFlight<Value: Sendable>: Sendable {
    private typealias Outcome = Result<Value, ToolError>

    private struct State {
        var isRunning = false
        var next: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Waits for the work that is under way, or begins it.
    ///
    /// - Parameter body: Must end in bounded time by itself.
    /// - Throws: What the work throws; `.cancelled` for a caller that was cancelled.
    func run(_ body: @escaping @Sendable () async throws(ToolError) -> Value) async throws(ToolError) -> Value {
        let token = self.state.withLockedValue { state in
            defer { state.next += 1 }
            return state.next
        }
        let outcome: Outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isFirst, isLeaving) = self.state.withLockedValue { state in
                    guard !Task.isCancelled else { return (false, true) }
                    defer { state.isRunning = true }
                    state.waiting[token] = continuation
                    return (!state.isRunning, false)
                }
                if isLeaving { continuation.resume(returning: .failure(.cancelled)) }
                guard isFirst else { return }
                // Nobody has to wait for it: it tells all who do, and ends by itself.
                _ = Uncancelled.begin(isolation: nil) {
                    let outcome: Outcome
                    do throws(ToolError) { outcome = .success(try await body()) } catch { outcome = .failure(error) }
                    self.finish(outcome)
                }
            }
        } onCancel: {
            let waiter = self.state.withLockedValue { $0.waiting.removeValue(forKey: token) }
            waiter?.resume(returning: .failure(.cancelled))
        }
        return try outcome.get()
    }

    private func finish(_ outcome: Outcome) {
        let waiting = self.state.withLockedValue { state in
            defer {
                state.waiting = [:]
                state.isRunning = false
            }
            return state.waiting.values
        }
        for waiter in waiting { waiter.resume(returning: outcome) }
    }
}

/// Lets so many in at a time; a bounded number of others wait, in order.
final class Turnstile: Sendable {
    private struct State {
        var inside = 0
        var next: UInt64 = 0
        var waiting: [(token: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let limit: Int
    private let waitingMax: Int
    private let state = NIOLockedValueBox(State())

    init(limit: Int, waitingMax: Int = 256) {
        self.limit = max(1, limit)
        self.waitingMax = waitingMax
    }

    /// How many are inside.
    var count: Int { self.state.withLockedValue { $0.inside } }

    /// Waits for a place, which `leave` gives back.
    ///
    /// - Returns: False if too many wait already, or the caller was cancelled; there is nothing to give back then.
    func enter() async -> Bool {
        let token = self.state.withLockedValue { state in
            defer { state.next += 1 }
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIn: Bool? = self.state.withLockedValue { state in
                    guard !Task.isCancelled else { return false }
                    if state.inside < self.limit {
                        state.inside += 1
                        return true
                    }
                    guard state.waiting.count < self.waitingMax else { return false }
                    state.waiting.append((token, continuation))
                    return nil
                }
                if let isIn { continuation.resume(returning: isIn) }
            }
        } onCancel: {
            let waiter = self.state.withLockedValue { state in
                state.waiting.firstIndex { $0.token == token }.map { state.waiting.remove(at: $0).continuation }
            }
            waiter?.resume(returning: false)
        }
    }

    /// Gives a place back, to the first who waits.
    func leave() {
        let next: CheckedContinuation<Bool, Never>? = self.state.withLockedValue { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst().continuation }
            state.inside -= 1
            return nil
        }
        next?.resume(returning: true)
    }
}
