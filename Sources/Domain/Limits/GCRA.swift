package import NIOCore

/// A limit on how much may happen in a minute: the generic cell rate algorithm (ITU-T I.371, virtual scheduling).
///
/// A bucket that holds one minute's worth and fills evenly. What it has given out is kept as one time: when the bucket
/// will be full again. Over any span of `t` seconds it gives out at most `limit × (1 + t / 60)`, and that much only
/// when it was full; there is no window whose edge doubles anything (row 81). Times are of a monotonic clock, so a wall
/// clock that jumps changes nothing (row 80).
///
/// Fractions of a nanosecond are kept, so that no limit drifts.
package struct GCRA: Sendable, Equatable {
    /// The time in which the limit is given out, and the most that can be saved up.
    package static let window: Int64 = 60_000_000_000
    /// How far it can get into debt when calls used more than was thought; what is more is forgiven.
    ///
    /// One absurd figure of a provider must not shut a tenant out for a day.
    package static let debtMax: Int64 = 600_000_000_000

    /// Units a minute, 1 to `LimitRule.valueMax`.
    package private(set) var limit: Int
    /// When the bucket will be full, in nanoseconds of the monotonic clock.
    private var fullAt: Int64 = .min
    /// Parts of a nanosecond after that, each one `limit`th; 0 up to `limit`.
    private var fraction: Int64 = 0

    /// A full bucket.
    package init(perMinute limit: Int) {
        self.limit = min(max(limit, 1), LimitRule.valueMax)
    }

    /// Whether `units` are there, and takes them if they are.
    ///
    /// - Parameter units: Not negative; 0 always passes.
    package mutating func admit(_ units: Int, now: NIODeadline) -> Verdict {
        guard let wait = self.wait(for: units, now: now) else { return .never }
        guard wait == .zero else { return .later(wait) }
        self.take(units, now: now)
        return .admitted
    }

    /// What becomes of a request for units.
    package enum Verdict: Sendable, Equatable {
        case admitted
        /// They are there after this time if nobody else takes any.
        case later(TimeAmount)
        /// They are more than the bucket holds.
        case never
    }

    /// How long until `units` are there if nobody else takes any; zero if they are; nil if they are more than the
    /// bucket holds.
    package func wait(for units: Int, now: NIODeadline) -> TimeAmount? {
        units > self.limit ? nil : self.projection(of: units, now: now)
    }

    /// How long until `units` have come in, however many they are: the wait of the last of a queue.
    ///
    /// - Returns: Twenty minutes at most.
    package func projection(of units: Int, now: NIODeadline) -> TimeAmount {
        let (backlog, part) = self.backlog(now)
        let (time, timePart) = self.time(of: units)
        var whole = backlog + time
        var rest = part + timePart
        if rest >= Int64(self.limit) {
            rest -= Int64(self.limit)
            whole += 1
        }
        let excess = whole - Self.window + (rest > 0 ? 1 : 0)
        return .nanoseconds(max(0, min(excess, 20 * Self.window)))
    }

    /// Takes units without asking; the bucket goes into debt where there are too few.
    package mutating func take(_ units: Int, now: NIODeadline) {
        let now = Self.nanoseconds(now)
        if self.fullAt < now {
            self.fullAt = now
            self.fraction = 0
        }
        let (time, part) = self.time(of: units)
        self.fullAt += time
        self.fraction += part
        if self.fraction >= Int64(self.limit) {
            self.fraction -= Int64(self.limit)
            self.fullAt += 1
        }
        let latest = now + Self.window + Self.debtMax
        if self.fullAt > latest {
            self.fullAt = latest
            self.fraction = 0
        }
    }

    /// Corrects what was taken, once it is known better: more where `units` is positive, less where it is negative.
    ///
    /// What is given back after the bucket had filled up by itself is lost: it never holds more than its limit.
    package mutating func adjust(by units: Int, now: NIODeadline) {
        guard units < 0 else { return self.take(units, now: now) }
        guard self.fullAt >= Self.nanoseconds(now) else { return }
        let (time, part) = self.time(of: units == .min ? .max : -units)
        self.fullAt -= time
        self.fraction -= part
        if self.fraction < 0 {
            self.fraction += Int64(self.limit)
            self.fullAt -= 1
        }
    }

    /// Whole units that are there; 0 in debt.
    package func remaining(now: NIODeadline) -> Int {
        let (backlog, part) = self.backlog(now)
        guard backlog < Self.window else { return 0 }
        // (window - backlog) × limit - part, in 128 bits, over window; less than `limit`, so the division fits.
        let product = UInt64(Self.window - backlog).multipliedFullWidth(by: UInt64(self.limit))
        let (low, borrowed) = product.low.subtractingReportingOverflow(UInt64(part))
        let high = product.high - (borrowed ? 1 : 0)
        return Int(UInt64(Self.window).dividingFullWidth((high, low)).quotient)
    }

    /// How long until the bucket is full, which is what OpenAI calls its reset.
    package func reset(now: NIODeadline) -> TimeAmount {
        let (backlog, part) = self.backlog(now)
        return .nanoseconds(backlog + (part > 0 ? 1 : 0))
    }

    /// Whether nothing of it is taken, so that a new one would be the same.
    package func isFull(now: NIODeadline) -> Bool { self.reset(now: now) == .zero }

    /// Puts another limit in force; the bucket stays as full as it is, in parts of the whole.
    package mutating func setLimit(_ limit: Int) {
        self.limit = min(max(limit, 1), LimitRule.valueMax)
        self.fraction = 0
    }

    // MARK: - Arithmetic

    /// How long ago the bucket would have been full if it were as empty as it is now.
    private func backlog(_ now: NIODeadline) -> (whole: Int64, fraction: Int64) {
        let now = Self.nanoseconds(now)
        return self.fullAt < now ? (0, 0) : (self.fullAt - now, self.fraction)
    }

    /// How long `units` take to come in: `units × window / limit`.
    ///
    /// Twenty windows at most, which is more than any debt; so the product's quotient fits in 64 bits.
    private func time(of units: Int) -> (whole: Int64, fraction: Int64) {
        let clamped = UInt64(min(max(units, 0), 20 * self.limit))
        let limit = UInt64(self.limit)
        if clamped <= Self.shortMax {
            let (whole, rest) = (clamped * UInt64(Self.window)).quotientAndRemainder(dividingBy: limit)
            return (Int64(whole), Int64(rest))
        }
        let product = clamped.multipliedFullWidth(by: UInt64(Self.window))
        let (whole, rest) = limit.dividingFullWidth(product)
        return (Int64(whole), Int64(rest))
    }

    /// Units whose product with the window still fits in 64 bits.
    private static let shortMax = UInt64.max / UInt64(window)

    /// Leaves room for every sum that is made of it.
    private static func nanoseconds(_ time: NIODeadline) -> Int64 {
        Int64(min(time.uptimeNanoseconds, UInt64(Int64.max / 2)))
    }
}
