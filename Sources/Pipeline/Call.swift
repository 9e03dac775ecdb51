package import Auth
package import Chat
package import Core
package import Metering
package import NIOCore
package import Providers
package import Transport
package import Wire

/// One call on its way: what is known of it so far.
///
/// Confined to its loop; stages fill it in from the top of the road to
/// the bottom.
package final class Call {
    package let id: RequestID
    /// Random bits of this call, for its trace id and for choices among targets.
    package let chance: (high: UInt64, low: UInt64)
    package let operation: Operation
    /// How the client writes what it asks for.
    package let format: WireFormat
    package let exchange: any ServerExchange
    /// The request's head and its bytes, kept here so that no stage has to copy them out of the exchange.
    package let head: HTTPHead
    package let headBytes: ByteBuffer
    /// The way out of the call's loop, and the number of that loop.
    package let transport: any LoopTransport
    package let loop: Int
    package let snapshot: Snapshot
    /// When the request came in, on the wall clock.
    package let time: UnixTime

    /// A token that has to be verified; only while `Authenticate` waits.
    var token: [UInt8] = []
    /// Who calls.
    ///
    /// Set by `Authenticate`.
    package var principal: Principal?
    /// Who the call is counted for, in limits and budgets; nil before `Authenticate`.
    var consumer: Consumer? {
        self.principal.map { principal in
            Consumer(
                group: principal.group.text,
                user: principal.user?.text ?? "",
                key: principal.keyID,
                agent: self.agentID ?? "",
                model: self.model
            )
        }
    }
    /// The provider keys of the caller's group.
    ///
    /// Set by `Authenticate`.
    package var credentials = CredentialBook.Row.empty

    /// The client's bytes.
    ///
    /// Set by `ReadRequest`.
    package var body = ByteBuffer()
    /// Where the fields that policy reads stand in `body`.
    ///
    /// Set by `ReadRequest`.
    package var index: RequestIndex?
    /// The model the client asked for, or the default one.
    ///
    /// Set by `ReadRequest`.
    package var model = ""
    /// What `x-turnpike-timeout-ms` asks for.
    ///
    /// Set by `ReadRequest`.
    package var timeout: TimeAmount?

    /// The agent that the client asked for; nil for all other models.
    ///
    /// Set by `ApplyAgent`.
    package var agent: CallAgent?
    /// What serves the model.
    ///
    /// Set by `ResolveModel`.
    package var resolution: Resolution?
    /// The target of the attempt under way.
    ///
    /// Set by `ChooseRoute`.
    package var target: CallTarget?
    /// What else may be tried, the best first; all targets of the route that the caller's group can use.
    ///
    /// Set by `ChooseRoute`.
    package var alternatives = TargetQueue()
    /// Further attempts after the first, at most.
    ///
    /// Set by `ChooseRoute`.
    package var retriesMax = 0
    /// The attempt's place at its target, as long as it runs.
    package var seat: TargetSeat?
    /// Which side of an experiment the call is on, or what it is beside the client's own call; empty else.
    package var variant = ""
    /// Attempts begun.
    package var attempts = 0
    /// When the last attempt was begun.
    ///
    /// Set by `GuardProvider`.
    package var attemptBegan: NIODeadline? {
        didSet { self.attemptNumber = self.attempts }
    }
    /// The number that the last attempt was begun with; by the time it ends, `attempts` may count others beside it.
    private(set) var attemptNumber = 0
    /// What the attempt under way holds of its target's breaker.
    ///
    /// Set by `GuardProvider`.
    var permit: HeldPermit?
    /// What was tried in vain; nil where nothing was.
    ///
    /// Set by `TryTargets`.
    var tries: CallTries?
    /// What the call waits for between two attempts.
    ///
    /// Set by `TryTargets`.
    var pause: (any LoopWait)?
    /// Whether a provider may have worked for this call, so that it may have to be paid for.
    ///
    /// Set by `CallProvider`.
    package var mayHaveWorked = false
    /// Names the call's hold on its `Idempotency-Key`; empty if it has none.
    ///
    /// Set by `Idempotency`.
    package var idempotencyClaim = ""
    /// How many events of its answer the client has had before; nil where its events have no numbers.
    ///
    /// Set by `Idempotency`.
    package var eventsBefore: Int?
    /// The earlier response that the request goes on from; its items stand in `body`.
    ///
    /// Set by `KeepResponse`.
    var resumed: JSONString?
    /// All items of a request that goes on, until they are kept with the answer.
    ///
    /// Set by `KeepResponse`.
    var resumedItems: ByteBuffer?
    /// Whether thoughts of a provider stand in the request that only the gateway can bring back to it.
    ///
    /// Set by `KeepResponse`.
    var carriesThoughts = false
    /// What the client's own body lost, once the gateway asks again with bodies of its own; nil before.
    ///
    /// Set by `RunTools`.
    var droppedBefore: [String]?
    /// Complete header lines for the answer, whatever it is.
    package var extraFields = ByteBuffer()

    /// What the call holds of the limits it is under.
    ///
    /// Set by `AdmitWithinLimits`.
    package var limits = CallLimits()

    /// Names the key of the last attempt; empty where none was needed.
    package var credentialID = ""
    /// Where the key stands in the bytes of the request under way, to be wiped after the write.
    ///
    /// Set by `CallProvider`.
    package var keyRange = 0..<0
    /// The key for the attempt under way.
    ///
    /// Set by `UnsealCredential`, and only while the attempt runs.
    package var credential: Credential?
    /// What was changed of the body for the provider of the attempt under way.
    ///
    /// Set by `CallProvider`.
    package var edits: RequestEdits?
    /// The body of a request that is sent on while it comes in; nil for all others.
    ///
    /// Set by `ReadRequest`.
    var upload: CallUpload?
    /// What became of the request in another dialect, and what turns the answer back; nil where both speak the same.
    ///
    /// Set by `CallProvider`.
    var translation: (any Translation)?
    /// The provider's answer while it comes in.
    package var upstream: (any UpstreamExchange)?
    /// What reads the answer under way to its end if the client leaves; nil where nothing does.
    ///
    /// Set by `DrainAnswer`.
    var drain: Drain?

    /// The attempt under way, once it is in the journal and until it is settled.
    ///
    /// Set by `ReserveAndMeter`.
    package var attempt: OpenAttempt?
    /// The attempt's place beside others at the same call; nil where it is the only one.
    ///
    /// Set by `Race`.
    var lane: RaceLane?
    /// The call's first attempt, for the others to name.
    ///
    /// Set by `ReserveAndMeter`.
    package var firstAttempt: AttemptID?
    /// The status that the provider of the attempt under way answered with; 0 before.
    package var upstreamStatus = 0
    /// When the attempt's next checkpoint is due.
    var checkpoints = CheckpointPace()
    /// What the call cost its caller so far.
    package var charged = MicroDollars.zero
    /// What its client is charged for what was sent in its place before; the price that an answer names has it in it.
    package var chargedBefore = MicroDollars.zero
    /// What providers take for its attempts so far, whoever pays for it.
    var spent = MicroDollars.zero
    /// `x-turnpike-metadata` as it came; empty if there was none.
    ///
    /// Set by `ReadRequest`.
    package var metadata = ""

    /// What the request asks the model to read, where somebody measured it.
    package var prompt: PromptMeasure?
    /// Whether the gateway's guesses are compared with the provider's counts in this call; one in 32 is.
    package var isSample: Bool { self.chance.high & 31 == 0 }
    /// What the model has said in the attempt under way.
    var output = OutputCounter()
    /// What the provider of the attempt under way said it used, the last word counting.
    package var usage = TokenUsage()
    /// What the request shows of what is paid for by other units than tokens; nil until somebody looked.
    var units: RequestUnits?
    /// When the first content of a stream came.
    package var firstContent: NIODeadline?
    /// The HTTP status the client was given; 0 before.
    package var status = 0
    /// Why the call failed.
    ///
    /// Set by `RecordCall`.
    package var failure: GatewayError?
    /// Whether the server is going down and the call was told to end.
    package var isHurried = false
    /// What happened on the way that the record does not say; nil where nothing did.
    ///
    /// Written by `note`. A copy of the call shares it.
    package var story: CallStoryPad?

    package init(
        id: RequestID,
        chance: (high: UInt64, low: UInt64),
        operation: Operation,
        format: WireFormat,
        exchange: any ServerExchange,
        head: HTTPHead,
        headBytes: ByteBuffer,
        transport: any LoopTransport,
        loop: Int,
        snapshot: Snapshot,
        time: UnixTime
    ) {
        self.id = id
        self.chance = chance
        self.operation = operation
        self.format = format
        self.exchange = exchange
        self.head = head
        self.headBytes = headBytes
        self.transport = transport
        self.loop = loop
        self.snapshot = snapshot
        self.time = time
    }

    /// The path that was called.
    var path: String {
        switch (self.operation, self.format) {
        case (.chat, .anthropic): "/v1/messages"
        case (.chat, .openAIResponses): "/v1/responses"
        case (.passThrough, _): PassThroughTarget.path(of: self)
        default: "/v1\(self.operation.path)"
        }
    }

    /// The dialect in which the client is told errors.
    package var dialect: Dialect { self.format == .anthropic ? .anthropic : .openAI }

    /// What the target of the attempt under way was not told, and what of its answer the client cannot be told.
    ///
    /// JSON paths of the client's body, and behind them names such as `answer.citations`.
    var dropped: [String] {
        if let droppedBefore { return droppedBefore }
        guard let dropped = self.edits?.dropped else { return [] }
        guard let translation = self.translation else { return dropped }
        return translation.losses.dropped + dropped + translation.answerLosses.names
    }

    /// Whether a request that would lose something is refused.
    ///
    /// The header asks for it with any word but `false` and `0`: whoever would rather have no answer must not get one
    /// over a word that nobody knows.
    var isStrict: Bool {
        // The first round was held to it; what the gateway itself adds is no loss of the client's.
        if self.droppedBefore != nil { return false }
        if self.snapshot.limits.isStrict(self.principal?.group) { return true }
        guard let field = self.head.first(.turnpikeStrict) else { return false }
        return !self.headBytes.hasWord("false", in: field.value) && !self.headBytes.hasWord("0", in: field.value)
    }

    private var releasedBytes = 0

    /// Lets go of the client's bytes once nothing can need them again.
    package func releaseBody() {
        self.releasedBytes = self.body.readableBytes
        self.body = ByteBuffer()
    }

    /// How long the client's body was.
    package var bodyLength: Int { max(self.releasedBytes, self.body.readableBytes) }

    /// Whether the client wants a stream.
    package var isStream: Bool { self.index?.isStream ?? false }

    /// Tells the call to end now because the server goes down.
    package func hurry() {
        self.isHurried = true
        self.upstream?.abandon()
        self.pause?.wake()
    }
}

