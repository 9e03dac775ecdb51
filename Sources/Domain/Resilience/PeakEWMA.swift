internal import Glibc
package import NIOCore

/// How long a target lets one wait: a moving average that takes every peak for granted at once.
///
/// A sample above the average replaces it; one below draws it down, by more the longer ago the last one was. So a
/// target that becomes slow is noticed by its first slow answer, and forgiven by several quick ones (Finagle's and
/// Linkerd's "peak EWMA").
///
/// Nobody would ever learn that a target has recovered if it got no calls for its bad average, so that average fades
/// while there are no samples. It fades slower than it follows samples: at few calls a minute, a target that is half as
/// quick as the other is to be tried now and then, not every other time.
package struct PeakEWMA: Sendable, Equatable {
    /// Samples that are this old count for 1/e of a new one.
    package static let memory = TimeAmount.seconds(10)
    /// Without samples the average falls to 1/e in this time.
    package static let fading = TimeAmount.seconds(60)
    /// What a failure counts as at least, so that failing at once looks like no virtue.
    package static let failureMin = TimeAmount.seconds(1)
    /// What any sample counts as at most.
    package static let sampleMax = TimeAmount.seconds(120)

    /// Nanoseconds, as of `updated`.
    private var average = 0.0
    private var updated: NIODeadline?

    package init() {}

    /// Whether it has a sample.
    package var isKnown: Bool { self.updated != nil }

    /// The average as it stands now, in nanoseconds; 0 without any sample.
    package func nanoseconds(now: NIODeadline) -> Double {
        guard let updated = self.updated else { return 0 }
        return self.average * Self.share(left: now - updated, of: Self.fading)
    }

    /// Takes in how long an answer took to begin.
    package mutating func note(_ sample: TimeAmount, now: NIODeadline) {
        let sample = Double(min(max(sample, .zero), Self.sampleMax).nanoseconds)
        let average = self.nanoseconds(now: now)
        if let updated = self.updated, sample < average {
            let share = Self.share(left: now - updated, of: Self.memory)
            self.average = average * share + sample * (1 - share)
        } else {
            self.average = sample
        }
        self.updated = max(now, self.updated ?? now)
    }

    /// Takes in that an answer was not there yet after this long, and will not come: a peak if it is one, else nothing.
    package mutating func noteSilence(_ time: TimeAmount, now: NIODeadline) {
        guard Double(time.nanoseconds) > self.nanoseconds(now: now) else { return }
        self.note(time, now: now)
    }

    /// Takes in a failure after this long: worse than anything lately, and at least `failureMin`.
    package mutating func noteFailure(after time: TimeAmount, now: NIODeadline) {
        let doubled = TimeAmount.nanoseconds(Int64(min(self.nanoseconds(now: now) * 2, 1e12)))
        self.note(max(time, doubled, Self.failureMin), now: now)
    }

    /// What one more call at a target would cost, by the average and those that wait for an answer there already.
    ///
    /// 0 for a target that nobody has tried, so that it is; and, while the first call is out, more than anything.
    package func cost(waiting: Int, now: NIODeadline) -> Double {
        let average = self.nanoseconds(now: now)
        let waiting = Double(max(0, waiting))
        guard self.isKnown else { return waiting == 0 ? 0 : Double(Self.sampleMax.nanoseconds) * waiting }
        return average * (waiting + 1)
    }

    private static func share(left time: TimeAmount, of span: TimeAmount) -> Double {
        time <= .zero ? 1 : exp(-Double(time.nanoseconds) / Double(span.nanoseconds))
    }
}
