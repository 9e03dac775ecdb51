package import NIOCore

extension CallMetrics {
    /// A call waited for its turn, with success or without.
    package func queued(for time: TimeAmount, loop: Int) {
        self.change(loop: loop) { $0.limitWaits.add(nanoseconds: time.nanoseconds) }
    }

    /// A limit refused a call.
    ///
    /// - Parameter reason: What ran out, of a closed set of words.
    package func refusedByLimit(_ reason: String, loop: Int) {
        self.change(loop: loop) { $0.limitRefusals[reason, default: 0] += 1 }
    }

    static func writeLimits(_ sum: Shard, into text: inout PrometheusText) {
        let refusals = "turnpike_limit_refusals_total"
        text.begin(refusals, .counter, "Calls that a limit refused, by what ran out.")
        for (reason, count) in sum.limitRefusals.sorted(by: { $0.key < $1.key }) {
            text.sample(refusals, [("reason", reason)], Int(count))
        }
        let waits = "turnpike_limit_wait_seconds"
        text.begin(waits, .histogram, "How long calls waited for their turn under a limit.")
        text.histogram(waits, [], sum.limitWaits)
    }
}
