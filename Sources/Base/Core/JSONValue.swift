/// A JSON value as a tree, for what is small and not on the road of a call: administration, settings, tests.
///
/// Objects keep the order of their members. Texts are equal if their UTF-8 bytes are; Swift's own comparison would
/// find two spellings of `é` equal, which no other JSON reader does.
package enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction and exponent that fits.
    case integer(Int64)
    /// Any other number, in the text it was written in: nothing is rounded.
    case number(String)
    /// A text, escapes resolved.
    case string(String)
    /// Elements in their order.
    case array([JSONValue])
    /// Members in their order; no key twice.
    case object([(String, JSONValue)])

    /// The value of a member; nil if there is none or this is no object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0.utf8.elementsEqual(key.utf8) }?.1
    }

    /// The element at an index; nil if there is none or this is no array.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// Whether this is `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The value if it is a boolean.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The text if it is a string.
    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number if it is whole and fits, in whatever spelling it was written.
    package var intValue: Int? {
        switch self {
        case .integer(let value):
            return Int(exactly: value)
        case .number(let text):
            var copy = text
            return copy.withUTF8 { JSONNumber.wholeValue(UnsafeRawBufferPointer($0)) }
        default:
            return nil
        }
    }

    /// The nearest floating-point number; nil if it is no number or beyond the largest.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): return Double(value)
        case .number(let text): return Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: return nil
        }
    }

    /// The elements if it is an array.
    package var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members if it is an object.
    package var objectValue: [(String, JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }
}

extension JSONValue: Equatable {
    /// Whether both are the same, the order of members and the spelling of numbers included.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.integer(let one), .integer(let other)): one == other
        case (.number(let one), .number(let other)): one.utf8.elementsEqual(other.utf8)
        case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)):
            one.elementsEqual(other) { $0.0.utf8.elementsEqual($1.0.utf8) && $0.1 == $1.1 }
        default: false
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `nil` for `null`, written in Swift.
    package init(nilLiteral: ()) { self = .null }
    /// `true` and `false`, written in Swift.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Whole numbers, written in Swift.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// Texts, written in Swift.
    package init(stringLiteral value: String) { self = .string(value) }
    /// Arrays, written in Swift.
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Objects; the members keep the order they are written in, written in Swift.
    package init(dictionaryLiteral members: (String, JSONValue)...) { self = .object(members) }
}
