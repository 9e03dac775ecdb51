package import NIOCore

/// Dates as HTTP writes them (RFC 9110 §5.6.7), to and from seconds since 1970 in UTC.
///
/// Leap seconds count as the second after them.
package enum HTTPDate {
    /// The length of a date as we write it.
    package static let byteCount = 29

    /// Writes `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Callers that write many keep the result for a second.
    ///
    /// - Parameter unixSeconds: Within the years 1 to 9999; others are written as the nearest of those.
    package static func write(unixSeconds: Int, into buffer: inout ByteBuffer) {
        let seconds = min(max(unixSeconds, self.secondsMin), self.secondsMax)
        let (days, time) = self.floorDivide(seconds, by: 86_400)
        let date = CivilDate(daysSince1970: days)
        let weekday = self.floorDivide(days + 4, by: 7).rest
        buffer.writeBytes(self.name(weekday, in: self.weekdays, width: 3))
        buffer.writeStaticString(", ")
        self.writeTwoDigits(date.day, into: &buffer)
        buffer.writeInteger(ByteClass.space)
        buffer.writeBytes(self.name(date.month - 1, in: self.months, width: 3))
        buffer.writeInteger(ByteClass.space)
        self.writeTwoDigits(date.year / 100, into: &buffer)
        self.writeTwoDigits(date.year % 100, into: &buffer)
        buffer.writeInteger(ByteClass.space)
        self.writeTwoDigits(time / 3600, into: &buffer)
        buffer.writeInteger(ByteClass.colon)
        self.writeTwoDigits(time / 60 % 60, into: &buffer)
        buffer.writeInteger(ByteClass.colon)
        self.writeTwoDigits(time % 60, into: &buffer)
        buffer.writeStaticString(" GMT")
    }

    /// Reads any of the three forms: IMF-fixdate, the one of RFC 850 and the one of asctime.
    ///
    /// The name of the weekday must be one, but need not be right.
    ///
    /// - Parameters:
    ///   - bytes: The date and nothing else.
    ///   - now: Seconds since 1970, to place the two-digit year of RFC 850: a date more than 50 years ahead was meant
    ///     to be in the past.
    /// - Returns: Seconds since 1970, or nil if the bytes are no date.
    package static func parse(_ bytes: some Collection<UInt8>, now: Int) -> Int? {
        guard bytes.count >= 24, bytes.count <= 33 else { return nil }
        var cursor = Cursor(bytes: Array(bytes))
        guard let weekday = cursor.word() else { return nil }
        if cursor.skip(", ") {
            if self.index(of: weekday, in: self.weekdays, width: 3) != nil {
                return self.parseFixDate(&cursor)
            }
            guard self.isLongWeekday(weekday) else { return nil }
            return self.parseRFC850(&cursor, now: now)
        }
        guard self.index(of: weekday, in: self.weekdays, width: 3) != nil, cursor.skip(" ") else { return nil }
        return self.parseAsctime(&cursor)
    }

    // MARK: - The three forms

    private static func parseFixDate(_ cursor: inout Cursor) -> Int? {
        guard let day = cursor.number(2), cursor.skip(" "), let month = self.month(&cursor), cursor.skip(" "),
            let year = cursor.number(4), cursor.skip(" "), let time = cursor.time(), cursor.skip(" GMT"),
            cursor.isAtEnd
        else { return nil }
        return self.seconds(year: year, month: month, day: day, time: time)
    }

    private static func parseRFC850(_ cursor: inout Cursor, now: Int) -> Int? {
        guard let day = cursor.number(2), cursor.skip("-"), let month = self.month(&cursor), cursor.skip("-"),
            let short = cursor.number(2), cursor.skip(" "), let time = cursor.time(), cursor.skip(" GMT"),
            cursor.isAtEnd
        else { return nil }
        let present = min(max(now, self.secondsMin), self.secondsMax)
        let thisYear = CivilDate(daysSince1970: self.floorDivide(present, by: 86_400).quotient).year
        var year = thisYear - thisYear % 100 + short
        if year > thisYear + 50 { year -= 100 }
        if year <= thisYear - 50 { year += 100 }
        return self.seconds(year: year, month: month, day: day, time: time)
    }

    private static func parseAsctime(_ cursor: inout Cursor) -> Int? {
        guard let month = self.month(&cursor), cursor.skip(" ") else { return nil }
        let day = cursor.skip(" ") ? cursor.number(1) : cursor.number(2)
        guard let day, cursor.skip(" "), let time = cursor.time(), cursor.skip(" "),
            let year = cursor.number(4), cursor.isAtEnd
        else { return nil }
        return self.seconds(year: year, month: month, day: day, time: time)
    }

    private static func month(_ cursor: inout Cursor) -> Int? {
        guard let word = cursor.word(), let index = self.index(of: word, in: self.months, width: 3) else { return nil }
        return index + 1
    }

    private static func seconds(year: Int, month: Int, day: Int, time: Int) -> Int? {
        guard year >= 1, day >= 1, day <= CivilDate.daysInMonth(month, year: year) else { return nil }
        return CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400 + time
    }

    // MARK: - Names and digits

    private static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    private static let longWeekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let secondsMin = -62_135_596_800
    private static let secondsMax = 253_402_300_799

    private static func name(_ index: Int, in table: StaticString, width: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: table.utf8Start + index * width, count: width)
    }

    private static func index(of word: ArraySlice<UInt8>, in table: StaticString, width: Int) -> Int? {
        guard word.count == width else { return nil }
        for index in 0..<(table.utf8CodeUnitCount / width)
        where word.elementsEqual(self.name(index, in: table, width: width)) {
            return index
        }
        return nil
    }

    private static func isLongWeekday(_ word: ArraySlice<UInt8>) -> Bool {
        self.longWeekdays.contains { word.elementsEqual($0.utf8) }
    }

    private static func writeTwoDigits(_ number: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number / 10))
        buffer.writeInteger(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }

    private static func floorDivide(_ number: Int, by divisor: Int) -> (quotient: Int, rest: Int) {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    /// Reads a date from left to right.
    private struct Cursor {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { self.index == self.bytes.count }

        mutating func skip(_ text: StaticString) -> Bool {
            let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            guard self.bytes[self.index...].starts(with: expected) else { return false }
            self.index += expected.count
            return true
        }

        mutating func word() -> ArraySlice<UInt8>? {
            let start = self.index
            while self.index < self.bytes.count, (self.bytes[self.index] | 0x20) &- 0x61 < 26 { self.index += 1 }
            return self.index > start ? self.bytes[start..<self.index] : nil
        }

        mutating func number(_ digits: Int) -> Int? {
            guard self.index + digits <= self.bytes.count else { return nil }
            var result = 0
            for byte in self.bytes[self.index..<(self.index + digits)] {
                guard ByteClass.isDigit(byte) else { return nil }
                result = result * 10 + Int(byte - 0x30)
            }
            self.index += digits
            return result
        }

        /// `08:49:37` in seconds of the day.
        mutating func time() -> Int? {
            guard let hour = self.number(2), self.skip(":"), let minute = self.number(2), self.skip(":"),
                let second = self.number(2), hour < 24, minute < 60, second <= 60
            else { return nil }
            return hour * 3600 + minute * 60 + second
        }
    }
}

/// A day of the Gregorian calendar.
///
/// The arithmetic counts years from March, so that the leap day is the last of them.
struct CivilDate: Equatable, Sendable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day so many days after 1 January 1970; not before the year 1.
    init(daysSince1970 days: Int) {
        let shifted = days + 719_468  // Days since 1 March of the year 0.
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int {
        let year = self.month <= 2 ? self.year - 1 : self.year
        let era = year / 400
        let yearOfEra = year % 400
        let shiftedMonth = self.month > 2 ? self.month - 3 : self.month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + self.day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func daysInMonth(_ month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
