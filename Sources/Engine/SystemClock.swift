package import Core
import Glibc

/// The clocks of the process, for what stands outside the event loops.
package enum SystemClock {
    /// The wall clock.
    package static var now: UnixTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
