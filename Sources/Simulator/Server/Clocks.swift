import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where the simulator's times come from.
struct Clocks: Sendable {
    /// What the record's times are taken from.
    var monotonic: @Sendable () -> NIODeadline
    /// Seconds since 1970, for `created` and for dates in headers.
    var wall: @Sendable () -> Int

    /// The machine's clocks.
    static let real = Clocks(monotonic: { NIODeadline.now() }, wall: { Int(time(nil)) })
}
