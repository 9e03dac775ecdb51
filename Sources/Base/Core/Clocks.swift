package import NIOCore

/// The clocks that bound one attempt at a provider.
///
/// Each error names the one that ran out and its value in force.
package struct Timeouts: Sendable, Equatable {
    /// Until the connection stands, TLS included.
    ///
    /// DNS counts.
    package var connect: TimeAmount
    /// From the last byte of the request to the first byte of the answer.
    package var firstByte: TimeAmount
    /// Between two reads while the answer comes in.
    package var idle: TimeAmount
    /// From the call's arrival to its last byte; for a stream, to its first content.
    package var total: TimeAmount
    /// From a stream's first content to its end.
    package var streamMax: TimeAmount

    package init(
        connect: TimeAmount = .seconds(5),
        firstByte: TimeAmount = .seconds(30),
        idle: TimeAmount = .seconds(30),
        total: TimeAmount = .seconds(120),
        streamMax: TimeAmount = .minutes(30)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
        self.streamMax = streamMax
    }
}

/// Which clock ran out.
package enum ClockName: String, Sendable, CaseIterable {
    case connect
    case firstByte = "first byte"
    case idle
    case total
    case streamMax = "stream maximum"

    /// The same in one word: its key under `timeouts` in the settings, and its label in metrics.
    package var label: String {
        switch self {
        case .connect: "connect"
        case .firstByte: "first_byte"
        case .idle: "idle"
        case .total: "total"
        case .streamMax: "stream_max"
        }
    }
}

extension TimeAmount {
    /// Whole milliseconds, rounded down; what error messages and logs show.
    package var milliseconds: Int64 { self.nanoseconds / 1_000_000 }
}