@available(*, unavailable, message: "confined to its loop")
extension Call: Sendable {}

/// One place that a call can go to.
package struct CallTarget: Sendable {
    package let provider: Provider
    /// What the provider calls the model.
    package let model: String
    /// `model` as JSON where the body must be changed to it; nil where the client's own word is right.
    package let modelJSON: ByteBuffer?
    package let timeouts: Timeouts
    /// Its share among the targets of its route.
    package var weight: Int { Int(self.storedWeight) }
    /// The most calls that may be under way there; nil for no limit.
    package var concurrentMax: Int? { self.storedMax == 0 ? nil : Int(self.storedMax) }
    // Every open stream holds one of these.
    private let storedWeight: Int32
    private let storedMax: Int32
    /// What is known of it; nil where no alias names it.
    package let state: TargetState?

    package init(
        provider: Provider,
        model: String,
        modelJSON: ByteBuffer?,
        timeouts: Timeouts,
        weight: Int = 1,
        concurrentMax: Int? = nil,
        state: TargetState? = nil
    ) {
        self.provider = provider
        self.model = model
        self.modelJSON = modelJSON
        self.timeouts = timeouts
        self.storedWeight = Int32(clamping: weight)
        self.storedMax = Int32(clamping: concurrentMax ?? 0)
        self.state = state
    }
}
