internal import Core
internal import NIOConcurrencyHelpers
internal import Synchronization
internal import Telemetry

/// The last calls, so that somebody can ask afterwards why one went as it did.
///
/// Each loop has rings of its own, so that no two loops share memory; a look goes through all of them. What there is
/// more to say of (failed, tried again, waited) has a ring of its own, so that thousands of calls that went straight
/// do not push it out, and so do calls of nobody, so that strangers push out nothing.
package final class CallBook: Sendable {
    /// Calls kept, where nobody says how many.
    package static let standardKeep = 2000
    /// The most that can be kept of each kind.
    package static let keepMax = 100_000

    /// The oldest gives way to the newest.
    private struct Ring {
        private var calls: ContiguousArray<KeptCall> = []
        private var next = 0

        mutating func add(_ call: KeptCall, limit: Int) {
            if self.calls.count < limit {
                self.calls.append(call)
            } else {
                self.calls[self.next] = call
                self.next = self.next + 1 == self.calls.count ? 0 : self.next + 1
            }
        }

        mutating func cut(to limit: Int) {
            guard self.calls.count > limit else { return }
            self.calls = ContiguousArray((self.calls[self.next...] + self.calls[..<self.next]).suffix(limit))
            self.next = 0
        }

        /// Puts the calls into the order they came in, so that the ring can grow.
        mutating func straighten() {
            guard self.next > 0 else { return }
            self.calls = ContiguousArray(self.calls[self.next...] + self.calls[..<self.next])
            self.next = 0
        }

        func all(where isWanted: (KeptCall) -> Bool) -> [KeptCall] { self.calls.filter(isWanted) }
    }

    private struct Shard {
        var plain = Ring()
        var eventful = Ring()
        var strangers = Ring()
    }

    private let shards: [NIOLockedValueBox<Shard>]
    private let keep: Synchronization.Atomic<Int>

    /// - Parameters:
    ///   - loops: Event loops that calls end on.
    ///   - keep: How many calls of each kind are kept, over all loops; 0 keeps none. Held within 0 and `keepMax`.
    package init(loops: Int, keep: Int = CallBook.standardKeep) {
        precondition(loops > 0, "there is at least one loop, not \(loops)")
        self.shards = (0..<loops).map { _ in NIOLockedValueBox(Shard()) }
        self.keep = Synchronization.Atomic(Self.bounded(keep))
    }

    private static func bounded(_ keep: Int) -> Int { min(max(keep, 0), Self.keepMax) }

    /// How many calls of each kind are kept, over all loops.
    package var keptMax: Int { self.keep.load(ordering: .relaxed) }

    /// Whether anything is kept at all.
    package var isKeeping: Bool { self.keptMax > 0 }

    /// Changes how many are kept; what is too much goes at once, the oldest first.
    package func use(keep: Int) {
        let keep = Self.bounded(keep)
        self.keep.store(keep, ordering: .relaxed)
        let limit = self.limit(keep)
        for shard in self.shards {
            shard.withLockedValue { shard in
                for ring in [\Shard.plain, \Shard.eventful, \Shard.strangers] {
                    shard[keyPath: ring].straighten()
                    shard[keyPath: ring].cut(to: ring == \Shard.strangers ? Self.strangers(limit) : limit)
                }
            }
        }
    }

    /// A loop's share, rounded up so that together they keep at least what was asked for.
    private func limit(_ keep: Int) -> Int { (keep + self.shards.count - 1) / self.shards.count }

    private static func strangers(_ limit: Int) -> Int { (limit + 15) / 16 }

    /// Keeps a call that is over.
    package func add(_ call: KeptCall, loop: Int) {
        let limit = self.limit(self.keptMax)
        guard limit > 0 else { return }
        self.shards[loop].withLockedValue { shard in
            if call.record.keyID.isEmpty {
                shard.strangers.add(call, limit: Self.strangers(limit))
            } else if call.isEventful {
                shard.eventful.add(call, limit: limit)
            } else {
                shard.plain.add(call, limit: limit)
            }
        }
    }

    /// The calls with an id that reads like this, the newest first: clients choose ids, so there may be several.
    ///
    /// Looks at every call that is kept, which takes some tens of microseconds.
    package func calls(withID text: String) -> [KeptCall] {
        let ids = RequestID.written(text)
        return ids.isEmpty ? [] : self.calls(where: { ids.contains($0.record.id) })
    }

    /// The newest calls that are wanted, the newest first.
    package func newest(_ count: Int, where isWanted: (KeptCall) -> Bool) -> [KeptCall] {
        Array(self.calls(where: isWanted).prefix(max(0, count)))
    }

    private func calls(where isWanted: (KeptCall) -> Bool) -> [KeptCall] {
        self.shards.flatMap { shard in
            shard.withLockedValue { shard in
                shard.plain.all(where: isWanted) + shard.eventful.all(where: isWanted)
                    + shard.strangers.all(where: isWanted)
            }
        }.sorted { $0.ended > $1.ended }
    }
}

extension KeptCall {
    /// When it ended, by the wall clock at its arrival and the clock that measured it.
    fileprivate var ended: Int64 {
        self.record.time.milliseconds.addingReportingOverflow(self.record.total.milliseconds).partialValue
    }
}
