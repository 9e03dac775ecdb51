internal import Chat
internal import Core
internal import NIOCore
internal import Providers
internal import Wire

/// Reads along what an answer says it used, while its bytes go on as they are.
struct UsageTap {
    /// The longest JSON text that is kept to be read.
    private static let bytesMax = 4 << 20

    private enum Form {
        case events(SSEReader)
        case json(ByteBuffer)
        /// Nothing in it can be read.
        case other
    }

    private var form: Form
    /// What was said, the last word counting.
    private(set) var usage = TokenUsage()

    /// - Parameter type: The value of `content-type`; nil if there is none.
    init(_ head: ByteBuffer, type: Range<Int>?) {
        self.form = .other
        guard let type else { return }
        if head.hasPrefix("text/event-stream", in: type) { self.form = .events(SSEReader()) }
        if head.isJSONType(in: type) { self.form = .json(ByteBuffer()) }
    }

    mutating func take(_ bytes: ByteBuffer) {
        switch self.form {
        case .other: break
        case .json(var buffer):
            self.form = .other
            guard buffer.readableBytes + bytes.readableBytes <= Self.bytesMax else { return }
            buffer.writeImmutableBuffer(bytes)
            self.form = .json(buffer)
        case .events(var reader):
            self.form = .other
            reader.feed(bytes)
            do throws(SSEError) {
                while let event = try reader.next() { self.read(event.data) }
                self.form = .events(reader)
            } catch {
                // Whatever it is, it goes on; what it used is not known.
            }
        }
    }

    /// Reads what only the whole answer says.
    mutating func end() {
        if case .json(let buffer) = self.form { self.read(buffer) }
    }

    private mutating func read(_ json: ByteBuffer) {
        if let usage = (try? UsageScan(json))?.usage { self.usage.merge(usage) }
    }
}
