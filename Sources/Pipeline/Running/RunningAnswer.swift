internal import Chat
internal import Core
internal import Metering
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Wire

/// An answer that may outlive the connection it was asked for on: it runs in a task of its own, and whoever wants it
/// follows it, from its beginning or from where they were.
///
/// Readers may come and go, from any loop. The writer waits for them only where the answer is too large to be kept.
final class RunningAnswer: Sendable {
    /// Why it was cut off.
    enum Cut {
        case noReader, shutdown, asked

        /// What whoever still follows it is told.
        var error: GatewayError {
            switch self {
            case .shutdown: GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
            case .asked: GatewayError(.clientGone, "It was cancelled.")
            case .noReader: GatewayError(.clientGone, "Nobody came back for it.")
            }
        }
    }

    /// It never was.
    struct Dissolved: Error {
        /// What became of the key that it was to be found by; nil: whoever follows it has to look again.
        var finding: IdempotencyFinding?
    }

    private struct State {
        var tape: AnswerTape
        /// The next event that each reader wants.
        var readers: [Int: Int] = [:]
        var nextNumber = 0
        var waiters: [Int: UnsafeContinuation<Void, any Error>] = [:]
        /// Since when nobody reads.
        var alone: NIODeadline?
        var cut: Cut?
        var work: Task<Void, any Error>?
    }

    /// The request that it answers.
    let requestID: String
    /// What a request with its key must be to get it; nil where it has none.
    let fingerprint: RequestFingerprint?
    /// The number of its message in its session; nil where it has none.
    let seq: Int?
    private let state: NIOLockedValueBox<State>

    init(requestID: String, fingerprint: RequestFingerprint? = nil, seq: Int? = nil, _ tape: AnswerTape) {
        self.requestID = requestID
        self.fingerprint = fingerprint
        self.seq = seq
        self.state = NIOLockedValueBox(State(tape: tape))
    }

    // MARK: - The writer's side

