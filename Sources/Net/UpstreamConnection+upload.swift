import NIOCore
import Transport
import Wire

/// A request's body on its way to the upstream.
final class Upload {
    /// The largest part that is written at once.
    static let partMax = 64 << 10

    let source: any BodySource
    /// Bytes that are still to come; nil where the body is sent in chunks.
    private var missing: Int?
    /// What was taken from the source and is too long to be written at once.
    private var rest: ByteBuffer?
    /// Whether the pump is at work further up in this very call.
    var isPumping = false

    init(_ source: any BodySource) {
        self.source = source
        self.missing = source.length
    }

    /// What is to be written next.
    func next() throws -> UpstreamPiece {
        if self.rest == nil {
            switch try self.source.poll() {
            case .bytes(let bytes): self.rest = bytes
            case .later: return .later
            case .end:
                guard self.missing ?? 0 == 0 else { throw Self.wrongLength }
                return .end
            }
        }
        let count = min(self.rest?.readableBytes ?? 0, Self.partMax)
        guard let part = self.rest?.readSlice(length: count) else { return .later }
        if self.rest?.readableBytes == 0 { self.rest = nil }
        guard let missing = self.missing else { return .bytes(part) }
        guard part.readableBytes <= missing else { throw Self.wrongLength }
        self.missing = missing - part.readableBytes
        return .bytes(part)
    }

    /// Whether the body goes in chunks.
    var isChunked: Bool { self.source.length == nil }

    /// What follows would be read as another request.
    private static let wrongLength = TransportError.protocolViolation("the request's body has another length than said")
}

/// Sends a body while it comes in, with never more than a few parts of it in memory.
///
/// It goes on by itself, beside whoever waits for the answer: an upstream may answer before it has all, and may not
/// read on before somebody reads its answer.
extension UpstreamConnection {
    func startUpload(_ source: any BodySource, behind head: ByteBuffer, _ context: ChannelHandlerContext) {
        self.isSending = true
        self.upload = Upload(source)
        source.onReady = { self.pump() }
        context.writeAndFlush(self.wrapOutboundOut(head), promise: nil)
        self.pump()
    }

    /// Lets go of the body; the source may serve another connection.
    func stopUpload() {
        self.upload?.source.onReady = nil
        self.upload = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.upload != nil, context.channel.isWritable { self.runtime.executor.scope { self.pump() } }
        context.fireChannelWritabilityChanged()
    }

    /// Writes what has come, as long as the upstream takes it.
    private func pump() {
        guard let upload = self.upload, !upload.isPumping, let context = self.context else { return }
        upload.isPumping = true
        defer { upload.isPumping = false }
        do {
            repeat {
                while self.upload === upload, context.channel.isWritable {
                    switch try upload.next() {
                    case .bytes(let bytes): self.write(bytes, isChunked: upload.isChunked, context)
                    case .end: return self.endUpload(upload, context)
                    case .later:
                        // It is the client that is slow; its own clock runs.
                        context.flush()
                        return self.armUpload(waitsForUpstream: false)
                    }
                }
                context.flush()
            } while self.upload === upload && context.channel.isWritable
            self.armUpload(waitsForUpstream: true)
        } catch {
            // A body that is not whole must not look as if it were: no last chunk, and the connection goes.
            self.fail(error)
            self.end(.call)
        }
    }

    private func write(_ bytes: ByteBuffer, isChunked: Bool, _ context: ChannelHandlerContext) {
        guard isChunked else { return context.write(self.wrapOutboundOut(bytes), promise: nil) }
        let line = ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n")
        context.write(self.wrapOutboundOut(line), promise: nil)
        context.write(self.wrapOutboundOut(bytes), promise: nil)
        context.write(self.wrapOutboundOut(ByteBuffer(staticString: "\r\n")), promise: nil)
    }

    private func endUpload(_ upload: Upload, _ context: ChannelHandlerContext) {
        let end = upload.isChunked ? ByteBuffer(staticString: "0\r\n\r\n") : ByteBuffer()
        self.stopUpload()
        context.writeAndFlush(self.wrapOutboundOut(end), promise: self.partPromise(context, isLast: true))
    }

    /// Once an answer has begun, whoever reads it has the clock.
    private func armUpload(waitsForUpstream: Bool) {
        guard self.state == .head, self.upload != nil else { return }
        if waitsForUpstream { self.armIdleClock() } else { self.armDeadline() }
    }
}
