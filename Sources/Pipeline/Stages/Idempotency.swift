internal import Auth
internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Telemetry
internal import Wire

/// Runs a request with an `Idempotency-Key` once, however often it is sent (row 77).
///
/// The first call takes the key, on the disk, before anything goes upstream; what it is answered is kept and given to
/// every later call with the same key and the same request, without a call to a provider. It runs on when its client
/// leaves; a retry follows it from its beginning, or from the event after `Last-Event-ID`.
struct Idempotency: Detour {
    let instruments: Instruments

    // What is passed through belongs to its provider, the key too.
    func concerns(_ call: Call) -> Bool { call.head.contains(.idempotencyKey) && call.operation != .passThrough }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        if call.upload != nil {
            throw GatewayError(
                .invalidRequest,
                "An upload is not kept, so it cannot be known again: send it without an Idempotency-Key.",
                param: "Idempotency-Key"
            )
        }
        guard let keyed = self.instruments.keyed else {
            throw GatewayError(.notImplemented, "This gateway has no store, so it cannot keep an Idempotency-Key.")
        }
        let claim = try Self.claim(call, keyed)
        let start = ResumePlace.events(before: call)
        call.eventsBefore = 0
        for _ in 0..<Self.looksMax {
            do {
                return try await self.look(call, claim, from: start, keyed, reply, next)
            } catch let dissolved as RunningAnswer.Dissolved {
                // Who came first was told this; it holds for all who wait.
                guard let finding = dissolved.finding else { continue }
                return try await Self.answer(finding, from: start, call, keyed, reply)
            }
        }
        throw Self.refusal(.running)
    }

    /// Clients that may take the key before this one and leave at once, until it is told to come again.
    private static let looksMax = 8

    /// Gives what is known of a key without a call.
    private static func answer(
        _ finding: IdempotencyFinding,
        from start: Int,
        _ call: Call,
        _ keyed: KeyedAnswers,
        _ reply: any ReplySink
    ) async throws {
        guard case .answered(let bytes, let requestID) = finding else { throw Self.refusal(finding) }
        try await Self.replay(bytes, of: requestID, from: start, call, keyed, reply)
    }

    /// Follows the first answer where it runs, gives it again where it is over, or is the first.
    ///
    /// - Throws: `RunningAnswer.Dissolved` if the call that was followed turned out not to be the first.
    private func look(
        _ call: Call,
        _ claim: IdempotencyClaim,
        from start: Int,
        _ keyed: KeyedAnswers,
        _ reply: any ReplySink,
        _ next: Next
    ) async throws {
        let limits = call.snapshot.limits
        let tape = AnswerTape(bytesMax: limits.idempotency.answerBytesMax, heldBytesMax: limits.heldBytesMax)
        let answer = RunningAnswer(requestID: call.id.text, fingerprint: claim.fingerprint, tape)
        let running = self.instruments.running
        // Entered before the store is asked: who comes meanwhile finds it here.
        if let first = running.enter(answer, as: .keyed(claim.scope)) {
            guard first.fingerprint == claim.fingerprint else { throw Self.refusal(.mismatch) }
            return try await self.follow(first, from: start, call, keyed, reply)
        }
        let finding: IdempotencyFinding
        do {
            finding = try await keyed.claim(claim, keep: limits.idempotency.keep)
        } catch {
            self.dissolve(answer, claim, error)
            throw error
        }
        guard finding == .claimed else {
            self.dissolve(answer, claim, RunningAnswer.Dissolved(finding: finding))
            return try await Self.answer(finding, from: start, call, keyed, reply)
        }
        if Task.isCancelled {
            // The client left before anything was done for it.
            await keyed.settle(claim, .released)
            self.dissolve(answer, claim, RunningAnswer.Dissolved())
            throw CancellationError()
        }
        try await self.first(call, claim, answer, keyed, reply, next)
    }

    /// Tells those who wait that this call is not the first, or could not be.
    private func dissolve(_ answer: RunningAnswer, _ claim: IdempotencyClaim, _ reason: any Error) {
        self.instruments.running.leave(answer, as: .keyed(claim.scope), held: 0)
        answer.write(wakes: true) { tape in
            tape.fail(reason)
            tape.show()
        }
    }

    // MARK: - The key

    private static func claim(_ call: Call, _ keyed: KeyedAnswers) throws -> IdempotencyClaim {
        guard let principal = call.principal else {
            throw GatewayError(.internalFailure, "The call has no principal.")
        }
        let scope = try IdempotencyScope(of: principal, call.head, call.headBytes)
        let (high, low) = call.chance
        return IdempotencyClaim(
            id: "\(String(high, radix: 16))-\(String(low, radix: 16))",
            scope: scope,
            fingerprint: RequestFingerprint(operation: call.path, body: call.body),
            requestID: call.id.text,
            epoch: keyed.epoch
        )
    }

    private static func refusal(_ finding: IdempotencyFinding) -> GatewayError {
        switch finding {
        case .mismatch:
            GatewayError(
                .idempotencyConflict,
                "This Idempotency-Key was used for another request. Take a new key for each request."
            )
        case .unkept(let requestID):
            Self.final("The request \(requestID) with this Idempotency-Key ran, but its answer was not kept.")
        case .interrupted(let requestID):
            Self.final(
                "The request \(requestID) with this Idempotency-Key was cut off, and may have been charged. "
                    + "It is not run again under this key; take a new one."
            )
        case .claimed, .running, .answered:
            GatewayError(
                .conflict,
                "A request with this Idempotency-Key is under way. Try again shortly.",
                retryAfter: .seconds(1)
            )
        }
    }

    private static func final(_ text: String) -> GatewayError { GatewayError(.conflict, text) }

    // MARK: - Again

    /// Gives the first answer while it is still being made.
    private func follow(
        _ answer: RunningAnswer,
        from start: Int,
        _ call: Call,
        _ keyed: KeyedAnswers,
        _ reply: any ReplySink
    ) async throws {
        keyed.noteReplay()
        Self.sayAgain(call, answer.requestID)
        call.eventsBefore = start
        do {
            try await answer.follow(into: reply, from: start, now: self.instruments.running.monotonicClock)
        } catch let error as RunningAnswer.Dissolved {
            call.extraFields.clear()
            throw error
        }
    }

    private static func sayAgain(_ call: Call, _ requestID: String) {
        call.note(.replayed(of: requestID))
        call.extraFields.writeStaticString("x-turnpike-idempotent-replay: true\r\nidempotent-replayed: true\r\n")
        try? call.extraFields.writeField("x-turnpike-original-request-id", requestID.utf8)
    }

    private static func replay(
        _ bytes: [UInt8],
        of requestID: String,
        from start: Int,
        _ call: Call,
        _ keyed: KeyedAnswers,
        _ reply: any ReplySink
    ) async throws {
        let answer: KeptAnswer
        do {
            answer = try KeptAnswer(encoded: bytes)
        } catch {
            throw Self.final("The answer to \(requestID), the first with this Idempotency-Key, can no longer be read.")
        }
        keyed.noteReplay()
        Self.sayAgain(call, requestID)
        call.extraFields.writeImmutableBuffer(answer.served)
        // The same key brings the same failure, so that trying again with it is no use.
        if answer.failure != nil { call.extraFields.writeField("x-should-retry", "false") }
        call.eventsBefore = start
        try await answer.replay(into: reply, from: start)
    }

    // MARK: - The first time

    private func first(
        _ call: Call,
        _ claim: IdempotencyClaim,
        _ answer: RunningAnswer,
        _ keyed: KeyedAnswers,
        _ reply: any ReplySink,
        _ next: Next
    ) async throws {
        call.idempotencyClaim = claim.id
        let work = Uncancelled.begin { await self.serve(call, claim, answer, keyed, next) }
        answer.run(work)
        do {
            try await answer.follow(into: reply, now: self.instruments.running.monotonicClock)
        } catch {
            // Also when the client has left: the call is recorded when it is over, and a shutdown waits for it.
            _ = await work.result
            throw error
        }
        _ = await work.result
    }

    /// Makes the answer, whatever becomes of the client.
    ///
    /// It is written down as soon as it is whole, while the road still waits for the end of the provider's body. The
    /// client has the end of it only then: whoever has all of it and asks again finds it, here or in the store.
    private func serve(
        _ call: Call,
        _ claim: IdempotencyClaim,
        _ answer: RunningAnswer,
        _ keyed: KeyedAnswers,
        _ next: Next
    ) async {
        var closing: Task<Void, any Error>?
        let isolation = #isolation
        let recorder = AnswerRecorder(answer, of: self.instruments.running) { recorder in
            let (outcome, held) = (Self.kept(call, answer), recorder.held)
            closing = Uncancelled.begin(isolation: isolation) {
                await self.close(answer, claim, outcome, held: held, keyed)
            }
        }
        var failure: (any Error)?
        do {
            try await next(call, recorder)
        } catch {
            failure = error
        }
        if let closing {
            _ = await closing.result
        } else {
            await self.close(answer, claim, self.outcome(of: failure, call, answer), held: recorder.held, keyed)
        }
    }

    /// Writes down how an answer ended, and only then lets its readers have the end.
    private func close(
        _ answer: RunningAnswer,
        _ claim: IdempotencyClaim,
        _ outcome: IdempotencyOutcome,
        held: Int,
        _ keyed: KeyedAnswers
    ) async {
        await keyed.settle(claim, outcome)
        self.instruments.running.leave(answer, as: .keyed(claim.scope), held: held)
        answer.write(wakes: true) { $0.show() }
    }

    /// Ends an answer that broke off, and says what is written down of it.
    @inline(never)
    private func outcome(of failure: (any Error)?, _ call: Call, _ answer: RunningAnswer) -> IdempotencyOutcome {
        guard let failure else {
            let missing = GatewayError(.internalFailure, "The road ended without an answer.")
            answer.write(wakes: false) { $0.fail(missing) }
            return Self.kept(call, answer)
        }
        let isCut = answer.cutReason != nil || call.isHurried || failure is CancellationError
        if isCut {
            let error = (answer.cutReason ?? .shutdown).error
            answer.write(wakes: false) { $0.fail(error) }
            return call.attempts > 0 || call.mayHaveWorked ? .interrupted : .released
        }
        answer.write(wakes: false) { $0.fail(failure) }
        let isComplaint = (failure as? GatewayError)?.code == .providerRefused
        guard call.mayHaveWorked || isComplaint else { return .released }
        // What is kept stays as it is: the client's own tries with this key would only bring it back.
        if call.attempts == 1 { call.extraFields.writeField("x-should-retry", "false") }
        return Self.kept(call, answer)
    }

    private static func kept(_ call: Call, _ answer: RunningAnswer) -> IdempotencyOutcome {
        guard !Self.isNotToBeKept(call), var kept = answer.kept else { return .unkept }
        if case .nothing = kept.content, let provider = call.target?.provider {
            kept.served.writeStaticString("x-turnpike-provider: ")
            kept.served.writeString(provider.name)
            kept.served.writeCRLF()
            kept.served.writeField("x-turnpike-attempts", decimal: call.attempts)
        }
        return kept.encoded().map { .answered($0) } ?? .unkept
    }

    /// Whether the client wants nothing of it stored: `x-turnpike-cache: no-store`.
    private static func isNotToBeKept(_ call: Call) -> Bool {
        guard let field = call.head.first(.turnpikeCache) else { return false }
        return call.headBytes.hasWord("no-store", in: field.value)
    }
}
