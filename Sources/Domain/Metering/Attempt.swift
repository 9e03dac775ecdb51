package import Chat
package import Core

/// Names one attempt at a provider, for ever: the number of this process's life, then the attempt's in it.
///
/// Counts up within one process. The upper 27 of 63 bits are the epoch, which the store gives out once for each start.
package struct AttemptID: Sendable, Hashable, Comparable {
    /// Bits of the attempt's number within its epoch.
    package static let counterBits = 36

    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    package init(epoch: Int64, counter: Int64) { self.value = epoch << Self.counterBits | counter }

    package var epoch: Int64 { self.value >> Self.counterBits }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What is known of an attempt before its first byte goes upstream; written to the journal before that.
package struct AttemptIntent: Sendable, Equatable {
    /// The request's id, as its answer and the log name it; the client's own where it sent one, so it need not be
    /// unique.
    package var requestID: String
    /// The first attempt of the same call; nil if this is it.
    package var firstAttempt: AttemptID?
    /// Counts from 1 within the call.
    package var number: Int
    /// When it began, on the wall clock; decides which windows it counts in.
    package var startedAt: UnixTime
    package var consumer: Consumer
    /// `chat`, `embeddings`.
    package var operation: String
    package var provider: String
    /// The provider's name of the model.
    package var upstreamModel: String
    /// Empty where the provider needs none.
    package var credentialID = ""
    /// Which side of an experiment the call is on; empty outside of any.
    package var variant = ""
    package var isStream: Bool
    /// Tokens that the request is thought to have.
    package var inputEstimate: Int
    /// The most tokens that the answer may have; nil where nothing bounds it.
    package var outputMax: Int?
    /// What the model costs, from here to the end of the attempt (row 79).
    package var rates: Rates
    /// What is set aside in hard budgets; zero where none is concerned.
    package var reserved: MicroDollars
    /// `x-turnpike-metadata` as it came: a JSON object of at most 2 KB; empty if there was none.
    package var metadata = ""
    /// Names the call's hold on an `Idempotency-Key`; empty if it has none.
    package var idempotencyClaim = ""

    package init(
        requestID: String,
        firstAttempt: AttemptID? = nil,
        number: Int = 1,
        startedAt: UnixTime,
        consumer: Consumer,
        operation: String,
        provider: String,
        upstreamModel: String,
        isStream: Bool,
        inputEstimate: Int,
        outputMax: Int? = nil,
        rates: Rates,
        reserved: MicroDollars = .zero
    ) {
        self.requestID = requestID
        self.firstAttempt = firstAttempt
        self.number = number
        self.startedAt = startedAt
        self.consumer = consumer
        self.operation = operation
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.isStream = isStream
        self.inputEstimate = inputEstimate
        self.outputMax = outputMax
        self.rates = rates
        self.reserved = reserved
    }
}

/// How an attempt ended.
package enum AttemptOutcome: UInt8, Sendable, CaseIterable {
    /// The answer is whole.
    case ok = 0
    /// The client left before the end.
    case partialClientGone = 1
    /// The provider, or the connection to it, failed after it had begun to answer.
    case partialUpstream = 2
    /// The provider failed without having said anything.
    case failed = 3
    /// The provider refused the request, or was never reached: nothing can have been used.
    case refused = 4
    /// The gateway died while the attempt ran; recovered from the journal.
    case interrupted = 5
    /// The gateway ended the answer because a budget was used up.
    case cut = 6

    /// The word for it in the ledger and in reports.
    package var name: String {
        switch self {
        case .ok: "ok"
        case .partialClientGone: "partial_client_gone"
        case .partialUpstream: "partial_upstream"
        case .failed: "failed"
        case .refused: "refused"
        case .interrupted: "interrupted"
        case .cut: "cut"
        }
    }

    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// Where the figures of an attempt come from.
package enum UsageSource: UInt8, Sendable, CaseIterable {
    /// There are none: nothing was used.
    case none = 0
    /// The provider's last word.
    case provider = 1
    /// Partly what the provider said before it broke off, partly counted here.
    case providerPartial = 2
    /// Counted and estimated here.
    case estimated = 3

    /// The word for it in the ledger and in reports.
    package var name: String {
        switch self {
        case .none: "none"
        case .provider: "provider"
        case .providerPartial: "provider_partial"
        case .estimated: "estimated"
        }
    }

    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// How an attempt ended and what it used; exactly one for each intent.
package struct AttemptEnd: Sendable, Equatable {
    package var endedAt: UnixTime
    package var outcome: AttemptOutcome
    package var source: UsageSource
    package var usage: TokenUsage
    /// What the provider takes for it.
    package var cost: MicroDollars
    /// What counts against budgets: `cost`, or zero where the caller got nothing for it (A+.3).
    package var charged: MicroDollars
    /// Whether it counts at all: as a request and with its tokens in quotas, with `charged` in budgets.
    ///
    /// At most one attempt of a call does.
    package var isCharged: Bool
    /// The HTTP status the provider answered with; 0 if it did not.
    package var upstreamStatus: Int
    /// Names the failure, in lower case, as bodies and metrics do; empty if there was none.
    package var code: String
    /// Milliseconds from the attempt's beginning to its first content; nil if there was none.
    package var firstContentMilliseconds: Int?

    package init(
        endedAt: UnixTime,
        outcome: AttemptOutcome,
        source: UsageSource,
        usage: TokenUsage = TokenUsage(),
        cost: MicroDollars = .zero,
        charged: MicroDollars = .zero,
        isCharged: Bool = false,
        upstreamStatus: Int = 0,
        code: String = "",
        firstContentMilliseconds: Int? = nil
    ) {
        self.endedAt = endedAt
        self.outcome = outcome
        self.source = source
        self.usage = usage
        self.cost = cost
        self.charged = charged
        self.isCharged = isCharged
        self.upstreamStatus = upstreamStatus
        self.code = code
        self.firstContentMilliseconds = firstContentMilliseconds
    }
}

/// How far an answer had come; written now and then while a long one runs.
package struct AttemptCheckpoint: Sendable, Equatable {
    /// What the provider has said so far, if anything.
    package var usage: TokenUsage
    /// Tokens of the answer as counted here.
    package var outputCounted: Int

    package init(usage: TokenUsage, outputCounted: Int) {
        self.usage = usage
        self.outputCounted = outputCounted
    }
}

/// One attempt from its beginning to its end, as the ledger keeps it.
package struct Attempt: Sendable, Equatable {
    package var id: AttemptID
    package var intent: AttemptIntent
    package var end: AttemptEnd

    package init(id: AttemptID, intent: AttemptIntent, end: AttemptEnd) {
        self.id = id
        self.intent = intent
        self.end = end
    }
}
