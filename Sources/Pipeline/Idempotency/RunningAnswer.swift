internal import Chat
internal import Core
internal import Metering
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Wire

/// An answer that may outlive the connection it was asked for on: it runs in a task of its own, and whoever wants it
/// follows it from the beginning.
///
/// Readers may come and go, from any loop. The writer waits for them only where the answer is too large to be kept.
final class RunningAnswer: Sendable {
    /// Why it was cut off.
    enum Cut { case noReader, shutdown }

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

    let claim: IdempotencyClaim
    private let state: NIOLockedValueBox<State>

    init(_ claim: IdempotencyClaim, _ tape: AnswerTape) {
        self.claim = claim
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

    // MARK: - A reader's side

    /// Pushes the answer into a sink from its beginning to its end, as it comes in.
    ///
    /// - Throws: Why the answer failed, after what came before; `CancellationError` when the reader was cancelled, and
    ///   the answer goes on.
    func follow(into reply: any ReplySink, now: @Sendable () -> NIODeadline) async throws {
        let reader = self.join()
        defer { self.leave(reader, now: now()) }
        var place = 0
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
                try reply.flush()
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
            }
        }
    }

    /// Waits until the client has taken the end of the answer.
    private static func settle(_ reply: any ReplySink) async throws {
        if !reply.hasCredit { try await reply.awaitCredit() }
    }

    private func join() -> Int {
        self.state.withLockedValue { state in
            state.nextNumber += 1
            state.readers[state.nextNumber] = 0
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

/// Puts what the stages below push onto a running answer.
///
/// Confined to the loop of its call. What happens to the client is not its business: whoever follows sees to that.
final class AnswerRecorder: ReplySink {
    private let answer: RunningAnswer
    private let answers: RunningAnswers
    /// Run once when the answer is whole, while the road still tidies up behind it.
    private let onEnd: (AnswerRecorder) -> Void
    /// Bytes of the memory for running answers that this one has taken.
    private(set) var held = 0
    private var hasEnded = false

    init(_ answer: RunningAnswer, of answers: RunningAnswers, onEnd: @escaping (AnswerRecorder) -> Void) {
        self.answer = answer
        self.answers = answers
        self.onEnd = onEnd
    }

    var hasContent: Bool { self.answer.hasContent }

    /// The client's own sink fills its silences.
    func expectStream() {}

    func whole(_ answer: WholeReply) {
        let mayKeep = self.hold(answer.body.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.put(answer)
        }
        self.noteEnd()
    }

    func begin(_ head: StreamHead) { self.answer.write(wakes: false) { $0.begin(head) } }

    func begin(_ head: ByteHead) { self.answer.write(wakes: false) { $0.begin(head) } }

    func bytes(_ bytes: ByteBuffer) {
        let copy = ByteBuffer(bytes: bytes.readableBytesView)
        let mayKeep = self.hold(copy.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.append(ServerSentEvent(data: copy), isContent: true)
        }
    }

    func event(_ event: ServerSentEvent, isContent: Bool) {
        // A copy of its own: what it came in is a receive buffer, or is used again for the next event.
        let data = ByteBuffer(bytes: event.data.readableBytesView)
        let copy = ServerSentEvent(
            data: data,
            type: event.type.map { ByteBuffer(bytes: $0.readableBytesView) },
            isComment: event.isComment
        )
        let mayKeep = self.hold(data.readableBytes)
        self.answer.write(wakes: false) { tape in
            if !mayKeep { tape.giveUp() }
            tape.append(copy, isContent: isContent)
        }
    }

    /// Takes memory for more of the answer; false if there is none.
    private func hold(_ count: Int) -> Bool {
        guard self.answers.hold(count) else { return false }
        self.held += count
        return true
    }

    func flush() { self.answer.write(wakes: true) { _ in } }

    func end() {
        self.answer.write(wakes: true) { $0.end() }
        self.noteEnd()
    }

    private func noteEnd() {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.onEnd(self)
    }

    func fail(_ error: GatewayError) { self.answer.write(wakes: true) { $0.fail(error) } }

    var hasCredit: Bool { self.answer.hasRoom }

    func awaitCredit() async throws { try await self.answer.awaitRoom() }
}

@available(*, unavailable, message: "confined to its loop")
extension AnswerRecorder: Sendable {}
