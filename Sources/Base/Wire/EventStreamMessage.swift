package import NIOCore

/// One message of an Amazon event stream (`application/vnd.amazon.eventstream`).
///
/// Source: "Event stream encoding" of the Amazon Transcribe developer guide, and the Smithy specification
/// "Amazon Event Stream".
package struct EventStreamMessage: Sendable, Equatable {
    /// What `:message-type` says.
    package enum Kind: Sendable, Equatable {
        /// One step of the answer; `type` is its `:event-type`.
        case event
        /// A failure that the service's description names; `type` is its `:exception-type`, `payload` tells more.
        case exception
        /// A failure without a name of its own; `type` is its `:error-code`, `errorMessage` tells more.
        case error
    }

    package var kind: Kind
    /// The name of the event, exception or error, as received.
    package var type: ByteBuffer
    /// What `:error-message` says.
    package var errorMessage: ByteBuffer?
    /// The readable bytes are the payload; what they are, `:content-type` tells, and for Bedrock it is always JSON.
    package var payload: ByteBuffer

    package init(kind: Kind, type: ByteBuffer, errorMessage: ByteBuffer? = nil, payload: ByteBuffer = ByteBuffer()) {
        self.kind = kind
        self.type = type
        self.errorMessage = errorMessage
        self.payload = payload
    }
}

/// How much of one message its sender may make us hold, in bytes (row 34).
package struct EventStreamLimits: Sendable, Equatable {
    /// The longest message, its lengths and checksums included.
    package var messageBytesMax: Int
    /// The longest headers.
    package var headerBytesMax: Int

    /// 1 MiB a message, of which 128 KiB headers, unless told otherwise.
    ///
    /// The encoding allows 16 MiB; messages of models are smaller than 64 KiB, and each open stream may hold one.
    package init(messageBytesMax: Int = 1 << 20, headerBytesMax: Int = 128 << 10) {
        self.messageBytesMax = messageBytesMax
        self.headerBytesMax = headerBytesMax
    }
}

/// Why an event stream cannot be read on.
package enum EventStreamError: String, Error, Sendable, Equatable, CaseIterable {
    /// The lengths at the start of a message do not have the checksum that stands behind them.
    case badPreludeChecksum
    /// The lengths at the start of a message cannot be: no room for the checksums, or more headers than message.
    case badLengths
    /// The message is longer than `EventStreamLimits.messageBytesMax`.
    case messageTooLarge
    /// The headers are longer than `EventStreamLimits.headerBytesMax`.
    case headersTooLarge
    /// The message does not have the checksum at its end.
    case badChecksum
    /// The headers cannot be told apart: a name or value leads beyond them, or a value is of an unknown type.
    case badHeaders
    /// The headers do not say what the message is: no `:message-type` that is known, or no name to go with it.
    case unnamedMessage
}
