import Glibc

/// Holds the calling thread, as a long callback or a resolver that hangs does.
enum Blocker {
    /// Does nothing for `milliseconds`, and lets nothing else happen on this thread.
    static func hold(milliseconds: UInt32) { usleep(milliseconds * 1000) }
}