    /// Changes what is on the tape, and lets whoever waits look again if `wakes`.
    func write(wakes: Bool, _ change: (inout AnswerTape) -> Void) {
        let waiters: [UnsafeContinuation<Void, any Error>] = self.state.withLockedValue { state in
            change(&state.tape)
            return wakes ? Self.takeWaiters(&state) : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Whether readers may have the end of it.
    var isShown: Bool { self.state.withLockedValue { $0.tape.isShown } }
    var isOver: Bool { self.state.withLockedValue { $0.tape.isOver } }
    /// Whether nothing is left for a client that had so many events.
    func hasAll(before place: Int) -> Bool { self.state.withLockedValue { $0.tape.hasAll(before: place) } }
    var hasContent: Bool { self.state.withLockedValue { $0.tape.hasContent } }
    var hasRoom: Bool { self.state.withLockedValue { $0.tape.hasRoom } }
    var bytes: Int { self.state.withLockedValue { $0.tape.bytes } }
    /// The answer to keep; nil if it is not over or too large.
    var kept: KeptAnswer? { self.state.withLockedValue { $0.tape.kept } }

    /// Waits until more may be written.
    ///
    /// - Throws: `CancellationError` when the answer was cut off.
    func awaitRoom() async throws {
        try await self.wait { $0.tape.hasRoom }
    }

    // MARK: - Its task

    /// The task that makes the answer, so that it can be cut off.
    func run(_ work: Task<Void, any Error>) {
        let isCut = self.state.withLockedValue { state in
            state.work = work
            return state.cut != nil
        }
        if isCut { work.cancel() }
    }

    /// Ends the answer where it is.
    func cut(_ reason: Cut) {
        let work: Task<Void, any Error>? = self.state.withLockedValue { state in
            if state.cut == nil { state.cut = reason }
            return state.work
        }
        work?.cancel()
    }

    /// Why it was cut off; nil if it was not.
    var cutReason: Cut? { self.state.withLockedValue { $0.cut } }

    /// Whether nobody has read it for as long as `limit`, or nobody reads what is not kept either.
    func isForsaken(now: NIODeadline, limit: TimeAmount) -> Bool {
        self.state.withLockedValue { state in
            guard let alone = state.alone, !state.tape.isOver else { return false }
            return now - alone >= limit || !state.tape.isKept
        }
    }

    /// Whether it goes on although nobody reads it.
    var isAlone: Bool { self.state.withLockedValue { $0.alone != nil && !$0.tape.isOver } }

    /// Waits until it is over and written down, also where whoever waits was cancelled.
    func settle() async {
        _ = try? await uncancelled {
            while !self.isShown { try await self.wait { $0.tape.isShown } }
        }
    }

    // MARK: - A reader's side

    /// Pushes the answer into a sink from `start` to its end, as it comes in.
    ///
    /// - Parameter start: The number of the first event that is wanted.
    /// - Throws: Why the answer failed, after what came before; `GatewayError` with `GONE` if events from there on were
    ///   let go; `Dissolved`; `CancellationError` when the reader was cancelled, and the answer goes on.
    func follow(into reply: any ReplySink, from start: Int = 0, now: @Sendable () -> NIODeadline) async throws {
        let reader = self.join(at: start)
        defer { self.leave(reader, now: now()) }
        var place = start
        var hasBegun = false
        while true {
            switch self.read(reader, at: place) {
            case .later:
                let wanted = place
                try await self.wait { state in
                    if case .later = state.tape.read(at: wanted) { false } else { true }
                }
            case .events(let events, let opening):
                if !hasBegun { try opening.begin(reply) }
                hasBegun = true
                for event in events { try opening.push(event, into: reply) }
                place += events.count
                // Where the end is there as well, it goes out with them.
                let ends = self.state.withLockedValue { $0.tape.endsWell(at: place) }
                if !ends { try reply.flush() }
                if !reply.hasCredit { try await reply.awaitCredit() }
            case .end(let opening):
                if !hasBegun { try opening.begin(reply) }
                try reply.end()
                return try await Self.settle(reply)
            case .whole(let whole):
                try reply.whole(whole)
                return try await Self.settle(reply)
            case .failed(let error):
                throw error
            case .gone:
                throw GatewayError(.gone, "This answer is too large to be kept, and its beginning is gone.")
            }
        }
    }

    /// Waits until the client has taken the end of the answer.
    private static func settle(_ reply: any ReplySink) async throws {
        if !reply.hasCredit { try await reply.awaitCredit() }
    }

    private func join(at place: Int) -> Int {
        self.state.withLockedValue { state in
            state.nextNumber += 1
            state.readers[state.nextNumber] = place
            state.alone = nil
            return state.nextNumber
        }
    }

    private func leave(_ reader: Int, now: NIODeadline) {
        let waiters: [UnsafeContinuation<Void, any Error>] = self.state.withLockedValue { state in
            state.readers[reader] = nil
            if state.readers.isEmpty { state.alone = now }
            return Self.forget(&state)
        }
        for waiter in waiters { waiter.resume() }
    }

    private func read(_ reader: Int, at place: Int) -> AnswerTape.Finding {
        var waiters: [UnsafeContinuation<Void, any Error>] = []
        let finding = self.state.withLockedValue { state in
            state.readers[reader] = place
            let finding = state.tape.read(at: place)
            waiters = Self.forget(&state)
            return finding
        }
        for waiter in waiters { waiter.resume() }
        return finding
    }

    /// Lets go of what all readers have had.
    ///
    /// - Returns: Those to be woken because there is room again.
    private static func forget(_ state: inout State) -> [UnsafeContinuation<Void, any Error>] {
        guard !state.tape.isKept, let place = state.readers.values.min() else { return [] }
        let hadRoom = state.tape.hasRoom
        state.tape.forget(before: place)
        return !hadRoom && state.tape.hasRoom ? Self.takeWaiters(&state) : []
    }

    // MARK: - Waiting

    private static func takeWaiters(_ state: inout State) -> [UnsafeContinuation<Void, any Error>] {
        guard !state.waiters.isEmpty else { return [] }
        defer { state.waiters.removeAll(keepingCapacity: true) }
        return Array(state.waiters.values)
    }

    /// Waits until `isReady` may hold; a wake is a hint.
    private func wait(until isReady: @escaping @Sendable (borrowing State) -> Bool) async throws {
        let number = self.state.withLockedValue { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                let isCancelled = Task.isCancelled
                let mustWait = self.state.withLockedValue { state in
                    // A cancellation from here on finds the continuation; one before was seen.
                    guard !isCancelled, !Task.isCancelled, !isReady(state) else { return false }
                    state.waiters[number] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            let waiter = self.state.withLockedValue { $0.waiters.removeValue(forKey: number) }
            waiter?.resume()
        }
        try Task.checkCancellation()
    }
}
