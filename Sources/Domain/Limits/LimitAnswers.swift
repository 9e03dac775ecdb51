package import Core
package import NIOCore

/// A call that asks to be let in.
package struct LimitRequest: Sendable {
    package var consumer: Consumer
    /// What it will probably use, input and output together.
    package var tokens: Int
    /// When its own time is over, whatever a rule says.
    package var deadline: NIODeadline

    package init(consumer: Consumer, tokens: Int, deadline: NIODeadline) {
        self.consumer = consumer
        self.tokens = max(0, tokens)
        self.deadline = deadline
    }
}

/// What an admitted call holds of the limits, to be given back with `LimitDesk.release`.
package struct LimitGrant: Sendable, Hashable {
    let slot: Int32
    let generation: UInt32
}

/// A call's place among those that wait.
package struct LimitTicket: Sendable, Hashable {
    let id: UInt64
}

/// What becomes of a call that asks to be let in.
package enum LimitDecision: Sendable {
    /// No rule is about it.
    case free
    case admitted(LimitGrant, LimitStanding)
    /// It has to wait: `LimitDesk.poll`, and `cancel` if it leaves.
    case queued(LimitTicket)
    case refused(LimitRefusal)
}

/// How it stands with a call that waits.
package enum LimitProgress: Sendable {
    /// Look again at that time, or when woken.
    case waiting(until: NIODeadline)
    /// It waited `after`; the ticket is used up.
    case admitted(LimitGrant, LimitStanding, after: TimeAmount)
    /// It waited `after` for nothing; the ticket is used up.
    case refused(LimitRefusal, after: TimeAmount)
}

/// Why a call is not let in.
package struct LimitRefusal: Sendable {
    /// What ran out; a closed set, so it is safe as a metric label.
    package enum Reason: String, Sendable, CaseIterable {
        case requests, tokens, concurrency
        /// Too many wait already.
        case queueFull = "queue_full"
        /// It cannot be its turn before its time is over.
        case deadline
    }

    /// The rule's name in the settings.
    package var rule: String
    package var reason: Reason
    /// What the rule allows: of requests or tokens a minute, calls at a time, or calls in the queue.
    package var limit: Int
    /// What the call would have taken of that.
    package var needed: Int
    /// How long until it would be let in if nobody else came; nil if that can never be.
    package var wait: TimeAmount?
    /// The longest it could have waited here; for `deadline`.
    package var patience: TimeAmount = .zero
    /// How it stands with the limits on requests and tokens.
    package var standing = LimitStanding()
    /// Refusals of this rule since the last that was logged, this one included; 0 if one was logged within a second.
    package var unlogged = 0
}

/// What is left of the tightest limits on a call, for OpenAI's `x-ratelimit-…` fields.
package struct LimitStanding: Sendable, Equatable {
    /// One limit a minute.
    package struct Figures: Sendable, Equatable {
        package var limit: Int32
        package var remaining: Int32
        /// Milliseconds until it is back to the full, rounded up.
        package var resetMilliseconds: Int32

        init(_ bucket: GCRA, now: NIODeadline) {
            self.limit = Int32(clamping: bucket.limit)
            self.remaining = Int32(clamping: bucket.remaining(now: now))
            self.resetMilliseconds = Int32(clamping: (bucket.reset(now: now).nanoseconds + 999_999) / 1_000_000)
        }
    }

    package var requests: Figures?
    package var tokens: Figures?

    package init() {}

    /// Takes the bucket's figures where it has less left than what is known.
    mutating func note(requests bucket: GCRA, now: NIODeadline) {
        self.requests = Self.tighter(Figures(bucket, now: now), self.requests)
    }

    mutating func note(tokens bucket: GCRA, now: NIODeadline) {
        self.tokens = Self.tighter(Figures(bucket, now: now), self.tokens)
    }

    private static func tighter(_ new: Figures, _ old: Figures?) -> Figures {
        guard let old else { return new }
        return (new.remaining, new.limit) < (old.remaining, old.limit) ? new : old
    }
}
