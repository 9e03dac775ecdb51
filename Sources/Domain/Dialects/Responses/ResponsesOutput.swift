internal import Chat
internal import Core
internal import NIOCore

/// The kinds of items that an answer is made of.
enum ResponsesItem {
    case message, reasoning, functionCall, customCall, image

    /// What ids of this kind begin with; OpenAI refuses others when they come back.
    var prefix: StaticString {
        switch self {
        case .message: "msg_"
        case .reasoning: "rs_"
        case .functionCall: "fc_"
        case .customCall: "ctc_"
        case .image: "ig_"
        }
    }
}

/// Writes the items of an answer, the same for whole answers and for streams; commas between them are the caller's.
///
/// An item's id is made of the response's and its place in the output, so that it can be found by its id alone.
extension ByteBuffer {
    /// The id of an item, `"<prefix><id>_<index>"`.
    mutating func writeItemID(_ item: ResponsesItem, _ id: String, _ index: Int) {
        self.writeInteger(UInt8(ascii: "\""))
        self.writeStaticString(item.prefix)
        self.writeString(id)
        self.writeInteger(UInt8(ascii: "_"))
        self.writeString(String(index))
        self.writeInteger(UInt8(ascii: "\""))
    }

    /// A message.
    ///
    /// - Parameter content: Its parts, with commas between them.
    mutating func writeMessageItem(_ id: String, _ index: Int, status: StaticString, content: ByteBuffer) {
        self.beginObject()
        self.writeKey("id")
        self.writeItemID(.message, id, index)
        self.writeMember("type", word: "message")
        self.writeMember("status", word: status)
        self.writeMember("role", word: "assistant")
        self.writeKey("content")
        self.beginArray()
        self.writeImmutableBuffer(content)
        self.endArray()
        self.endObject()
    }

    /// A text of a message.
    ///
    /// - Parameters:
    ///   - text: The text's JSON form without its quotes.
    ///   - annotations: Sources, with commas between them.
    ///   - logprobs: A list, or nil for none.
    mutating func writeOutputText(_ text: ByteBuffer, annotations: ByteBuffer, logprobs: ByteBuffer? = nil) {
        self.beginObject()
        self.writeMember("type", word: "output_text")
        self.writeKey("annotations")
        self.beginArray()
        self.writeImmutableBuffer(annotations)
        self.endArray()
        self.writeKey("logprobs")
        self.beginArray()
        if let logprobs { self.writeImmutableBuffer(logprobs) }
        self.endArray()
        self.writeQuoted("text", text)
        self.endObject()
    }

    /// A refusal as a part of a message.
    mutating func writeRefusal(_ text: ByteBuffer) {
        self.beginObject()
        self.writeMember("type", word: "refusal")
        self.writeQuoted("refusal", text)
        self.endObject()
    }

    /// A reasoning item.
    ///
    /// - Parameters:
    ///   - summary: The thoughts' JSON form without quotes; empty for none.
    ///   - encrypted: What has to come back with the next request; nil for nothing.
    mutating func writeReasoningItem(_ id: String, _ index: Int, summary: ByteBuffer, encrypted: JSONString?) {
        self.beginObject()
        self.writeKey("id")
        self.writeItemID(.reasoning, id, index)
        self.writeMember("type", word: "reasoning")
        self.writeKey("summary")
        self.beginArray()
        if summary.readableBytes > 0 { self.writeSummaryText(summary) }
        self.endArray()
        if let encrypted { self.writeMember("encrypted_content", encrypted) }
        self.endObject()
    }

    /// One text of a summary.
    mutating func writeSummaryText(_ text: ByteBuffer) {
        self.beginObject()
        self.writeMember("type", word: "summary_text")
        self.writeQuoted("text", text)
        self.endObject()
    }

    /// A tool call.
    ///
    /// - Parameter arguments: Their JSON form without quotes.
    mutating func writeCallItem(
        _ kind: ResponsesItem,
        _ id: String,
        _ index: Int,
        status: StaticString,
        callID: JSONString,
        name: JSONString,
        arguments: ByteBuffer
    ) {
        self.beginObject()
        self.writeKey("id")
        self.writeItemID(kind, id, index)
        if kind == .customCall {
            self.writeMember("type", word: "custom_tool_call")
            self.writeMember("call_id", callID)
            self.writeMember("name", name)
            self.writeQuoted("input", arguments)
        } else {
            self.writeMember("type", word: "function_call")
            self.writeMember("status", word: status)
            self.writeQuoted("arguments", arguments)
            self.writeMember("call_id", callID)
            self.writeMember("name", name)
        }
        self.endObject()
    }

    /// A picture that the model made.
    ///
    /// - Parameter data: Base64.
    mutating func writeImageItem(_ id: String, _ index: Int, _ data: ByteBuffer, _ mediaType: JSONString?) {
        self.beginObject()
        self.writeKey("id")
        self.writeItemID(.image, id, index)
        self.writeMember("type", word: "image_generation_call")
        self.writeMember("status", word: "completed")
        if let text = mediaType?.text, text.hasPrefix("image/") {
            self.writeMember("output_format", JSONString(String(text.dropFirst("image/".count))))
        }
        self.writeQuoted("result", data)
        self.endObject()
    }

    /// A member that is a string, of its JSON form without quotes.
    mutating func writeQuoted(_ name: StaticString, _ content: ByteBuffer) {
        self.writeKey(name)
        self.writeInteger(UInt8(ascii: "\""))
        self.writeImmutableBuffer(content)
        self.writeInteger(UInt8(ascii: "\""))
    }
}

extension ByteBuffer {
    /// A comma, unless nothing was written yet: for lists whose brackets come later.
    mutating func separateItems() {
        if self.readableBytes > 0 { self.writeInteger(UInt8(ascii: ",")) }
    }
}

extension JSONString {
    /// A string of its JSON form without quotes.
    init(content: ByteBuffer) {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "\""))
        bytes.writeImmutableBuffer(content)
        bytes.writeInteger(UInt8(ascii: "\""))
        self.init(checked: bytes)
    }

    /// The length of its text in characters, as OpenAI counts them: Unicode scalars.
    var characterCount: Int {
        // Continuation bytes are no characters of their own.
        self.utf8.readableBytesView.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }
}
