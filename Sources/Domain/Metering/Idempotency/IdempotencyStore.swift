package import Core
package import Database
internal import NIOCore

/// One call's hold on a key: nobody else may run the request until it is finished or let go.
package struct IdempotencyClaim: Sendable, Hashable {
    /// Names this hold, also in the journal's intents.
    package let id: String
    package let scope: IdempotencyScope
    package let fingerprint: RequestFingerprint
    /// The id of the request that took it.
    package let requestID: String
    /// The life of the process that took it.
    package let epoch: Int64

    package init(
        id: String,
        scope: IdempotencyScope,
        fingerprint: RequestFingerprint,
        requestID: String,
        epoch: Int64
    ) {
        self.id = id
        self.scope = scope
        self.fingerprint = fingerprint
        self.requestID = requestID
        self.epoch = epoch
    }
}

/// What came of asking for a key.
package enum IdempotencyFinding: Sendable, Equatable {
    /// It is the caller's now. Next: `finish` or `release`.
    case claimed
    /// Another call with it is under way.
    case running
    /// It was used for another request.
    case mismatch
    /// The first call is over; this was its answer.
    case answered([UInt8], requestID: String)
    /// The first call is over, and its answer was too large to keep or was not to be kept.
    case unkept(requestID: String)
    /// The first call was cut off, and may have been charged.
    case interrupted(requestID: String)
}

/// How a call with a key ended.
package enum IdempotencyOutcome: Sendable, Equatable {
    /// With this answer, which is given to everybody who asks again.
    case answered([UInt8])
    /// With an answer that is not kept.
    case unkept
    /// It was cut off, and may have been charged.
    case interrupted
    /// Nothing was done for it: whoever asks again begins anew.
    case released
}

