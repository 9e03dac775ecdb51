extension UnixTime {
    /// Reads a time as RFC 3339 writes it: `2027-01-31T12:00:00Z`, with or without a fraction, or with an offset.
    ///
    /// Years 1970 to 9999; digits beyond milliseconds are dropped; a leap second (`:60`) is not taken. Nil for anything
    /// else, a date that no calendar has included.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count) else { return nil }
        func number(_ start: Int, _ count: Int) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[start..<(start + count)] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        func isByte(_ index: Int, _ options: Unicode.Scalar...) -> Bool {
            index < bytes.count && options.contains { UInt8(ascii: $0) == bytes[index] }
        }
        guard isByte(4, "-"), isByte(7, "-"), isByte(10, "T", "t"), isByte(13, ":"), isByte(16, ":"),
            let year = number(0, 4), year >= 1970, let month = number(5, 2), (1...12).contains(month),
            let day = number(8, 2), (1...Self.days(in: month, of: year)).contains(day),
            let hour = number(11, 2), hour < 24, let minute = number(14, 2), minute < 60,
            let second = number(17, 2), second < 60
        else { return nil }
        var index = 19
        var millis: Int64 = 0
        if isByte(index, ".") {
            let start = index + 1
            index = start
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
            guard index > start else { return nil }
            for place in 0..<3 {
                millis = millis * 10 + (start + place < index ? Int64(bytes[start + place] - 0x30) : 0)
            }
        }
        var offset: Int64 = 0
        if isByte(index, "Z", "z") {
            guard index + 1 == bytes.count else { return nil }
        } else {
            guard isByte(index, "+", "-"), index + 6 == bytes.count, isByte(index + 3, ":"),
                let hours = number(index + 1, 2), hours < 24, let minutes = number(index + 4, 2), minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
        }
        let days = Self.daysSinceEpoch(year, month, day)
        let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second
        guard seconds >= 0 else { return nil }
        self.init(milliseconds: seconds * 1000 + millis)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The number of a day of the Gregorian calendar; years begin in March, so that leap days come last.
    private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
