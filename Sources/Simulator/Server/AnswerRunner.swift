import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Carries out the steps of one answer on its connection: one write for each step, waiting whenever the client does not
/// read.
///
/// Confined to the connection's event loop.
final class AnswerRunner {
    /// How many steps run before other connections of the same loop get their turn.
    private static let stepsInARow = 64
    /// The largest write of a step that makes its bytes as it goes.
    private static let fillBytes = 64 << 10

    private let context: ChannelHandlerContext
    private let record: CallRecord
    private let behaviour: Behaviour
    private let clock: @Sendable () -> NIODeadline
    private let whenDone: (Ending) -> Void
    private var steps: AnswerSteps

    private var isStopped = false
    private var isRunning = false
    private var isBlocked = false
    /// What happens once nothing is outstanding any more; set when the answer has no further steps.
    private var ending: Ending?
    private var outstandingWrites = 0
    private var timer: Scheduled<Void>?
    private var bytesQueued = 0
    /// A write that goes out in small pieces, and what it is worth once the last is out.
    private var partial: (rest: ByteBuffer, mark: Mark, pieceBytes: Int, pause: Int)?
    private var fill: (byte: UInt8, left: Int)?
    private var forever: ByteBuffer?

    init(
        context: ChannelHandlerContext,
        record: CallRecord,
        decision: CallService.Decision,
        clock: @escaping @Sendable () -> NIODeadline,
        whenDone: @escaping (Ending) -> Void
    ) {
        self.context = context
        self.record = record
        self.steps = decision.steps
        self.behaviour = decision.behaviour
        self.clock = clock
        self.whenDone = whenDone
    }

    /// Whether the client's leaving is to go unnoticed until a write fails.
    var ignoresClientClose: Bool { self.behaviour.ignoresClientClose }

    /// Goes on with the answer.
    ///
    /// To be called once to begin, and whenever the connection can take bytes again.
    func advance() {
        guard !self.isStopped, !self.isRunning, self.ending == nil, self.timer == nil else { return }
        self.isRunning = true
        defer { self.isRunning = false }
        for _ in 0..<Self.stepsInARow {
            guard self.context.channel.isWritable else {
                if !self.isBlocked { self.record.update { $0.timesBlocked += 1 } }
                self.isBlocked = true
                return
            }
            self.isBlocked = false
            guard self.step(), !self.isStopped, self.ending == nil, self.timer == nil else { return }
        }
        self.context.eventLoop.assumeIsolated().execute { self.advance() }
    }

    /// Drops everything that is left.
    func stop() {
        self.isStopped = true
        self.timer?.cancel()
        self.timer = nil
    }

    // MARK: - Steps

    /// Does one thing.
    ///
    /// Returns whether another may follow at once.
    private func step() -> Bool {
        if self.partial != nil { return self.writePiece() }
        if let fill = self.fill {
            let count = min(fill.left, Self.fillBytes)
            self.fill = fill.left > count ? (fill.byte, fill.left - count) : nil
            self.write(ByteBuffer(repeating: fill.byte, count: count), Mark())
            return true
        }
        if let forever = self.forever {
            self.write(forever, Mark())
            return true
        }
        switch self.steps.next() {
        case .write(let buffer, let mark): self.write(buffer, mark)
        case .fill(let byte, let count): self.fill = count > 0 ? (byte, count) : nil
        case .forever(let buffer): self.forever = buffer
        case .pause(let milliseconds): self.pause(milliseconds)
        case .stall: return false
        case .end(let ending): self.end(ending)
        }
        return true
    }

