package import Chat
package import Core
internal import Glibc
package import NIOCore

/// What the gateway has to know of an answer in OpenAI's dialect, whole or one chunk of a stream.
///
/// Made in one pass over the bytes, which checks them; the bytes themselves go on as they came.
package struct AnswerScan: Sendable, Equatable {
    /// Whether there is an `error` that is not null.
    package private(set) var hasError = false
    /// What the answer says it used.
    package private(set) var usage: TokenUsage?
    /// The bytes to leave out to take `usage` away, null or not; nil where there is none.
    package private(set) var usageCut: Range<Int>?
    /// Whether `choices` is there and has an element.
    package private(set) var hasChoices = false
    /// Whether a choice says something: text, a refusal, reasoning, a tool call.
    ///
    /// Only with `inChoices`.
    package private(set) var hasContent = false
    /// Whether a choice is finished, for whatever reason.
    ///
    /// Only with `inChoices`.
    package private(set) var isFinished = false

    private init() {}

    /// Scans one JSON object.
    ///
    /// - Parameter inChoices: Whether to look into the choices of a chunk too.
    /// - Throws: `JSONError` if the bytes are not one JSON object.
    package init(_ data: ByteBuffer, inChoices: Bool) throws(JSONError) {
        self = try data.withBytes { (bytes) throws(JSONError) -> AnswerScan in
            try AnswerScan(bytes, inChoices: inChoices)
        }
    }

    private static let names = JSONNames("choices", "usage", "error", "x_groq")

    private init(_ bytes: UnsafeRawBufferPointer, inChoices: Bool) throws(JSONError) {
        var result = AnswerScan()
        let reader = JSONScanner(bytes)
        var scanner = JSONScanner(bytes)
        var groq: JSONSlice?
        try scanner.members(of: Self.names) { (name, member) throws(JSONError) in
            switch name {
            case 0:
                result.hasChoices = Self.isFilledArray(member.value, bytes)
                if inChoices, result.hasChoices { try result.lookIntoChoices(member.value, bytes) }
            case 1:
                if reader.kind(member.value) == .object {
                    result.usage = try TokenUsage(openAI: member.value, in: bytes)
                }
                result.usageCut = member.cut
            case 2:
                result.hasError = !reader.isNull(member.value)
            default:
                groq = member.value
            }
        }
        if result.usage == nil, let groq, reader.kind(groq) == .object {
            result.usage = try Self.nestedUsage(groq, bytes)
        }
        self = result
    }

    /// Whether a chunk's bytes say that a choice is finished, without a look at their structure.
    ///
    /// Safe in JSON that was checked: inside a text the quotes around the key would be escaped.
    package static func saysFinished(_ data: ByteBuffer) -> Bool {
        let key: StaticString = "\"finish_reason\""
        // The underscore is the key's rarest byte, and stands at this place in it.
        let underscore = 7
        return data.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            var start = underscore
            // One key for each choice.
            while start < bytes.count, let hit = memchr(base + start, 0x5F, bytes.count - start) {
                let keyStart = UnsafeRawPointer(hit) - base - underscore
                start = keyStart + underscore + 1
                guard keyStart + key.utf8CodeUnitCount <= bytes.count,
                    memcmp(base + keyStart, key.utf8Start, key.utf8CodeUnitCount) == 0
                else { continue }
                var index = keyStart + key.utf8CodeUnitCount
                while index < bytes.count, bytes[index] <= 0x20 || bytes[index] == UInt8(ascii: ":") { index += 1 }
                if index < bytes.count, bytes[index] == UInt8(ascii: "\"") { return true }
            }
            return false
        }
    }

    private static let choiceNames = JSONNames("delta", "message", "finish_reason", "text")

    private mutating func lookIntoChoices(_ choices: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let reader = JSONScanner(bytes)
        var list = JSONScanner(bytes, at: choices)
        try list.elements { (choice) throws(JSONError) in
            guard reader.kind(choice) == .object else { return }
            var members = JSONScanner(bytes, at: choice)
            try members.members(of: Self.choiceNames) { (name, member) throws(JSONError) in
                switch name {
                case 0, 1: if try Self.saysSomething(member.value, bytes) { self.hasContent = true }
                case 2: if reader.kind(member.value) == .string { self.isFinished = true }
                default: if reader.kind(member.value) == .string, member.value.count > 2 { self.hasContent = true }
                }
            }
        }
    }

    /// Whether a delta has anything but its role and empty places.
    private static func saysSomething(_ delta: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) -> Bool {
        let reader = JSONScanner(bytes)
        guard reader.kind(delta) == .object else { return false }
        var says = false
        var members = JSONScanner(bytes, at: delta)
        try members.members { (key, value) throws(JSONError) in
            guard !says, !key.equals("role") else { return }
            switch reader.kind(value) {
            case .string: says = value.count > 2
            case .array: says = Self.isFilledArray(value, bytes)
            case .object, .number: says = true
            case .bool, .null, nil: says = false
            }
        }
        return says
    }

    private static func isFilledArray(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes[value.start] == UInt8(ascii: "[") else { return false }
        var index = value.start + 1
        while index < value.end, bytes[index] <= 0x20 { index += 1 }
        return bytes[index] != UInt8(ascii: "]")
    }

    private static func nestedUsage(_ outer: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError)
        -> TokenUsage?
    {
        var found: TokenUsage?
        var members = JSONScanner(bytes, at: outer)
        let reader = JSONScanner(bytes)
        try members.members(of: JSONNames("usage")) { (_, member) throws(JSONError) in
            if reader.kind(member.value) == .object { found = try TokenUsage(openAI: member.value, in: bytes) }
        }
        return found
    }
}
