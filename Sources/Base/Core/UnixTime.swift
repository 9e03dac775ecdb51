package import NIOCore

/// A moment on the wall clock, in milliseconds since 1970 UTC without leap seconds.
package struct UnixTime: Sendable, Hashable, Comparable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package init(seconds: Int64) { self.milliseconds = seconds &* 1000 }

    /// Whole seconds, rounded down.
    package var seconds: Int64 {
        let (whole, rest) = self.milliseconds.quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? whole - 1 : whole
    }

    package static func < (left: UnixTime, right: UnixTime) -> Bool { left.milliseconds < right.milliseconds }

    /// Appends `2026-11-21T02:58:47.123Z` (RFC 3339, UTC, milliseconds).
    ///
    /// Years outside 0 to 9999 are clamped.
    package func writeRFC3339(into buffer: inout ByteBuffer) {
        let earliest: Int64 = -62_167_219_200_000
        let latest: Int64 = 253_402_300_799_999
        let clamped = min(max(self.milliseconds, earliest), latest)
        let millis = ((clamped % 1000) + 1000) % 1000
        let seconds = (clamped - millis) / 1000
        let secondOfDay = ((seconds % 86_400) + 86_400) % 86_400
        let date = Self.civil(daysSinceEpoch: (seconds - secondOfDay) / 86_400)
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 1) { text in
            Self.digits(date.year, 4, at: 0, in: text)
            text[4] = UInt8(ascii: "-")
            Self.digits(date.month, 2, at: 5, in: text)
            text[7] = UInt8(ascii: "-")
            Self.digits(date.day, 2, at: 8, in: text)
            text[10] = UInt8(ascii: "T")
            Self.digits(secondOfDay / 3600, 2, at: 11, in: text)
            text[13] = UInt8(ascii: ":")
            Self.digits(secondOfDay / 60 % 60, 2, at: 14, in: text)
            text[16] = UInt8(ascii: ":")
            Self.digits(secondOfDay % 60, 2, at: 17, in: text)
            text[19] = UInt8(ascii: ".")
            Self.digits(millis, 3, at: 20, in: text)
            text[23] = UInt8(ascii: "Z")
            buffer.writeBytes(UnsafeRawBufferPointer(text))
        }
    }

    /// `2026-11-21T02:58:47.123Z`, as `writeRFC3339` does.
    package var rfc3339: String {
        var buffer = ByteBuffer()
        self.writeRFC3339(into: &buffer)
        return String(buffer: buffer)
    }

    /// The proleptic Gregorian date of a day number, by the era method (400-year cycles that begin on 1 March).
    static func civil(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func digits(_ value: Int64, _ count: Int, at start: Int, in text: UnsafeMutableRawBufferPointer) {
        var rest = value
        for index in stride(from: start + count - 1, through: start, by: -1) {
            text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
