internal import Auth
internal import Chat
internal import Core
internal import Metering
internal import NIOCore
internal import Providers
internal import Resilience
internal import Telemetry
internal import Wire

/// Sends a copy of some calls to a second target, whose answer no client ever sees, and keeps both for comparison.
///
/// The copy goes out when the client's own answer has content: it never competes with that, and an outage is not
/// doubled by it. Nobody is charged for it; the ledger has it with the variant `shadow`.
struct CopyToShadow: Detour {
    let instruments: Instruments

    func concerns(_ call: Call) -> Bool {
        guard case .route(let route) = call.resolution, let shadow = route.shadow else { return false }
        guard self.instruments.shadows != nil, call.index?.isStored == false, !call.operation.isApart else {
            return false
        }
        // Of other bits than those that choose targets and samples.
        let draw = Rendezvous.mix(call.chance.high ^ 0x5AD0_50CA_11ED_C0DE).multipliedFullWidth(by: 100).high
        return draw < UInt64(clamping: shadow.entry.percent)
    }

    func run(_ call: Call, reply: any ReplySink, next: Next) async throws {
        guard let book = self.instruments.shadows, case .route(let route) = call.resolution,
            let shadow = route.shadow, self.mayCopy(call, shadow)
        else { return try await next(call, reply) }
        let pair = ShadowPair(call, route, book, begin: self.instruments.monotonicClock())
        // Kept here, since the call lets go of it when its answer begins.
        let body = call.body
        let isolation = #isolation
        let tap = AnswerTap(reply) { self.start(shadow, beside: call, body, pair, next, on: isolation) }
        do {
            try await next(call, tap)
        } catch {
            pair.dismiss()
            throw error
        }
        pair.take(client: self.side(of: call, tap, from: pair.begin))
    }

    /// Whether the call can be copied at all.
    private func mayCopy(_ call: Call, _ shadow: Shadow) -> Bool {
        let reason: StaticReason
        if call.body.readableBytes > ShadowBook.bodyBytesMax {
            reason = "the request is too large"
        } else if !call.credentials.canUse(shadow.target.provider) {
            reason = "this group has no active credential for it"
        } else if let field = call.head.first(.turnpikeCache), call.headBytes.hasWord("no-store", in: field.value) {
            reason = "the client wants nothing of it stored"
        } else if shadow.entry.dailyBudget != nil,
            !call.snapshot.facts(of: shadow.target.model, at: shadow.target.provider).rates.isPriced
        {
            reason = "nobody knows what it costs, and it has a budget"
        } else {
            return true
        }
        call.note(.shadowWithheld(reason))
        return false
    }

    // MARK: - The copy

    @inline(never)
    private func start(
        _ shadow: Shadow,
        beside call: Call,
        _ body: ByteBuffer,
        _ pair: ShadowPair,
        _ next: Next,
        on isolation: (any Actor)?
    ) {
        let number: Int
        switch pair.book.admit(pair.alias, shadow.entry) {
        case .success(let found):
            number = found
        case .failure(let refusal):
            call.note(.shadowWithheld(refusal.words))
            return pair.dismiss()
        }
        let target = shadow.target
        call.note(.shadowed(TargetName(provider: target.provider.name, model: target.model)))
        let begin = self.instruments.monotonicClock()
        let copy = call.copy(arrival: begin)
        copy.body = body
        // Not by way of the alias: neither a second attempt nor a shadow of its own.
        copy.resolution = .direct(target.provider, model: target.model, isRenamed: true)
        copy.target = CallTarget(
            provider: target.provider,
            model: target.model,
            modelJSON: target.modelJSON,
            timeouts: target.provider.timeouts
        )
        copy.alternatives = TargetQueue()
        copy.retriesMax = 0
        copy.variant = AttemptIntent.shadowVariant
        copy.idempotencyClaim = ""
        copy.story = nil
        // Ended by its book, at the latest when its time is over.
        let work = Uncancelled.begin(isolation: isolation) { await self.serve(copy, number, pair, from: begin, next) }
        pair.book.run(number, work)
    }

    private func serve(_ copy: Call, _ number: Int, _ pair: ShadowPair, from begin: NIODeadline, _ next: Next) async {
        let tap = AnswerTap(nil)
        do {
            try await next(copy, tap)
        } catch {
            copy.failure = error as? GatewayError ?? GatewayError(.clientGone, "It was ended.")
        }
        pair.book.leave(number, pair.alias, cost: copy.spent)
        // What the gateway ended itself says nothing about the target.
        if copy.failure?.code == .clientGone || copy.failure?.code == .shuttingDown { return pair.dismiss() }
        pair.take(shadow: self.side(of: copy, tap, from: begin))
    }

    @inline(never)
    private func side(of call: Call, _ tap: AnswerTap, from begin: NIODeadline) -> ShadowAnswer.Side {
        func milliseconds(_ time: NIODeadline) -> Int { Int(clamping: (time - begin).nanoseconds / 1_000_000) }
        var side = ShadowAnswer.Side(provider: call.target?.provider.name ?? "", model: call.target?.model ?? "")
        side.code = call.failure?.code.rawValue.lowercased() ?? ""
        side.status = call.upstreamStatus
        side.firstContentMilliseconds = call.firstContent.map(milliseconds)
        side.totalMilliseconds = milliseconds(self.instruments.monotonicClock())
        side.inputTokens = call.usage.input
        side.outputTokens = call.usage.output
        side.cost = call.spent
        side.finish = tap.spoken.finish
        side.isCut = tap.spoken.isCut
        side.text = tap.spoken.text
        return side
    }
}

/// The two answers of a call that is compared, until both are there.
///
/// Confined to the call's loop.
final class ShadowPair {
    let book: ShadowBook
    let alias: String
    let begin: NIODeadline
    private let keep: Int
    private let group: GroupID?
    private let call: (id: String, requestID: String, time: UnixTime, operation: String, isStream: Bool)
    private var client: ShadowAnswer.Side?
    private var shadow: ShadowAnswer.Side?
    private var isDismissed = false

    init(_ call: Call, _ route: Route, _ book: ShadowBook, begin: NIODeadline) {
        self.book = book
        self.alias = route.name
        self.begin = begin
        self.keep = route.shadow?.entry.keep ?? 0
        self.group = call.principal?.group
        let (high, low) = call.chance
        let id = "sha_" + Self.hex(high) + Self.hex(low)
        self.call = (id, call.id.text, call.time, "\(call.operation.label)", call.isStream)
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    func take(client: ShadowAnswer.Side) {
        self.client = client
        self.compare()
    }

    func take(shadow: ShadowAnswer.Side) {
        self.shadow = shadow
        self.compare()
    }

    /// One of the two will never be there.
    func dismiss() { self.isDismissed = true }

    private func compare() {
        guard !self.isDismissed, let client = self.client, let shadow = self.shadow, let group = self.group else {
            return
        }
        self.isDismissed = true
        self.book.keep(
            ShadowAnswer(
                id: self.call.id,
                group: group,
                alias: self.alias,
                requestID: self.call.requestID,
                createdAt: self.call.time,
                operation: self.call.operation,
                isStream: self.call.isStream,
                client: client,
                shadow: shadow
            ),
            atMost: self.keep
        )
    }
}

@available(*, unavailable, message: "confined to its loop")
extension ShadowPair: Sendable {}
