package import Core
import NIOConcurrencyHelpers
import NIOCore
import Synchronization
import Transport

/// What happened to upstream connections since the start, of all loops together; for metrics.
package final class UpstreamCounters: Sendable {
    private let loops = NIOLockedValueBox<[UpstreamFigures]>([])

    package init() {}

    /// Connections made.
    package var dials: Int { self.sum(\.dials) }
    /// Connections that could not be made.
    package var dialFailures: Int { self.sum(\.dialFailures) }
    /// Time spent on making those that were made, names and TLS included, in nanoseconds.
    package var dialNanoseconds: Int { self.sum(\.dialNanoseconds) }
    /// Calls that went out on an idle connection.
    package var reuses: Int { self.sum(\.reuses) }
    /// Calls whose idle connection turned out to be dead, so that a new one took them.
    package var replaced: Int { self.sum(\.replaced) }
    /// Connections open now, idle ones included.
    package var open: Int { self.sum(\.open) }
    /// Connections that wait for a call now.
    package var idle: Int { self.sum(\.idle) }
    /// Connections that ended for this reason.
    package func ended(_ reason: UpstreamEnd) -> Int { self.sum(\.ends[reason.index]) }
    /// Waits for an upstream that this clock ended.
    package func timeouts(_ clock: ClockName) -> Int { self.sum(\.timeouts[clock.index]) }

    /// The figures of one more loop.
    func makeFigures() -> UpstreamFigures {
        let figures = UpstreamFigures()
        self.loops.withLockedValue { $0.append(figures) }
        return figures
    }

    private func sum(_ figure: (UpstreamFigures) -> Counter) -> Int {
        self.loops.withLockedValue { $0 }.reduce(0) { $0 &+ figure($1).value }
    }
}

/// Why an upstream connection ended.
package enum UpstreamEnd: String, Sendable, CaseIterable {
    /// Nobody needed it for `upstream.idle`.
    case idle
    /// It was as old as `upstream.life`.
    case life
    /// Its address is no longer one of its name's.
    case address
    /// There were idle ones enough.
    case surplus
    /// The upstream closed it while it was idle, or said that the answer was the last one.
    case upstream
    /// Its call ended early: it was cancelled, failed, or its answer was not read to the end.
    case call
    /// The gateway goes down.
    case shutdown

    fileprivate var index: Int {
        switch self {
        case .idle: 0
        case .life: 1
        case .address: 2
        case .surplus: 3
        case .upstream: 4
        case .call: 5
        case .shutdown: 6
        }
    }
}

extension ClockName {
    fileprivate var index: Int {
        switch self {
        case .connect: 0
        case .firstByte: 1
        case .idle: 2
        case .total: 3
        case .streamMax: 4
        }
    }
}

/// The figures of one loop: written by that loop alone, so that no two processors fight for them; read from anywhere.
final class UpstreamFigures: Sendable {
    fileprivate let dials = Counter()
    fileprivate let dialFailures = Counter()
    fileprivate let dialNanoseconds = Counter()
    fileprivate let reuses = Counter()
    fileprivate let replaced = Counter()
    fileprivate let open = Counter()
    fileprivate let idle = Counter()
    fileprivate let ends = UpstreamEnd.allCases.map { _ in Counter() }
    fileprivate let timeouts = ClockName.allCases.map { _ in Counter() }

    func noteDial(took time: TimeAmount) {
        self.dials.add(1)
        self.dialNanoseconds.add(Int(time.nanoseconds))
    }

    func noteDialFailure() { self.dialFailures.add(1) }
    func noteReuse() { self.reuses.add(1) }
    func noteReplaced() { self.replaced.add(1) }
    func noteOpen() { self.open.add(1) }
    func noteClosed() { self.open.add(-1) }
    func noteIdle(_ change: Int) { self.idle.add(change) }
    func noteEnd(_ reason: UpstreamEnd) { self.ends[reason.index].add(1) }

    /// Counts the clock that ran out, if that is what `error` says.
    func note(_ error: TransportError) {
        if case .timeout(let clock, _, _) = error { self.timeouts[clock.index].add(1) }
    }
}

/// A number that one thread changes and all may read.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { self.count.load(ordering: .relaxed) }

    /// With one writer a load and a store are enough, and cost less than an atomic addition.
    func add(_ change: Int) { self.count.store(self.count.load(ordering: .relaxed) &+ change, ordering: .relaxed) }
}
