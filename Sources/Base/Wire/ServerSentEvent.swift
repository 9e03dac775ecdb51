package import NIOCore

/// One event of a server-sent event stream, or one comment.
///
/// Texts are the bytes that were received. A browser would replace what is not UTF-8; whoever reads them as text here
/// decides that for itself.
package struct ServerSentEvent: Sendable, Equatable {
    /// The values of the event's `data` lines, joined with LF; the text of a comment.
    package var data: ByteBuffer
    /// The value of `event`.
    ///
    /// Nil if there was none or it was empty, which means `message`.
    package var type: ByteBuffer?
    /// The last `id` of the stream up to here, which stays in force for later events.
    ///
    /// Nil if there was none.
    package var id: ByteBuffer?
    /// Whether this is a comment line, which is no event.
    ///
    /// Only if `SSEReader.surfacesComments`.
    package var isComment: Bool

    /// An event, or a comment if `isComment`.
    package init(data: ByteBuffer, type: ByteBuffer? = nil, id: ByteBuffer? = nil, isComment: Bool = false) {
        self.data = data
        self.type = type
        self.id = id
        self.isComment = isComment
    }
}

/// How much of one event its sender may make us hold, in bytes (row 34).
package struct SSELimits: Sendable, Equatable {
    /// The longest line, without its line end.
    package var lineBytesMax: Int
    /// The longest data of one event, the joining LFs included.
    package var eventBytesMax: Int

    /// 1 MiB a line and 4 MiB an event, unless told otherwise.
    package init(lineBytesMax: Int = 1 << 20, eventBytesMax: Int = 4 << 20) {
        self.lineBytesMax = lineBytesMax
        self.eventBytesMax = eventBytesMax
    }
}

/// Why a stream of events cannot be read on, or an event not be written.
package enum SSEError: String, Error, Sendable, Equatable, CaseIterable {
    /// A line is longer than `SSELimits.lineBytesMax`.
    case lineTooLong
    /// The data of an event is longer than `SSELimits.eventBytesMax`.
    case eventTooLarge
    /// A type or id to be written holds CR, LF or NUL, and would become another field (row 36).
    case badField
}
