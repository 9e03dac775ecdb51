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
/// leaves, so that the retry finds the whole answer.
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
        guard let answers = self.instruments.answers else {
            throw GatewayError(.notImplemented, "This gateway has no store, so it cannot keep an Idempotency-Key.")
        }
        let claim = try Self.claim(call, answers)
        let finding = try await answers.claim(claim, keep: call.snapshot.limits.idempotency.keep)
        switch finding {
        case .claimed:
            if Task.isCancelled {
                // The client left before anything was done for it.
                await answers.settle(claim, .released)
                throw CancellationError()
            }
            try await self.first(call, claim, answers, reply, next)
        case .answered(let bytes, let requestID):
            try await Self.replay(bytes, of: requestID, call, answers, reply)
        case .running, .mismatch, .unkept, .interrupted:
            throw Self.refusal(finding)
        }
    }

    // MARK: - The key

    private static func claim(_ call: Call, _ answers: RunningAnswers) throws -> IdempotencyClaim {
        guard let principal = call.principal else {
            throw GatewayError(.internalFailure, "The call has no principal.")
        }
        let holder = principal.user.map { "\(principal.keyID) \($0.text)" } ?? principal.keyID
        let scope = IdempotencyScope(group: principal.group, holder: holder, key: try Self.key(call))
        let (high, low) = call.chance
        return IdempotencyClaim(
            id: "\(String(high, radix: 16))-\(String(low, radix: 16))",
            scope: scope,
            fingerprint: RequestFingerprint(operation: call.path, body: call.body),
            requestID: call.id.text,
            epoch: answers.epoch
        )
    }

    private static func key(_ call: Call) throws(GatewayError) -> IdempotencyKey {
        var values: [IdempotencyKey?] = []
        call.headBytes.withUnsafeReadableBytes { bytes in
            for field in call.head.fields where field.name == .idempotencyKey {
                values.append(IdempotencyKey(bytes[field.value]))
            }
        }
        if values.count == 1, let key = values[0] { return key }
        var error = GatewayError(.invalidRequest, "Idempotency-Key must be there once.", param: "Idempotency-Key")
        let expected = "1 to \(IdempotencyKey.lengthMax) visible ASCII characters"
        if values.count == 1 {
            error = GatewayError(.invalidRequest, "Idempotency-Key must be \(expected).", param: "Idempotency-Key")
        }
        error.details = [(key: "field", value: "Idempotency-Key"), (key: "expected", value: expected)]
        throw error
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

    private static func replay(
        _ bytes: [UInt8],
        of requestID: String,
        _ call: Call,
        _ answers: RunningAnswers,
        _ reply: any ReplySink
    ) async throws {
        let answer: KeptAnswer
        do {
            answer = try KeptAnswer(encoded: bytes)
        } catch {
            throw Self.final("The answer to \(requestID), the first with this Idempotency-Key, can no longer be read.")
        }
        answers.noteReplay()
        call.note(.replayed(of: requestID))
        call.extraFields.writeStaticString("x-turnpike-idempotent-replay: true\r\nidempotent-replayed: true\r\n")
        try? call.extraFields.writeField("x-turnpike-original-request-id", requestID.utf8)
        call.extraFields.writeImmutableBuffer(answer.served)
        // The same key brings the same failure, so that trying again with it is no use.
        if answer.failure != nil { call.extraFields.writeField("x-should-retry", "false") }
        try await answer.replay(into: reply)
    }

    // MARK: - The first time

    private func first(
        _ call: Call,
        _ claim: IdempotencyClaim,
        _ answers: RunningAnswers,
        _ reply: any ReplySink,
        _ next: Next
    ) async throws {
        let limits = call.snapshot.limits
        let tape = AnswerTape(bytesMax: limits.idempotency.answerBytesMax, heldBytesMax: limits.heldBytesMax)
        let answer = RunningAnswer(claim, tape)
        call.idempotencyClaim = claim.id
        answers.enter(answer)
        let work = Uncancelled.begin { await self.serve(call, answer, answers, next) }
        answer.run(work)
        do {
            try await answer.follow(into: reply, now: answers.monotonicClock)
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
    /// client has the end of it only then: a retry finds the answer, never a call under way.
    private func serve(_ call: Call, _ answer: RunningAnswer, _ answers: RunningAnswers, _ next: Next) async {
        var closing: Task<Void, any Error>?
        let isolation = #isolation
        let recorder = AnswerRecorder(answer, of: answers) { recorder in
            let (outcome, held) = (Self.kept(call, answer), recorder.held)
            closing = Uncancelled.begin(isolation: isolation) { await answers.close(answer, outcome, held: held) }
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
            await answers.close(answer, self.outcome(of: failure, call, answer), held: recorder.held)
        }
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
            let ending = GatewayError(.shuttingDown, "The gateway is shutting down.", retryAfter: .seconds(1))
            answer.write(wakes: false) { $0.fail(ending) }
            return call.attempts > 0 ? .interrupted : .released
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
