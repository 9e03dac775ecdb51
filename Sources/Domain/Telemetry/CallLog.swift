internal import Core
internal import NIOConcurrencyHelpers
package import NIOCore
internal import Wire

/// One JSON line for each call, formatted straight into a buffer of the call's own loop.
///
/// A loop's buffer is handed to the writer when it holds 32 KiB or when `flush` is called, which Assembly's timer does
/// every 200 ms. Nothing here waits for the disk: what does not fit into the writer's queue is dropped and counted.
package final class CallLog: Sendable {
    /// A loop's buffer is handed over from this size on.
    package static let batchBytes = 32 * 1024

    private let shards: [NIOLockedValueBox<ByteBuffer>]
    private let writer: LineWriter

    package init(loops: Int, writer: LineWriter) {
        precondition(loops > 0, "there is at least one loop, not \(loops)")
        self.writer = writer
        self.shards = (0..<loops).map { _ in NIOLockedValueBox(ByteBuffer()) }
    }

    /// Adds one line.
    ///
    /// Never waits for the disk.
    package func append(_ record: CallRecord, loop: Int) {
        let full: ByteBuffer? = self.shards[loop].withLockedValue { buffer in
            Self.write(record, into: &buffer)
            return buffer.readableBytes >= Self.batchBytes ? Self.take(&buffer) : nil
        }
        if let full { self.writer.write(full) }
    }

    /// Hands everything that was added to the writer.
    ///
    /// Safe from any thread, safe to repeat.
    package func flush() {
        for shard in self.shards {
            let lines: ByteBuffer? = shard.withLockedValue { $0.readableBytes > 0 ? Self.take(&$0) : nil }
            if let lines { self.writer.write(lines) }
        }
    }

    /// Lines that were lost because the writer could not keep up.
    package var dropped: Int { self.writer.droppedLines }

    /// The contents, with an empty buffer of the same size in their place.
    private static func take(_ buffer: inout ByteBuffer) -> ByteBuffer {
        let full = buffer
        buffer = ByteBuffer()
        buffer.reserveCapacity(Self.batchBytes + 1024)
        return full
    }

    /// One line with its line feed.
    ///
    /// Free text is escaped so that one call is one line (row 52).
    package static func write(_ record: CallRecord, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"ts\":\"")
        record.time.writeRFC3339(into: &buffer)
        buffer.writeStaticString("\",\"msg\":\"call\",\"request\":\"")
        record.id.write(into: &buffer)
        buffer.writeStaticString("\",\"group\":")
        appendJSONString(record.group, into: &buffer)
        buffer.writeStaticString(",\"key\":")
        appendJSONString(record.keyID, into: &buffer)
        buffer.writeStaticString(",\"route\":\"")
        buffer.writeStaticString(record.operation)
        buffer.writeStaticString("\",\"model\":")
        appendJSONString(record.modelAsked, into: &buffer)
        buffer.writeStaticString(",\"provider\":")
        appendJSONString(record.provider, into: &buffer)
        if !record.credentialID.isEmpty {
            buffer.writeStaticString(",\"credential\":")
            appendJSONString(record.credentialID, into: &buffer)
        }
        buffer.writeStaticString(",\"upstreamModel\":")
        appendJSONString(record.upstreamModel, into: &buffer)
        if !record.variant.isEmpty {
            buffer.writeStaticString(",\"variant\":")
            appendJSONString(record.variant, into: &buffer)
        }
        Self.number(",\"status\":", record.status, into: &buffer)
        if let code = record.code {
            buffer.writeStaticString(",\"code\":\"")
            buffer.writeString(code.rawValue)
            buffer.writeStaticString("\"")
        }
        buffer.writeStaticString(record.isStream ? ",\"stream\":true" : ",\"stream\":false")
        Self.number(",\"attempts\":", record.attempts, into: &buffer)
        Self.number(",\"tokensIn\":", record.inputTokens, into: &buffer)
        Self.number(",\"tokensOut\":", record.outputTokens, into: &buffer)
        Self.number(",\"tokensCached\":", record.cachedTokens, into: &buffer)
        if let charged = record.charged {
            buffer.writeStaticString(",\"costUsd\":")
            charged.write(into: &buffer)
        }
        Self.milliseconds(",\"ms\":", record.total, into: &buffer)
        if let first = record.firstToken { Self.milliseconds(",\"ttftMs\":", first, into: &buffer) }
        Self.number(",\"bytesIn\":", record.bytesIn, into: &buffer)
        Self.number(",\"bytesOut\":", record.bytesOut, into: &buffer)
        if record.isClientGone { buffer.writeStaticString(",\"clientGone\":true") }
        buffer.writeStaticString("}\n")
    }

    private static func number(_ key: StaticString, _ value: Int?, into buffer: inout ByteBuffer) {
        guard let value else { return }
        buffer.writeStaticString(key)
        buffer.writeDecimal(value)
    }

    /// Milliseconds with one decimal.
    private static func milliseconds(_ key: StaticString, _ time: TimeAmount, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(key)
        let tenths = max(0, time.nanoseconds / 100_000)
        buffer.writeDecimal(Int(tenths / 10))
        buffer.writeStaticString(".")
        buffer.writeDecimal(Int(tenths % 10))
    }
}
