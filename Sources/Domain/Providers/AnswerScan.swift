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

    private init(_ bytes: UnsafeRawBufferPointer, inChoices: Bool) throws(JSONError) {
        var result = AnswerScan()
        let reader = JSONScanner(bytes)
        var scanner = JSONScanner(bytes)
        var previousEnd: Int?
        var usageStart: Int?
        var groq: JSONSlice?
        try scanner.members { (key, value) throws(JSONError) in
            if let start = usageStart {
                // `usage` came first, so that it goes with the comma behind it.
                result.usageCut = start..<key.slice.start
                usageStart = nil
            }
            defer { previousEnd = value.end }
            // Most keys are passed over by their first byte; one that begins with an escape could be any.
            switch bytes[key.slice.start + 1] {
            case UInt8(ascii: "c"), UInt8(ascii: "u"), UInt8(ascii: "e"), UInt8(ascii: "x"), UInt8(ascii: "\\"): break
            default: return
            }
            if key.equals("choices") {
                result.hasChoices = Self.isFilledArray(value, bytes)
                if inChoices, result.hasChoices { try result.lookIntoChoices(value, bytes) }
            } else if key.equals("usage") {
                if reader.kind(value) == .object { result.usage = try Self.usage(value, bytes) }
                result.usageCut = (previousEnd ?? key.slice.start)..<value.end
                if previousEnd == nil { usageStart = key.slice.start }
            } else if key.equals("error") {
                result.hasError = !reader.isNull(value)
            } else if key.equals("x_groq") {
                groq = value
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

    private mutating func lookIntoChoices(_ choices: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        let reader = JSONScanner(bytes)
        var list = JSONScanner(bytes, at: choices)
        try list.elements { (choice) throws(JSONError) in
            guard reader.kind(choice) == .object else { return }
            var members = JSONScanner(bytes, at: choice)
            try members.members { (key, value) throws(JSONError) in
                if key.equals("delta") || key.equals("message") {
                    if try Self.saysSomething(value, bytes) { self.hasContent = true }
                } else if key.equals("finish_reason") {
                    if reader.kind(value) == .string { self.isFinished = true }
                } else if key.equals("text") {
                    if reader.kind(value) == .string, value.count > 2 { self.hasContent = true }
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
        try members.members { (key, value) throws(JSONError) in
            if key.equals("usage"), reader.kind(value) == .object { found = try Self.usage(value, bytes) }
        }
        return found
    }

    /// Reads `prompt_tokens`, `completion_tokens` and their details.
    ///
    /// Numbers that no call can have count as not said.
    private static func usage(_ value: JSONSlice, _ bytes: UnsafeRawBufferPointer) throws(JSONError) -> TokenUsage {
        var usage = TokenUsage()
        let reader = JSONScanner(bytes)
        func count(_ value: JSONSlice) -> Int? {
            reader.int(value).flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
        }
        var members = JSONScanner(bytes, at: value)
        try members.members { (key, value) throws(JSONError) in
            if key.equals("prompt_tokens") {
                usage.input = count(value)
            } else if key.equals("completion_tokens") {
                usage.output = count(value)
            } else if key.equals("prompt_cache_hit_tokens") {
                usage.cachedInput = usage.cachedInput ?? count(value)
            } else if reader.kind(value) == .object {
                let isInput = key.equals("prompt_tokens_details")
                guard isInput || key.equals("completion_tokens_details") else { return }
                var details = JSONScanner(bytes, at: value)
                try details.members { (key, value) throws(JSONError) in
                    if isInput, key.equals("cached_tokens") { usage.cachedInput = count(value) }
                    if !isInput, key.equals("reasoning_tokens") { usage.reasoning = count(value) }
                }
            }
        }
        return usage
    }
}
