internal import Chat
internal import Core
internal import NIOCore

/// What one event of a streamed response holds.
struct ResponsesEventFields {
    /// What an event is about, as far as it matters.
    enum Kind {
        case created, completed, failed
        case itemAdded, itemDone, partAdded, partDone
        case textDelta, refusalDelta, thinkingDelta, summaryAdded
        case argumentsDelta, argumentsDone
        case annotation
        case other
    }

    private static let names = JSONNames(
        "type",
        "delta",
        "output_index",
        "item",
        "part",
        "response",
        "arguments",
        "annotation",
        "error",
        "code",
        "message",
        "input",
        "logprobs"
    )

    var type: Kind?
    var delta: JSONString?
    var outputIndex: Int?
    var item: JSONFragment?
    var part: JSONFragment?
    var response: JSONFragment?
    var arguments: JSONString?
    var annotation: JSONFragment?
    var error: JSONFragment?
    var code: JSONString?
    var message: JSONString?
    /// Those of the tokens in `delta`; nil for an empty list.
    var logprobs: JSONFragment?

    init(_ data: ByteBuffer) throws(AnswerUnreadable) {
        self = try BodyReader.read(data) { (reader) throws(AnswerUnreadable) -> ResponsesEventFields in
            var fields = ResponsesEventFields()
            try reader.members(of: reader.root) { (key, value) throws(AnswerUnreadable) in
                guard let name = Self.names.position(of: key), !reader.isNull(value) else { return }
                switch name {
                case 0: fields.type = Self.kind(value, reader)
                case 1: fields.delta = reader.string(value)
                case 2: fields.outputIndex = reader.scanner.int(value).flatMap { (0...65_536).contains($0) ? $0 : nil }
                case 3: fields.item = reader.fragment(value)
                case 4: fields.part = reader.fragment(value)
                case 5: fields.response = reader.fragment(value)
                case 6: fields.arguments = reader.string(value)
                case 7: fields.annotation = reader.fragment(value)
                case 8: fields.error = reader.fragment(value)
                case 9: fields.code = reader.string(value)
                case 10: fields.message = reader.string(value)
                case 11: fields.arguments = reader.string(value)
                default:
                    guard reader.kind(value) == .array, value.count > 2 else { return }
                    fields.logprobs = reader.fragment(value)
                }
            }
            return fields
        }
    }

    private init() {}

    private static let kinds: [(StaticString, Kind)] = [
        // The many first.
        ("response.output_text.delta", .textDelta),
        ("response.function_call_arguments.delta", .argumentsDelta),
        ("response.reasoning_summary_text.delta", .thinkingDelta),
        ("response.reasoning_text.delta", .thinkingDelta),
        ("response.refusal.delta", .refusalDelta),
        ("response.created", .created),
        ("response.in_progress", .created),
        ("response.queued", .created),
        ("response.output_item.added", .itemAdded),
        ("response.output_item.done", .itemDone),
        ("response.content_part.added", .partAdded),
        ("response.content_part.done", .partDone),
        ("response.reasoning_summary_part.added", .summaryAdded),
        ("response.function_call_arguments.done", .argumentsDone),
        ("response.custom_tool_call_input.delta", .argumentsDelta),
        ("response.custom_tool_call_input.done", .argumentsDone),
        ("response.output_text.annotation.added", .annotation),
        ("response.completed", .completed),
        ("response.incomplete", .completed),
        ("response.done", .completed),
        ("response.failed", .failed),
        ("error", .failed),
    ]

    private static func kind(_ value: JSONSlice, _ reader: BodyReader) -> Kind {
        for (name, kind) in self.kinds where reader.equals(value, name) { return kind }
        return .other
    }

    /// Whether an item is a step of a tool that the provider runs by itself, or something that nobody here knows.
    ///
    /// Not so pictures: they come as they are, at the end of their item.
    static func isForeign(_ item: JSONFragment) -> Bool {
        guard let type = item.value(of: "type")?.string else { return false }
        let known: [StaticString] = [
            "message", "reasoning", "function_call", "custom_tool_call", "image_generation_call",
        ]
        return !known.contains { type.equals($0) }
    }

    /// A tool call as its item begins.
    struct Call {
        var id: JSONString
        var name: JSONString
        var arguments: JSONString?
        var isCustom: Bool

        /// - Returns: Nil if the item is something else.
        init?(_ item: JSONFragment) {
            var type: JSONString?
            var id: JSONString?
            var callID: JSONString?
            var name: JSONString?
            var arguments: JSONString?
            item.visitMembers { key, value in
                if key.equals("type") { type = value.string }
                if key.equals("id") { id = value.string }
                if key.equals("call_id") { callID = value.string }
                if key.equals("name") { name = value.string }
                if key.equals("arguments") || key.equals("input") { arguments = value.string }
            }
            guard let type, let name, let callID = callID ?? id else { return nil }
            guard type.equals("function_call") || type.equals("custom_tool_call") else { return nil }
            self.id = callID
            self.name = name
            self.arguments = arguments
            self.isCustom = type.equals("custom_tool_call")
        }
    }
}
