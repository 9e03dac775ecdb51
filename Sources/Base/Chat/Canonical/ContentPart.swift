package import Core
package import NIOCore

/// A piece of a message.
package struct ContentPart: Sendable {
    package enum Content: Sendable {
        case text(JSONString)
        case image(Media)
        case audio(Media)
        /// A document: PDF, text and whatever else the provider reads.
        case file(Media)
        case thinking(Thinking)
        case toolCall(ToolCall)
        case toolResult(ToolResult)
        /// The model's own words on why it does not answer.
        case refusal(JSONString)
        /// A part that only the dialect it was said in knows, whole.
        case other(JSONFragment)
    }

    package var content: Content
    /// Asks the provider to keep what stands up to here in its prompt cache: Anthropic's `cache_control`, an object.
    package var cacheMark: Given<JSONFragment>?
    /// Sources that an answer names for its text: one JSON value each, in the dialect `citationFormat`.
    package var citations: [JSONFragment] = []
    /// Where the part begins in the client's body; -1 for what the gateway put in, or a provider said.
    package var place: Int
    package var rest: [RestMember] = []
    /// What only writing the same dialect again needs, such as the ids of items: no other target misses it.
    package var own: [RestMember] = []

    package init(_ content: Content, place: Int = -1) {
        self.content = content
        self.place = place
    }
}

/// A picture, a sound or a document.
package struct Media: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// Base64 (RFC 4648 §4) without its quotes, and never with escapes.
        case data(ByteBuffer)
        /// An address that the provider fetches.
        case url(JSONString)
        /// What the provider calls a file that was sent to it before.
        case fileID(JSONString)
        /// Plain text, as Anthropic's text documents have it.
        case text(JSONString)
    }

    package var source: Source
    /// Such as `image/png`; nil where nobody said.
    package var mediaType: JSONString?
    /// The file's name or the document's title.
    package var name: Given<JSONString>?
    /// OpenAI's `detail` of pictures.
    package var detail: Given<JSONString>?

    package init(_ source: Source, mediaType: JSONString? = nil) {
        self.source = source
        self.mediaType = mediaType
    }
}

/// What the model thought before it spoke.
package struct Thinking: Sendable, Equatable {
    /// The thoughts, or a summary of them; empty where they are hidden.
    package var text: JSONString
    /// The provider's proof that they are its own, which it wants back unchanged.
    package var signature: JSONString?
    /// Thoughts that only the provider can read, which it wants back unchanged: Anthropic's `redacted_thinking`,
    /// OpenAI's `encrypted_content`.
    package var redacted: JSONString?
    /// The item's id, where the dialect has one.
    package var id: JSONString?
    /// Whose signature it is; another provider's is worth nothing.
    package var format: WireFormat

    package init(
        text: JSONString,
        signature: JSONString? = nil,
        redacted: JSONString? = nil,
        id: JSONString? = nil,
        format: WireFormat
    ) {
        self.text = text
        self.signature = signature
        self.redacted = redacted
        self.id = id
        self.format = format
    }
}

/// A model's wish to have a tool run.
package struct ToolCall: Sendable, Equatable {
    package var id: JSONString
    package var name: JSONString
    package var arguments: ToolArguments
    /// Gemini's thought signature, which it wants back on the same call.
    package var signature: JSONString?
    /// Whether the arguments are free text, as for OpenAI's `custom` tools.
    package var isCustom = false
    /// The arguments as a string: free text as it is, an object as its JSON text.
    package var said: JSONString {
        if self.isCustom, case .encoded(let text) = self.arguments { return text }
        return self.arguments.asString
    }

    package init(id: JSONString, name: JSONString, arguments: ToolArguments, signature: JSONString? = nil) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.signature = signature
    }
}

/// The arguments of a tool call, in whichever of the two forms they came.
package enum ToolArguments: Sendable, Equatable {
    /// A JSON object.
    case object(JSONFragment)
    /// A string that holds the text of a JSON object, as OpenAI and Cohere have it; a model may have got it wrong.
    case encoded(JSONString)

    /// As a string; no arguments are `"{}"`.
    package var asString: JSONString {
        switch self {
        case .encoded(let text): text.isBlank ? Self.emptyString : text
        case .object(let object): JSONString(utf8: object.bytes)
        }
    }

    /// As an object; nil where the text is not one.
    ///
    /// No arguments are `{}`.
    package var asObject: JSONFragment? {
        switch self {
        case .object(let object):
            return object
        case .encoded(let text):
            if text.isBlank { return JSONFragment(literal: "{}") }
            let plain = text.utf8
            let isObject = plain.withUnsafeReadableBytes { bytes in
                (try? JSONScanner.validate(bytes)) != nil && bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
            }
            return isObject ? JSONFragment(checked: plain) : nil
        }
    }

    private static let emptyString = JSONString("{}")
}

/// What a tool gave.
package struct ToolResult: Sendable {
    /// The id of the call it answers.
    package var callID: JSONString
    /// Texts, and pictures and files where the dialect has them.
    package var parts: [ContentPart]
    /// Whether the tool failed; nil where nobody said.
    package var isError: Given<Bool>?

    package init(callID: JSONString, parts: [ContentPart], isError: Given<Bool>? = nil) {
        self.callID = callID
        self.parts = parts
        self.isError = isError
    }
}
