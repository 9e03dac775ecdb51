package import NIOCore

/// Why a text is not the value of a setting, to be read after the value: `"20XB" is not a size (…)`.
package struct BadValue: Error, Equatable {
    package let complaint: String

    init(_ complaint: String) { self.complaint = complaint }
}

extension SettingKind {
    /// The value that `text` stands for.
    ///
    /// - Throws: `BadValue` with what was expected, the units and limits included.
    package func parse(_ text: String) throws(BadValue) -> SettingValue {
        switch self {
        case .bool:
            guard let value = Self.bool(text) else { throw BadValue("is neither true nor false") }
            return .bool(value)
        case .integer(let range):
            guard let value = Int(text) else { throw BadValue("is not a whole number") }
            return .integer(try Self.within(value, range) { String($0) })
        case .size(let range):
            return .integer(try Self.within(try Self.bytes(text), range, Self.sizeText))
        case .duration(let range):
            return .duration(try Self.within(try Self.duration(text), range, Self.durationText))
        case .choice(let choices):
            guard choices.contains(text) else { throw BadValue(Self.notOneOf(choices, text)) }
            return .text(text)
        case .address:
            guard ListenAddress(text) != nil else { throw BadValue("is not an address (write 127.0.0.1:8080)") }
            return .text(text)
        case .text(let expected, let check):
            guard check(text) else { throw BadValue("is not \(expected)") }
            return .text(text)
        case .list:
            let parts = text.split(separator: ",").map { Self.trimmed($0) }
            return try self.parse(list: parts)
        case .tree:
            throw BadValue("is not a map")
        case .opaque(let isList):
            throw BadValue(isList ? "is not a list" : "is not a map")
        }
    }

    /// The value that the elements of a list stand for.
    package func parse(list elements: [String]) throws(BadValue) -> SettingValue {
        guard case .list(let expected, let check) = self else { throw BadValue("is one value, not a list") }
        // Elements may be secrets, so the number names the one that is wrong.
        if let index = elements.firstIndex(where: { !check($0) }) {
            throw BadValue("has an element (number \(index + 1)) that is not \(expected)")
        }
        return .list(elements)
    }

    private static func bool(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return String(text)
    }

    private static func within<Value: Comparable>(
        _ value: Value,
        _ range: ClosedRange<Value>,
        _ show: (Value) -> String
    ) throws(BadValue) -> Value {
        guard value >= range.lowerBound else { throw BadValue("is too small (at least \(show(range.lowerBound)))") }
        guard value <= range.upperBound else { throw BadValue("is too large (at most \(show(range.upperBound)))") }
        return value
    }

    private static func notOneOf(_ choices: [String], _ text: String) -> String {
        "is not one of \(choices.joined(separator: ", "))"
    }
}

// MARK: - Units

extension SettingKind {
    /// Decimal and binary units of bytes, largest first.
    ///
    /// `KB` is a thousand bytes and `KiB` 1,024, as the standards have it; a bare number is bytes.
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1_000),
        ("B", 1), ("", 1),
    ]

    private static let durationUnits: [(name: String, amount: TimeAmount)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .minutes(1)), ("h", .hours(1)), ("d", .hours(24)),
    ]

    private static func split(_ text: String) -> (number: Int?, unit: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        return (Int(digits), String(unit))
    }

    private static func bytes(_ text: String) throws(BadValue) -> Int {
        let (number, unit) = Self.split(text)
        let known = Self.sizeUnits.first { $0.name.lowercased() == unit.lowercased() }
        guard let number, let known else {
            throw BadValue("is not a size (write 20MB, 512KiB or a number of bytes)")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: known.bytes)
        guard !overflow else { throw BadValue("is too large for a size") }
        return bytes
    }

    private static func duration(_ text: String) throws(BadValue) -> TimeAmount {
        let (number, unit) = Self.split(text)
        guard let number, let known = Self.durationUnits.first(where: { $0.name == unit }) else {
            throw BadValue("is not a duration (write 500ms, 15s, 2m, 1h or 1d)")
        }
        let (nanoseconds, overflow) = Int64(number).multipliedReportingOverflow(by: known.amount.nanoseconds)
        guard !overflow else { throw BadValue("is too large for a duration") }
        return .nanoseconds(nanoseconds)
    }

    /// The size in the largest unit that divides it: `20MB`.
    package static func sizeText(_ bytes: Int) -> String {
        let unit = Self.sizeUnits.first { bytes != 0 && bytes.isMultiple(of: $0.bytes) }
        return unit.map { "\(bytes / $0.bytes)\($0.name.isEmpty ? "B" : $0.name)" } ?? "0B"
    }

    /// The duration in the largest unit that divides it: `15s`.
    package static func durationText(_ duration: TimeAmount) -> String {
        let unit = Self.durationUnits.last {
            duration.nanoseconds != 0 && duration.nanoseconds.isMultiple(of: $0.amount.nanoseconds)
        }
        return unit.map { "\(duration.nanoseconds / $0.amount.nanoseconds)\($0.name)" } ?? "0s"
    }
}
