import Core
import Glibc
import NIOCore
import Transport
import Wire

/// What is known about the answer under way.
struct ResponseState {
    enum Framing { case none, length, chunked, untilClose }

    var isStarted = false
    var isFinished = false
    var closesAfterwards = false
    var framing = Framing.none
    /// HEAD, 204 and 304: the head says what a body would be, and none follows.
    var dropsBody = false
    /// Bytes that leave with the next flush: the head, and a body of known length.
    var out = ByteBuffer()
    /// The payload of the next chunk, with room for its size line in front.
    var chunk = ByteBuffer()
    var sent = 0
    var silence = TimeAmount.zero
    var onSilence: (() -> Void)?
    var onHurry: (() -> Void)?
    var isStalled = false

    mutating func reset() { self = ResponseState() }
}

extension ServerConnection: ServerExchange {
    var transport: any LoopTransport { self.runtime }
    var isResponseStarted: Bool { self.response.isStarted }
    var bytesSent: Int { self.response.sent }
    var isDraining: Bool { self.server.isDraining }

    /// Room before a chunk's payload for its size line: eight digits and CRLF.
    private static let chunkPrefix = 10
    /// Bodies up to this size are copied behind the head, so that they leave in one write.
    private static let copiedBodyMax = 16 << 10

    func begin(status: Int, fields: ByteBuffer, body: ResponseBody) {
        precondition(!self.response.isStarted, "an answer can begin only once")
        self.response.isStarted = true
        self.dropBufferedBody()
        if self.server.isDraining || !self.body.isConsumed { self.response.closesAfterwards = true }
        let isOld = self.head.minorVersion == 0 && self.fault == nil
        self.response.dropsBody = self.head.method == .head || status == 204 || status == 304
        if self.response.out.capacity == 0 { self.response.out = self.runtime.takeBuffer() }
        self.response.out.writeStatusLine(status)
        self.runtime.writeDate(into: &self.response.out, now: time(nil))
        self.response.out.writeImmutableBuffer(fields)
        switch body {
        case .none:
            self.response.framing = .none
        case .length(let count):
            self.response.framing = .length
            self.response.out.writeField("content-length", decimal: count)
        case .stream where isOld:
            self.response.framing = .untilClose
            self.response.closesAfterwards = true
        case .stream:
            self.response.framing = .chunked
            self.response.out.writeStaticString("transfer-encoding: chunked\r\n")
        }
        if self.response.closesAfterwards {
            self.response.out.writeStaticString("connection: close\r\n")
        } else if isOld {
            self.response.out.writeStaticString("connection: keep-alive\r\n")
        }
        self.response.out.writeStaticString("\r\n")
    }

    func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0, !self.response.dropsBody else { return }
        guard self.response.framing != .chunked, bytes.readableBytes > Self.copiedBodyMax, let context = self.context
        else {
            self.write { $0.writeImmutableBuffer(bytes) }
            return
        }
        self.pushOut(context)
        self.response.sent += bytes.readableBytes
        context.write(self.wrapOutboundOut(bytes), promise: nil)
    }

    func write(_ append: (inout ByteBuffer) -> Void) {
        guard !self.response.dropsBody else { return }
        guard self.response.framing == .chunked else {
            if self.response.out.capacity == 0 { self.response.out = self.runtime.takeBuffer() }
            append(&self.response.out)
            return
        }
        if self.response.chunk.readableBytes == 0 {
            if self.response.chunk.capacity == 0 { self.response.chunk = self.runtime.takeBuffer() }
            self.response.chunk.writeRepeatingByte(0, count: Self.chunkPrefix)
        }
        append(&self.response.chunk)
    }

    func flushNow() {
        guard let context = self.context else { return }
        self.closeChunk()
        self.pushOut(context)
        if self.response.chunk.readableBytes > 0 {
            self.response.sent += self.response.chunk.readableBytes
            context.write(self.wrapOutboundOut(self.response.chunk), promise: nil)
            self.runtime.giveBuffer(&self.response.chunk)
        }
        context.flush()
        if self.response.onSilence != nil { self.timer.arm(.now() + self.response.silence) }
    }

    /// Puts the size line before the payload, right-aligned in the room that was left for it.
    private func closeChunk() {
        let count = self.response.chunk.readableBytes - Self.chunkPrefix
        guard self.response.framing == .chunked, count >= 0, self.response.chunk.readableBytes > 0 else { return }
        guard count > 0 else {
            self.response.chunk.clear()
            return
        }
        var digits = 0
        var rest = count
        var index = self.response.chunk.readerIndex + Self.chunkPrefix - 2
        self.response.chunk.setBytes([13, 10], at: index)
        repeat {
            index -= 1
            digits += 1
            let digit = UInt8(rest & 15)
            self.response.chunk.setInteger(digit < 10 ? 48 + digit : 87 + digit, at: index)
            rest >>= 4
        } while rest > 0
        self.response.chunk.moveReaderIndex(to: index)
        self.response.chunk.writeStaticString("\r\n")
    }

    private func pushOut(_ context: ChannelHandlerContext) {
        guard self.response.out.readableBytes > 0 else { return }
        self.response.sent += self.response.out.readableBytes
        context.write(self.wrapOutboundOut(self.response.out), promise: nil)
        self.runtime.giveBuffer(&self.response.out)
    }

    var hasCredit: Bool { self.context?.channel.isWritable ?? false }

    /// Waits until the client has taken enough of what was written.
    ///
    /// The channel's watermarks count bytes: at most 32 KiB and one flush are outstanding.
    func awaitCredit() async throws {
        guard let context = self.context else { throw CancellationError() }
        guard !context.channel.isWritable else { return }
        self.response.isStalled = true
        self.timer.arm(.now() + self.terms.options.writeStallTimeout)
        defer {
            self.response.isStalled = false
            if self.phase == .busy { self.timer.disarm() }
        }
        while let channel = self.context?.channel, !channel.isWritable { try await self.waiter.wait() }
        guard self.context != nil else { throw CancellationError() }
        if self.response.onSilence != nil { self.timer.arm(.now() + self.response.silence) }
    }

    func finishNow() {
        guard !self.response.isFinished else { return }
        self.response.onSilence = nil
        self.response.onHurry = nil
        if self.response.framing == .chunked, !self.response.dropsBody {
            self.closeChunk()
            if self.response.chunk.capacity == 0 { self.response.chunk = self.runtime.takeBuffer() }
            self.response.chunk.writeStaticString("0\r\n\r\n")
            self.response.framing = .none
        }
        self.flushNow()
        self.response.isFinished = true
        if self.phase == .busy { self.timer.disarm() }
    }

    func closeAfterwards() { self.response.closesAfterwards = true }

    func onSilence(_ interval: TimeAmount, _ action: (() -> Void)?) {
        self.response.silence = interval
        self.response.onSilence = action
        if action != nil, !self.response.isStalled { self.timer.arm(.now() + interval) }
    }

    func onHurry(_ action: (() -> Void)?) { self.response.onHurry = action }

    /// The heartbeat of a silent answer, or the end of a client that does not read (row 92).
    func responseTimerFired() {
        if self.response.isStalled {
            self.context?.close(promise: nil)
        } else if let action = self.response.onSilence {
            self.timer.arm(.now() + self.response.silence)
            self.runtime.executor.scope { action() }
        }
    }
}