    private func pause(_ milliseconds: Int) {
        guard milliseconds > 0 else { return }
        self.timer = self.context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) {
            self.timer = nil
            self.advance()
        }
    }

    // MARK: - Writing

    private func write(_ buffer: ByteBuffer, _ mark: Mark) {
        guard buffer.readableBytes > 0 else { return }
        let isDripped: Bool
        switch self.behaviour.drip ?? .all {
        case .head: isDripped = mark.isHead
        case .body: isDripped = !mark.isHead
        case .all: isDripped = true
        }
        if let pause = self.behaviour.dripMilliseconds, isDripped {
            self.partial = (buffer, mark, max(1, self.behaviour.dripBytes ?? 1), pause)
        } else if let size = self.behaviour.splitBytes {
            self.partial = (buffer, mark, max(1, size), 0)
        } else {
            self.writeOut(buffer, mark)
        }
    }

    private func writePiece() -> Bool {
        guard var partial = self.partial else { return true }
        let piece = partial.rest.readSlice(length: min(partial.pieceBytes, partial.rest.readableBytes)) ?? ByteBuffer()
        let isLast = partial.rest.readableBytes == 0
        self.partial = isLast ? nil : partial
        self.writeOut(piece, isLast ? partial.mark : Mark(isHead: partial.mark.isHead))
        if partial.pause > 0, self.ending == nil { self.pause(partial.pause) }
        return true
    }

    private func writeOut(_ whole: ByteBuffer, _ wholeMark: Mark) {
        var buffer = whole
        var mark = wholeMark
        var isCut = false
        if let limit = self.behaviour.cutAtByte, self.bytesQueued + buffer.readableBytes >= limit {
            buffer = buffer.readSlice(length: max(0, limit - self.bytesQueued)) ?? buffer
            mark = Mark()
            isCut = true
        }
        let size = buffer.readableBytes
        self.bytesQueued += size
        let promise = self.context.eventLoop.makePromise(of: Void.self)
        self.outstandingWrites += 1
        promise.futureResult.assumeIsolated().whenSuccess { [mark] in self.written(size, mark) }
        self.context.writeAndFlush(NIOAny(buffer), promise: promise)
        if isCut { self.end(.cut(self.behaviour.cut ?? .close)) }
    }

    private func written(_ size: Int, _ mark: Mark) {
        let now = self.clock()
        self.record.update { call in
            if call.firstByteNanoseconds == 0 { call.firstByteNanoseconds = now.uptimeNanoseconds }
            if mark.status > 0 { call.status = mark.status }
            call.bytesWritten += size
            call.eventsWritten += mark.events
            call.tokensWritten += mark.tokens
            if mark.hasUsage { call.isUsageWritten = true }
        }
        self.outstandingWrites -= 1
        if self.outstandingWrites == 0, let ending = self.ending, !self.isStopped { self.finish(ending) }
    }

    // MARK: - Ending

    /// Ends the answer once everything before has left the process.
    private func end(_ ending: Ending) {
        self.ending = ending
        if self.outstandingWrites == 0 { self.finish(ending) }
    }

    private func finish(_ ending: Ending) {
        self.isStopped = true
        self.whenDone(ending)
        let context = self.context
        switch ending {
        case .keepAlive: break
        case .close(let wait) where wait > 0:
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(wait))) {
                context.close(promise: nil)
            }
        case .close: context.close(promise: nil)
        case .cut(let cut): ConnectionCut.perform(cut, on: context)
        }
    }

    /// Whether the answer that is ending is a whole one.
    static func isComplete(_ ending: Ending) -> Bool {
        if case .cut = ending { return false }
        return true
    }
}

/// Ends connections in the ways that a broken network does.
enum ConnectionCut {
    static func perform(_ cut: Behaviour.Cut, on context: ChannelHandlerContext) {
        switch cut {
        case .close: context.close(promise: nil)
        case .halfClose: context.close(mode: .output, promise: nil)
        case .reset: Self.reset(context.channel)
        }
    }

    /// Closes with RST.
    ///
    /// Beneath TLS, which would say goodbye first.
    static func reset(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else {
            channel.close(promise: nil)
            return
        }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
            let pipeline = channel.pipeline.syncOperations
            if let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self) {
                tls.close(promise: nil)
            } else {
                channel.close(promise: nil)
            }
        }
    }
}