/// The keys that clients gave their requests, in a transaction of the caller (row 77).
package struct IdempotencyStore: Sendable {
    /// Rows that one statement deletes, so that a writer never waits for long.
    package static let batch = 500

    package init() {}

    // MARK: - One call

    /// Takes a key for a call, or says what has become of it.
    ///
    /// The primary key decides who wins. Once the transaction is committed the claim is on the disk.
    ///
    /// - Parameter expiry: When the key may be forgotten.
    package func claim(
        _ claim: IdempotencyClaim,
        now: UnixTime,
        expiry: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> IdempotencyFinding {
        if try self.insert(claim, now: now, expiry: expiry, in: session) { return .claimed }
        let row = try session.first(
            "SELECT digest, state, request_id, expires_at, answer FROM idempotency WHERE \(Self.place(claim.scope))"
        )
        guard let row else { return .running }
        let state = try row.text("state")
        if state != "running", try row.time("expires_at") <= now {
            try session.execute("DELETE FROM idempotency WHERE \(Self.place(claim.scope))")
            return try self.insert(claim, now: now, expiry: expiry, in: session) ? .claimed : .running
        }
        guard try row.blob("digest") == claim.fingerprint.bytes else { return .mismatch }
        let requestID = try row.text("request_id")
        switch state {
        case "running": return .running
        case "answered": return .answered(try row.blob("answer"), requestID: requestID)
        case "unkept": return .unkept(requestID: requestID)
        default: return .interrupted(requestID: requestID)
        }
    }

    private func insert(
        _ claim: IdempotencyClaim,
        now: UnixTime,
        expiry: UnixTime,
        in session: any SQLSession
    ) throws(DatabaseError) -> Bool {
        let inserted = try session.execute(
            """
            INSERT INTO idempotency
                (group_id, holder, key, claim, digest, request_id, epoch, state, created_at, expires_at, bytes)
            VALUES (\(claim.scope.group), \(claim.scope.holder), \(claim.scope.key.text), \(claim.id),
                \(claim.fingerprint.bytes), \(claim.requestID), \(claim.epoch), 'running', \(now), \(expiry), 0)
            ON CONFLICT DO NOTHING
            """
        )
        return inserted > 0
    }

    /// Writes down how a call ended.
    ///
    /// Safe to repeat. Nothing happens if the claim is not there any more: its group may have been deleted.
    package func finish(
        _ claim: IdempotencyClaim,
        _ outcome: IdempotencyOutcome,
        in session: any SQLSession
    ) throws(DatabaseError) {
        let running: SQL = "\(Self.place(claim.scope)) AND claim = \(claim.id) AND state = 'running'"
        switch outcome {
        case .answered(let answer):
            try session.execute(
                """
                UPDATE idempotency SET state = 'answered', answer = \(answer), bytes = \(answer.count) WHERE \(running)
                """
            )
        case .unkept: try session.execute("UPDATE idempotency SET state = 'unkept' WHERE \(running)")
        case .interrupted: try session.execute("UPDATE idempotency SET state = 'interrupted' WHERE \(running)")
        case .released: try session.execute("DELETE FROM idempotency WHERE \(running)")
        }
    }

    private static func place(_ scope: IdempotencyScope) -> SQL {
        "group_id = \(scope.group) AND holder = \(scope.holder) AND key = \(scope.key.text)"
    }
}

// MARK: - After a crash

extension IdempotencyStore {
    /// What was found of calls that died with their process.
    package struct Recovery: Sendable, Equatable {
        /// Keys whose call may have been charged: nobody may run it again.
        package var interrupted = 0
        /// Keys whose call had not begun: whoever asks again begins anew.
        package var released = 0

        package init(interrupted: Int = 0, released: Int = 0) {
            self.interrupted = interrupted
            self.released = released
        }
    }

    /// Decides about the keys of processes that are no more.
    ///
    /// A call is taken to have begun if the journal or the ledger knows an attempt of it. Safe to repeat.
    ///
    /// - Parameters:
    ///   - deadEpochs: The lives that ended without closing; those of running processes must not be among them.
    ///   - hadAttempt: Whether the journal has an intent with this claim.
    @discardableResult
    package func recover(
        deadEpochs: [Int64],
        hadAttempt: (String) -> Bool,
        in session: any SQLSession
    ) throws(DatabaseError) -> Recovery {
        var recovery = Recovery()
        for epoch in Set(deadEpochs).union(try self.closedEpochs(in: session)).sorted() {
            let rows = try session.rows(
                "SELECT claim, request_id, created_at FROM idempotency WHERE state = 'running' AND epoch = \(epoch)"
            )
            var undecided: [String: String] = [:]
            var since = UnixTime(milliseconds: .max)
            for row in rows {
                let claim = try row.text("claim")
                if hadAttempt(claim) {
                    recovery.interrupted += try self.mark(claim, epoch, in: session)
                } else {
                    undecided[claim] = try row.text("request_id")
                    since = min(since, try row.time("created_at"))
                }
            }
            guard !undecided.isEmpty else { continue }
            let attempted = try self.requests(of: epoch, since: since, among: Set(undecided.values), in: session)
            for (claim, requestID) in undecided {
                if attempted.contains(requestID) {
                    recovery.interrupted += try self.mark(claim, epoch, in: session)
                } else {
                    recovery.released += try session.execute(
                        "DELETE FROM idempotency WHERE state = 'running' AND epoch = \(epoch) AND claim = \(claim)"
                    )
                }
            }
        }
        return recovery
    }

    /// Lives that were closed in order and left keys behind, because the store did not take what became of them.
    private func closedEpochs(in session: any SQLSession) throws(DatabaseError) -> [Int64] {
        try session.map(
            """
            SELECT DISTINCT i.epoch AS epoch FROM idempotency i JOIN meter_epochs m ON m.epoch = i.epoch
            WHERE i.state = 'running' AND m.closed_at IS NOT NULL
            """
        ) { row throws(DatabaseError) in try row.integer("epoch") }
    }

    private func mark(_ claim: String, _ epoch: Int64, in session: any SQLSession) throws(DatabaseError) -> Int {
        try session.execute(
            """
            UPDATE idempotency SET state = 'interrupted'
            WHERE state = 'running' AND epoch = \(epoch) AND claim = \(claim)
            """
        )
    }

    /// Those of `wanted` that the ledger has an attempt of.
    ///
    /// An attempt that ended and went into the ledger before the answer was kept may stand in no journal any more. The
    /// walk goes back from the last attempt of that life to well before the first claim, so it is short.
    private func requests(
        of epoch: Int64,
        since: UnixTime,
        among wanted: Set<String>,
        in session: any SQLSession
    ) throws(DatabaseError) -> Set<String> {
        let clockErrorMax: Int64 = 3_600_000
        let (earliest, isBeyond) = since.milliseconds.subtractingReportingOverflow(clockErrorMax)
        var found: Set<String> = []
        let first = AttemptID(epoch: epoch, counter: 0).value
        var next = AttemptID(epoch: epoch + 1, counter: 0).value
        while found.count < wanted.count {
            let rows = try session.rows(
                """
                SELECT attempt_id, request_id, started_at FROM ledger
                WHERE attempt_id >= \(first) AND attempt_id < \(next) ORDER BY attempt_id DESC LIMIT \(Self.batch)
                """
            )
            for row in rows {
                let requestID = try row.text("request_id")
                if wanted.contains(requestID) { found.insert(requestID) }
                next = try row.integer("attempt_id")
                if !isBeyond, try row.integer("started_at") < earliest { return found }
            }
            if rows.count < Self.batch { return found }
        }
        return found
    }
}

// MARK: - Forgetting

extension IdempotencyStore {
    /// How much is kept.
    package struct Size: Sendable, Equatable {
        package var keys: Int
        /// Of answers.
        package var bytes: Int

        package init(keys: Int, bytes: Int) {
            self.keys = keys
            self.bytes = bytes
        }
    }

    package func size(in session: any SQLSession) throws(DatabaseError) -> Size {
        let row = try session.first("SELECT COUNT(*) AS keys, COALESCE(SUM(bytes), 0) AS total FROM idempotency")
        return Size(
            keys: Int(clamping: try row?.integer("keys") ?? 0),
            bytes: Int(clamping: try row?.integer("total") ?? 0)
        )
    }

    /// Forgets keys whose time is over; a running call's key is never forgotten.
    ///
    /// - Returns: How many; `batch` if there may be more.
    package func expire(now: UnixTime, in session: any SQLSession) throws(DatabaseError) -> Int {
        try session.execute(
            """
            DELETE FROM idempotency WHERE (group_id, holder, key) IN (
                SELECT group_id, holder, key FROM idempotency
                WHERE expires_at <= \(now) AND state <> 'running' ORDER BY expires_at LIMIT \(Self.batch)
            )
            """
        )
    }

    /// Forgets keys before their time, the ones that would end first, until there is room.
    ///
    /// - Returns: Whether there may be more to forget.
    package func trim(_ limits: IdempotencyLimits, in session: any SQLSession) throws(DatabaseError) -> Bool {
        let size = try self.size(in: session)
        var (keys, bytes) = (size.keys, size.bytes)
        guard keys > limits.keysMax || bytes > limits.bytesMax else { return false }
        let rows = try session.rows(
            """
            SELECT claim, group_id, holder, key, bytes FROM idempotency
            WHERE state <> 'running' ORDER BY expires_at LIMIT \(Self.batch)
            """
        )
        for row in rows {
            guard keys > limits.keysMax || bytes > limits.bytesMax else { return false }
            try session.execute(
                """
                DELETE FROM idempotency WHERE group_id = \(try row.text("group_id"))
                    AND holder = \(try row.text("holder")) AND key = \(try row.text("key"))
                    AND claim = \(try row.text("claim"))
                """
            )
            keys -= 1
            bytes -= Int(clamping: try row.integer("bytes"))
        }
        return rows.count == Self.batch
    }
}
