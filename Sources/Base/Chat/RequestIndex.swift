package import Core
package import NIOCore

/// Where the few fields that policy reads stand in a request's body.
///
/// The bytes stay the truth; this is a view of them.
///
/// Made in one pass that checks the whole text, refuses duplicate keys at the top level and inside `stream_options`
/// (rows 17, 18, 21) and numbers that nobody can mean (row 24).
package struct RequestIndex: Sendable {
    /// What one request may ask for at most.
    ///
    /// Far above what providers allow; these stop what is absurd.
    package enum Caps {
        package static let choices = 128
        package static let tokens = 10_000_000
        package static let messages = 20_000
        package static let tools = 2_000
        package static let stopBytes = 64 * 1024
        /// The longest model name, in bytes as written.
        package static let modelBytes = 512
    }

    /// `model` as it is written, quotes included; nil where the request names none.
    package private(set) var model: JSONSlice?
    /// Whether `stream` is true.
    package private(set) var isStream = false
    /// `stream_options`, whole.
    package private(set) var streamOptions: JSONSlice?
    /// Whether the client asked for a usage chunk.
    package private(set) var wantsUsage = false
    /// `messages`, whole.
    package private(set) var messages: JSONSlice?
    /// `input`, whole: of embeddings, moderations and OpenAI's `/responses`.
    package private(set) var input: JSONSlice?
    /// `tool_choice`, whole.
    package private(set) var toolChoice: JSONSlice?
    /// How many answers are asked for.
    package private(set) var choices = 1
    /// The most tokens the answer may have; nil where the request sets no limit.
    package private(set) var outputTokensMax: Int?
    /// The values of `max_tokens` and `max_completion_tokens` that are numbers.
    package private(set) var maxTokens: JSONSlice?
    package private(set) var maxCompletionTokens: JSONSlice?
    /// The same of `max_output_tokens`, as OpenAI's `/responses` has it.
    package private(set) var maxOutputTokens: JSONSlice?
    /// Whether the request asks to be served before others, at a higher price: `service_tier: priority`.
    package private(set) var isUrgent = false
    /// Whether the provider is to keep the answer, so that a repeated call would leave two.
    package private(set) var isStored = false
    /// Members at the top level.
    package private(set) var memberCount = 0
    /// Where the first key begins, or one past the opening brace where there is none: a new member fits in here.
    package private(set) var firstMember = 0

    /// Nothing is known of the body: it is no JSON text, or not read.
    package static let unknown = RequestIndex()

    private init() {}

    /// Notes that the answer is to be a stream, which some requests ask for in words of their own.
    package mutating func noteStream() { self.isStream = true }

    /// Scans the body of a request.
    ///
    /// Allocates nothing unless it throws.
    ///
    /// - Throws: `RequestIndexError`.
    package init(_ body: ByteBuffer) throws(RequestIndexError) {
        self.init()
        self = try body.withBytes { (bytes) throws(RequestIndexError) -> RequestIndex in
            try RequestIndex(bytes)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(RequestIndexError) {
        self.init()
        var fault: RequestIndexError?
        do throws(JSONError) {
            var scanner = JSONScanner(bytes)
            let reader = JSONScanner(bytes)
            try scanner.members { (key, value) throws(JSONError) in
                if self.memberCount == 0 { self.firstMember = key.slice.start }
                self.memberCount += 1
                guard let name = Self.names.position(of: key) else { return }
                do throws(RequestIndexError) {
                    try self.note(name, value, in: bytes, reader)
                } catch {
                    if fault == nil { fault = error }
                }
            }
        } catch {
            throw .notJSON(error, path: JSONPath.find(error.offset, in: bytes))
        }
        if let fault { throw fault }
        if self.memberCount == 0 {
            self.firstMember = (bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0) + 1
        }
    }

    private static let names = JSONNames(
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "stream",
        "stream_options",
        "stop",
        "store",
        "n",
        "best_of",
        "tools",
        "tool_choice",
        "service_tier",
        "max_output_tokens",
        "stop_sequences",
        "input"
    )

    /// Looks at one member; `name` is its position in `names`.
    private mutating func note(
        _ name: Int,
        _ value: JSONSlice,
        in bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(RequestIndexError) {
        switch name {
        case 0:
            guard reader.kind(value) == .string else { throw .wrongType("model", expected: "a string") }
            guard value.count > 2, value.count <= Caps.modelBytes else {
                throw .outOfRange("model", expected: "1 to \(Caps.modelBytes) bytes")
            }
            self.model = value
        case 1:
            try Self.count(value, atMost: Caps.messages, "messages", in: bytes)
            self.messages = value
        case 2: if try self.noteOutputLimit(value, "max_tokens", reader) { self.maxTokens = value }
        case 3: if try self.noteOutputLimit(value, "max_completion_tokens", reader) { self.maxCompletionTokens = value }
        case 4:
            if reader.isNull(value) { return }
            guard let flag = reader.bool(value) else { throw .wrongType("stream", expected: "true or false") }
            self.isStream = flag
        case 5: try self.noteStreamOptions(value, in: bytes, reader)
        case 6: try Self.checkStop(value, "stop")
        case 7: self.isStored = reader.bool(value) ?? false
        case 8: try self.noteChoices(value, "n", reader)
        case 9: try self.noteChoices(value, "best_of", reader)
        case 10: try Self.count(value, atMost: Caps.tools, "tools", in: bytes)
        case 11: self.toolChoice = value
        case 12: self.isUrgent = reader.equals(value, "priority")
        case 13: if try self.noteOutputLimit(value, "max_output_tokens", reader) { self.maxOutputTokens = value }
        case 14: try Self.checkStop(value, "stop_sequences")
        default: self.input = value
        }
    }

    private static func checkStop(_ value: JSONSlice, _ name: StaticString) throws(RequestIndexError) {
        guard value.count <= Caps.stopBytes else {
            throw .outOfRange(name, expected: "at most \(Caps.stopBytes) bytes")
        }
    }

    /// - Returns: Whether it is a limit at all, and not null.
    private mutating func noteOutputLimit(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: JSONScanner
    ) throws(RequestIndexError) -> Bool {
        guard let limit = try Self.number(value, name, 0...Caps.tokens, reader) else { return false }
        // Where both are given, the larger one is what the answer may come to.
        self.outputTokensMax = max(limit, self.outputTokensMax ?? 0)
        return true
    }

    private mutating func noteChoices(
        _ value: JSONSlice,
        _ name: StaticString,
        _ reader: JSONScanner
    ) throws(RequestIndexError) {
        guard let number = try Self.number(value, name, 1...Caps.choices, reader) else { return }
        self.choices = max(self.choices, number)
    }

    private mutating func noteStreamOptions(
        _ value: JSONSlice,
        in bytes: UnsafeRawBufferPointer,
        _ reader: JSONScanner
    ) throws(RequestIndexError) {
        self.streamOptions = value
        if reader.isNull(value) { return }
        guard reader.kind(value) == .object else { throw .wrongType("stream_options", expected: "an object") }
        var wantsUsage = false
        do throws(JSONError) {
            var inner = JSONScanner(bytes, at: value)
            try inner.members { (key, value) throws(JSONError) in
                if key.equals("include_usage") { wantsUsage = reader.bool(value) ?? false }
            }
        } catch {
            throw .notJSON(error, path: JSONPath.find(error.offset, in: bytes))
        }
        self.wantsUsage = wantsUsage
    }

    /// Counts elements only where there could be too many: an element with its comma has at least two bytes.
    private static func count(
        _ value: JSONSlice,
        atMost limit: Int,
        _ name: StaticString,
        in bytes: UnsafeRawBufferPointer
    ) throws(RequestIndexError) {
        guard value.count > limit * 2, bytes[value.start] == UInt8(ascii: "[") else { return }
        var count = 0
        do throws(JSONError) {
            var inner = JSONScanner(bytes, at: value)
            try inner.elements { _ in count += 1 }
        } catch {
            throw .notJSON(error, path: JSONPath.find(error.offset, in: bytes))
        }
        guard count <= limit else { throw .outOfRange(name, expected: "at most \(limit) elements") }
    }

    private static func number(
        _ value: JSONSlice,
        _ name: StaticString,
        _ range: ClosedRange<Int>,
        _ reader: JSONScanner
    ) throws(RequestIndexError) -> Int? {
        if reader.isNull(value) { return nil }
        guard reader.kind(value) == .number else { throw .wrongType(name, expected: "a whole number") }
        guard let number = reader.int(value), range.contains(number) else {
            throw .outOfRange(name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// What is wrong with a request's body.
package enum RequestIndexError: Error, Sendable, Equatable {
    /// It is not JSON, or a key comes twice. `path` says where.
    case notJSON(JSONError, path: String)
    case wrongType(StaticString, expected: String)
    case outOfRange(StaticString, expected: String)

    package static func == (left: RequestIndexError, right: RequestIndexError) -> Bool {
        switch (left, right) {
        case (.notJSON(let one, let here), .notJSON(let other, let there)): one == other && here == there
        case (.wrongType(let one, let this), .wrongType(let other, let that)),
            (.outOfRange(let one, let this), .outOfRange(let other, let that)):
            one.description == other.description && this == that
        default: false
        }
    }
}

extension GatewayError {
    /// What a client learns about its body: which field, and what was expected there.
    package init(_ error: RequestIndexError) {
        switch error {
        case .notJSON(.duplicateKey, let path):
            self.init(.invalidRequest, "The key '\(path)' is there twice.", param: path)
            self.details = [(key: "field", value: path), (key: "expected", value: "each key once")]
        case .notJSON(.tooDeep, _):
            self.init(.invalidJSON, "The body is nested deeper than \(JSONScanner.depthMax) levels.")
        case .notJSON(.invalid(let offset, let expected), let path):
            self.init(.invalidJSON, "The body is not valid JSON: \(expected.rawValue) was expected at byte \(offset).")
            self.details = Self.place(path) + [(key: "expected", value: expected.rawValue)]
        case .notJSON(let fault, let path):
            self.init(
                .invalidJSON,
                "The body is not valid JSON: the text at byte \(fault.offset) is not valid Unicode."
            )
            self.details = Self.place(path)
        case .wrongType(let field, let expected), .outOfRange(let field, let expected):
            self.init(.invalidRequest, "'\(field)' must be \(expected).", param: field.description)
            self.details = [(key: "field", value: field.description), (key: "expected", value: expected)]
        }
    }

    private static func place(_ path: String) -> [(key: String, value: String)] {
        path.isEmpty ? [] : [(key: "field", value: path)]
    }
}
