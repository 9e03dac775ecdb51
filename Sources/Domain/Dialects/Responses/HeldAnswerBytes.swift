internal import Core
internal import NIOCore

/// Counts what a writer of streams holds of an answer to say it again at the end, so that no provider makes it endless.
struct HeldAnswerBytes {
    private static let countMax = 64 << 20
    private var count = 0

    /// Counts in something that is held, in bytes.
    ///
    /// - Throws: `AnswerUnreadable.garbled` if it is too much.
    mutating func add(_ bytes: Int) throws(AnswerUnreadable) {
        self.count += bytes
        guard self.count <= Self.countMax else { throw .garbled }
    }

    /// Appends a text without its quotes, and counts it in.
    mutating func write(_ text: JSONString, into buffer: inout ByteBuffer) throws(AnswerUnreadable) {
        try self.add(text.bytes.readableBytes)
        text.writeContent(into: &buffer)
    }
}
