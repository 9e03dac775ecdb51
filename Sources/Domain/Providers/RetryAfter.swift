package import Core
internal import Wire

/// Reads how long a provider wants to be left alone (row 85).
package enum RetryAfter {
    /// No wait is longer, whatever a provider says.
    package static let longest = Duration.seconds(3600)

    /// The wait that `retry-after-ms` asks for, else the one of `retry-after` in seconds or as a date.
    ///
    /// - Returns: Nil if neither says anything sane: negative, not a number, a date in the past. Waits are rounded up
    ///   to whole milliseconds and capped at `longest`.
    package static func parse(
        milliseconds: (some Collection<UInt8>)?,
        seconds: (some Collection<UInt8>)?,
        now: UnixTime
    ) -> Duration? {
        if let milliseconds, let number = Self.number(milliseconds) { return Self.wait(milliseconds: number) }
        guard let seconds else { return nil }
        if let number = Self.number(seconds) { return Self.wait(milliseconds: number * 1000) }
        guard let date = HTTPDate.parse(seconds, now: Int(now.seconds)) else { return nil }
        return Self.wait(milliseconds: Double(date) * 1000 - Double(now.milliseconds))
    }

    private static func wait(milliseconds: Double) -> Duration? {
        guard milliseconds.isFinite, milliseconds >= 0 else { return nil }
        let capped = min(milliseconds.rounded(.up), 3_600_000)
        return .milliseconds(Int(capped))
    }

    /// Digits with at most one point and nothing else: no sign, exponent, `inf` or `nan`.
    private static func number(_ bytes: some Collection<UInt8>) -> Double? {
        guard !bytes.isEmpty, bytes.count <= 20 else { return nil }
        var points = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "."): points += 1
            default: return nil
            }
        }
        guard points <= 1, bytes.count > points else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }
}
