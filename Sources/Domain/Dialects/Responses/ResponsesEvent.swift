internal import NIOCore

/// The types of the events of a streamed response that are written here.
struct ResponsesEvent {
    /// The value of `type`, and of the event's own type.
    let name: ByteBuffer

    private init(_ name: StaticString) { self.name = ByteBuffer(staticString: name) }

    static let created = Self("response.created")
    static let inProgress = Self("response.in_progress")
    static let completed = Self("response.completed")
    static let incomplete = Self("response.incomplete")
    static let failed = Self("response.failed")
    static let itemAdded = Self("response.output_item.added")
    static let itemDone = Self("response.output_item.done")
    static let partAdded = Self("response.content_part.added")
    static let partDone = Self("response.content_part.done")
    static let textDelta = Self("response.output_text.delta")
    static let textDone = Self("response.output_text.done")
    static let refusalDelta = Self("response.refusal.delta")
    static let refusalDone = Self("response.refusal.done")
    static let annotationAdded = Self("response.output_text.annotation.added")
    static let argumentsDelta = Self("response.function_call_arguments.delta")
    static let argumentsDone = Self("response.function_call_arguments.done")
    static let inputDelta = Self("response.custom_tool_call_input.delta")
    static let inputDone = Self("response.custom_tool_call_input.done")
    static let summaryAdded = Self("response.reasoning_summary_part.added")
    static let summaryDelta = Self("response.reasoning_summary_text.delta")
    static let summaryTextDone = Self("response.reasoning_summary_text.done")
    static let summaryDone = Self("response.reasoning_summary_part.done")
}
