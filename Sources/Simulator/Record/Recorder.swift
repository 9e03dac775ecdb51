import NIOConcurrencyHelpers
import NIOCore

/// One call as it happens.
///
/// Any thread may read it; only its connection's event loop writes it.
final class CallRecord: Sendable {
    private let call: NIOLockedValueBox<RecordedCall>

    init(_ call: RecordedCall) {
        self.call = NIOLockedValueBox(call)
    }

    var snapshot: RecordedCall { self.call.withLockedValue { $0 } }

    func update(_ change: (inout RecordedCall) -> Void) {
        self.call.withLockedValue { change(&$0) }
    }

    /// Ends the call, unless it has ended already: the first reason is the true one.
    ///
    /// - Returns: The finished call if this ended it.
    func end(_ ending: RecordedCall.Ending, now: NIODeadline) -> RecordedCall? {
        self.call.withLockedValue { call in
            guard call.ending == .running else { return nil }
            call.ending = ending
            call.finishedNanoseconds = now.uptimeNanoseconds
            if ending != .completed { call.cutNanoseconds = now.uptimeNanoseconds }
            return call
        }
    }
}

/// Sums over all calls since the start, which clearing the record does not touch.
struct CallTotals: Sendable, Equatable {
    /// Calls that were begun.
    var calls = 0
    /// Of those, the calls that have not ended.
    var running = 0
    /// Of those, the calls that were answered whole, with a status of success.
    var answered = 0
    /// The true tokens of those that were answered.
    var promptTokens = 0
    var completionTokens = 0
    /// Tokens handed to sockets, by all calls that have ended.
    var tokensWritten = 0
}

/// Keeps the latest calls, and counts calls and connections.
final class Recorder: Sendable {
    private struct State {
        var totals = CallTotals()
        var calls = CircularBuffer<CallRecord>()
        var nextSequence = 1
        var dropped = 0
        /// Bytes of bodies held by `calls[bodiesDropped...]`.
        var bodyBytes = 0
        var bodiesDropped = 0
        var acceptedConnections = 0
        var openConnections = 0
    }

    /// The most bytes of request bodies that are kept, over all calls.
    ///
    /// The oldest are dropped first.
    static let bodyBytesLimit = 64 << 20

    private let limit: Int
    private let state = NIOLockedValueBox(State())

    init(limit: Int) {
        precondition(limit >= 0, "limit must not be negative, is \(limit)")
        self.limit = limit
    }

    /// Begins the record of a call and numbers it.
    func begin(_ call: RecordedCall) -> (record: CallRecord, sequence: Int) {
        self.state.withLockedValue { state in
            var numbered = call
            numbered.sequence = state.nextSequence
            state.nextSequence += 1
            state.totals.calls += 1
            state.totals.running += 1
            let record = CallRecord(numbered)
            guard self.limit > 0 else {
                state.dropped += 1
                return (record, numbered.sequence)
            }
            if state.calls.count == self.limit {
                let oldest = state.calls.removeFirst()
                state.dropped += 1
                if state.bodiesDropped > 0 {
                    state.bodiesDropped -= 1
                } else {
                    state.bodyBytes -= oldest.snapshot.body?.count ?? 0
                }
            }
            state.calls.append(record)
            return (record, numbered.sequence)
        }
    }

    /// Adds a call that has ended to the totals.
    func noteEnd(of call: RecordedCall) {
        self.state.withLockedValue { state in
            state.totals.running -= 1
            state.totals.tokensWritten += call.tokensWritten
            guard call.ending == .completed, (200..<300).contains(call.status) else { return }
            state.totals.answered += 1
            state.totals.promptTokens += call.promptTokens
            state.totals.completionTokens += call.completionTokens
        }
    }

    /// What all calls since the start come to.
    var totals: CallTotals { self.state.withLockedValue { $0.totals } }

    /// Adds the request body to a call, and drops the oldest bodies if all of them together grow too large.
    func setBody(_ body: [UInt8], size: Int, of record: CallRecord) {
        self.state.withLockedValue { state in
            // Calls are numbered without gaps, so the number tells whether the call is still kept, and where.
            var place = 0
            record.update {
                // One that has no number is not kept at all.
                place = $0.sequence == 0 ? -1 : $0.sequence - (state.nextSequence - state.calls.count)
                $0.body = place >= state.bodiesDropped ? body : nil
                $0.bodyBytes = size
            }
            guard place >= state.bodiesDropped, place < state.calls.count else { return }
            state.bodyBytes += body.count
            while state.bodyBytes > Self.bodyBytesLimit, state.bodiesDropped < state.calls.count {
                let index = state.calls.index(state.calls.startIndex, offsetBy: state.bodiesDropped)
                state.calls[index].update { call in
                    state.bodyBytes -= call.body?.count ?? 0
                    call.body = nil
                }
                state.bodiesDropped += 1
            }
        }
    }

    var calls: [RecordedCall] {
        self.state.withLockedValue { Array($0.calls) }.map(\.snapshot)
    }

    /// How many calls were left out of the record because it was full.
    var dropped: Int { self.state.withLockedValue { $0.dropped } }

    /// How many connections were accepted since the start, and how many are open.
    var connections: (accepted: Int, open: Int) {
        self.state.withLockedValue { ($0.acceptedConnections, $0.openConnections) }
    }

    /// Forgets all calls, running ones too; the totals stay.
    func clear() {
        self.state.withLockedValue { state in
            state.calls.removeAll()
            state.dropped = 0
            state.bodyBytes = 0
            state.bodiesDropped = 0
        }
    }

    /// Counts a connection that was accepted, and returns its number.
    func connectionOpened() -> Int {
        self.state.withLockedValue { state in
            state.acceptedConnections += 1
            state.openConnections += 1
            return state.acceptedConnections
        }
    }

    func connectionClosed() {
        self.state.withLockedValue { $0.openConnections -= 1 }
    }
}
