package import NIOCore

/// How a target that has recovered gets its calls back: step by step, so that it is not knocked over again at once.
///
/// Its share rises evenly from a tenth of the calls that would be its own to all of them. Those that it does not get
/// yet go to the others first.
package enum SlowStart {
    /// The share at the moment of recovery.
    package static let shareMin = 0.1

    /// The share of its calls that a target gets, from `shareMin` to 1.
    ///
    /// - Parameters:
    ///   - elapsed: Since it recovered; below zero counts as zero.
    ///   - window: Until it gets all; zero or less: at once.
    package static func share(after elapsed: TimeAmount, window: TimeAmount) -> Double {
        guard window > .zero, elapsed < window else { return 1 }
        let done = Double(max(elapsed, .zero).nanoseconds) / Double(window.nanoseconds)
        return Self.shareMin + (1 - Self.shareMin) * done
    }

    /// Whether a target gets a call that would be its own.
    ///
    /// - Parameter chance: A random word.
    package static func admits(_ chance: UInt64, after elapsed: TimeAmount, window: TimeAmount) -> Bool {
        let share = Self.share(after: elapsed, window: window)
        return share >= 1 || Double(chance >> 11) * 0x1p-53 < share
    }
}
