internal import Chat
internal import Core
internal import NIOCore

/// Takes single values out of a client's body, and says what is wrong with those that cannot be taken.
enum AnthropicValue {
    static func wrong(_ value: JSONSlice, _ name: StaticString, _ expected: String) -> RequestUnreadable {
        RequestUnreadable(at: value.start, "'\(name)' must be \(expected).", expected: expected)
    }

    static func missing(_ object: JSONSlice, _ name: StaticString, _ expected: String) -> RequestUnreadable {
        RequestUnreadable(at: object.start, "'\(name)' is missing.", expected: expected)
    }

    static func object(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> JSONSlice {
        guard reader.kind(value) == .object else { throw self.wrong(value, name, "an object") }
        return value
    }

    static func string(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> Given<JSONString> {
        guard let given = reader.givenString(value) else { throw self.wrong(value, name, "a string") }
        return given
    }

    static func int(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> Given<Int> {
        guard let number = reader.scanner.int(value), number >= 0 else {
            throw self.wrong(value, name, "a whole number that is not negative")
        }
        return Given(number, at: value.start)
    }

    static func number(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> Given<JSONFragment> {
        guard reader.kind(value) == .number else { throw self.wrong(value, name, "a number") }
        return reader.given(value)
    }

    static func bool(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: BodyReader
    ) throws(RequestUnreadable) -> Given<Bool> {
        guard let flag = reader.scanner.bool(value) else { throw self.wrong(value, name, "true or false") }
        return Given(flag, at: value.start)
    }

    /// Nil for a word that nobody here knows.
    static func effort(_ value: JSONSlice, _ reader: BodyReader) -> ReasoningWish.Effort? {
        ReasoningWish.Effort.allCases.first { reader.equals(value, $0.label) }
    }

    /// A member whose value is an object of which only some members are left.
    static func remainder(_ member: RestMember, _ others: [RestMember]) -> RestMember {
        var object = ByteBuffer()
        object.beginObject()
        object.write(others)
        object.endObject()
        return RestMember(name: member.name, value: JSONFragment(checked: object), place: member.place)
    }
}
