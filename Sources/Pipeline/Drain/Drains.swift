internal import NIOConcurrencyHelpers
package import NIOCore
package import Telemetry

/// The answers that are read to their end after their client has left, for the sake of the provider's own figures
/// (`on_disconnect: drain`; row 93).
///
/// Bounded in number, time and bytes; what would be more is cut off, as it is at providers that do not drain.
package final class Drains: Sendable {
    /// How much is read for nobody.
    package struct Limits: Sendable {
        /// Answers at the same time, in the process.
        package var count = 32
        /// From the moment the client left.
        package var time = TimeAmount.seconds(15)
        /// Of each answer, from the moment the client left.
        package var bytes = 1 << 20

        package init() {}
    }

    private struct State {
        /// Those under way, and when each is cut off.
        var open: [ObjectIdentifier: (drain: Drain, deadline: NIODeadline)] = [:]
        var begun: UInt64 = 0
        var cut: UInt64 = 0
        var isHurried = false
    }

    let limits: Limits
    private let now: @Sendable () -> NIODeadline
    private let state = NIOLockedValueBox(State())

    /// - Parameter now: The clock that deadlines are on.
    package init(limits: Limits = Limits(), now: @escaping @Sendable () -> NIODeadline = { .now() }) {
        self.limits = limits
        self.now = now
    }

    /// A client has left.
    ///
    /// - Returns: False if its answer must be cut off now.
    func begin(_ drain: Drain) -> Bool {
        let deadline = self.now() + self.limits.time
        return self.state.withLockedValue { state in
            guard !state.isHurried, state.open.count < self.limits.count else { return false }
            state.open[ObjectIdentifier(drain)] = (drain, deadline)
            state.begun += 1
            return true
        }
    }

    /// An answer is over; nothing happens if its client has not left.
    func end(_ drain: Drain) {
        self.state.withLockedValue { state in
            guard state.open.removeValue(forKey: ObjectIdentifier(drain)) != nil else { return }
            if drain.isCut { state.cut += 1 }
        }
    }

    /// Cuts off what has taken too long; to be called a few times a second.
    package func cutOverdue() {
        let overdue = self.state.withLockedValue { state -> [Drain] in
            guard !state.open.isEmpty else { return [] }
            let now = self.now()
            return state.open.values.filter { $0.deadline <= now }.map(\.drain)
        }
        for drain in overdue { drain.cut() }
    }

    /// Cuts off everything: the server goes down and will wait no longer.
    package func hurry() {
        let open = self.state.withLockedValue { state in
            state.isHurried = true
            return state.open.values.map(\.drain)
        }
        for drain in open { drain.cut() }
    }

    /// Cuts off everything, and waits until all of it is settled.
    ///
    /// An attempt that lost a race is read on although its call is over, so that no server waits for it.
    package func finish() async {
        self.hurry()
        while true {
            let open = self.state.withLockedValue { $0.open.values.map(\.drain) }
            guard !open.isEmpty else { return }
            for drain in open { await drain.awaitEnd() }
            await Task.yield()
        }
    }

    /// Answers that are being read for nobody.
    package var count: Int { self.state.withLockedValue { $0.open.count } }

    /// For `/metrics`.
    package var gauges: [Gauge] {
        [
            Gauge(name: "turnpike_drains_open", help: "Answers read on for their usage after the client left.") {
                Double(self.count)
            },
            Gauge(name: "turnpike_drains_total", help: "Answers so read on, ever.", type: .counter) {
                Double(self.state.withLockedValue { $0.begun })
            },
            Gauge(name: "turnpike_drains_cut_total", help: "Those of them cut off at a bound.", type: .counter) {
                Double(self.state.withLockedValue { $0.cut })
            },
        ]
    }
}
