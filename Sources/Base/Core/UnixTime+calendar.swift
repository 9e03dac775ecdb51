/// Days, weeks and months in UTC.
extension UnixTime {
    private static let dayMilliseconds: Int64 = 86_400_000
    private static let hourMilliseconds: Int64 = 3_600_000

    /// The beginning of the hour.
    package var startOfHour: UnixTime { self.roundedDown(to: Self.hourMilliseconds) }

    /// Midnight before, or this moment if it is midnight.
    package var startOfDay: UnixTime { self.roundedDown(to: Self.dayMilliseconds) }

    /// Monday's midnight before (ISO 8601 weeks).
    package var startOfWeek: UnixTime {
        // 1 January 1970 was a Thursday: three days after a Monday.
        let days = self.daysSinceEpoch + 3
        let weekday = ((days % 7) + 7) % 7
        return UnixTime(milliseconds: (self.daysSinceEpoch - weekday) * Self.dayMilliseconds)
    }

    /// Midnight of the first of the month.
    package var startOfMonth: UnixTime {
        let date = Self.civil(daysSinceEpoch: self.daysSinceEpoch)
        return Self.midnight(year: date.year, month: date.month)
    }

    /// Midnight of the first of the month after.
    package var startOfNextMonth: UnixTime {
        let date = Self.civil(daysSinceEpoch: self.daysSinceEpoch)
        return date.month == 12
            ? Self.midnight(year: date.year + 1, month: 1) : Self.midnight(year: date.year, month: date.month + 1)
    }

    /// The time so many days later.
    package func adding(days: Int64) -> UnixTime {
        UnixTime(milliseconds: self.milliseconds &+ days &* Self.dayMilliseconds)
    }

    private var daysSinceEpoch: Int64 { self.startOfDay.milliseconds / Self.dayMilliseconds }

    private func roundedDown(to unit: Int64) -> UnixTime {
        let rest = ((self.milliseconds % unit) + unit) % unit
        return UnixTime(milliseconds: self.milliseconds &- rest)
    }

    /// The first of a month in the proleptic Gregorian calendar (the inverse of `civil`).
    private static func midnight(year: Int64, month: Int64) -> UnixTime {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return UnixTime(milliseconds: (era * 146_097 + dayOfEra - 719_468) * Self.dayMilliseconds)
    }
}
