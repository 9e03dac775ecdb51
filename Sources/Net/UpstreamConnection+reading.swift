import Core
import NIOCore
import Transport
import Wire

/// Bytes from the socket, on their way to whoever reads the answer.
extension UpstreamConnection {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.runtime.executor.scope {
            self.sawBytes = true
            do throws(HTTPParseError) {
                try self.take(&bytes)
            } catch {
                self.fail(TransportError.protocolViolation("\(error)"))
                self.end(.call)
            }
        }
    }

    private func take(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        if self.state == .head {
            if var pending = self.unparsed {
                pending.writeBuffer(&bytes)
                bytes = pending
                self.unparsed = nil
            }
            try self.parseHeads(&bytes)
        }
        switch self.state {
        case .body:
            try self.decodeBody(&bytes)
        case .head, .closed:
            break
        case .idle, .complete:
            // Bytes that no request asked for, such as a 408 that announces a close: the connection cannot be trusted
            // with another.
            if bytes.readableBytes > 0 {
                self.unparsed = bytes
                self.end(.upstream)
            }
        }
        if self.state != .head { self.waiter.wake() }
    }

    /// Parses heads until a final one; keeps what is incomplete.
    private func parseHeads(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        while bytes.readableBytes > 0 {
            let readable = bytes
            let isComplete = try readable.withBytes { raw throws(HTTPParseError) in
                try self.head.parseResponse(raw, toHead: false, limits: .upstream)
            }
            guard isComplete else {
                self.unparsed = bytes
                return
            }
            guard let headBytes = bytes.readSlice(length: self.head.byteCount) else { return }
            if self.head.status >= 200 {
                // A copy into our own small buffer, so that the socket's receive buffer can be used again.
                self.headBytes.clear()
                self.headBytes.writeImmutableBuffer(headBytes)
                self.body = HTTPBodyDecoder(self.head.framing)
                self.state = self.body.isComplete ? .complete : .body
                return
            }
            self.interimCount += 1
            guard self.head.status != 101, self.interimCount <= 8 else { throw .badStatus }
            self.head.reset()
        }
    }

    private func decodeBody(_ bytes: inout ByteBuffer) throws(HTTPParseError) {
        guard bytes.readableBytes > 0 else { return }
        var first: (start: Int, count: Int)?
        var joined: ByteBuffer?
        let readable = bytes
        let consumed = try readable.withBytes { raw throws(HTTPParseError) in
            try self.body.decode(raw, limits: HTTPLimits.upstream) { start, count in
                guard let known = first else {
                    first = (start, count)
                    return
                }
                if joined == nil {
                    joined = self.runtime.takeBuffer()
                    joined?.writeBytes(UnsafeRawBufferPointer(rebasing: raw[known.start..<known.start + known.count]))
                }
                joined?.writeBytes(UnsafeRawBufferPointer(rebasing: raw[start..<start + count]))
            }
        }
        if var payload = joined ?? first.flatMap({ bytes.getSlice(at: bytes.readerIndex + $0.start, length: $0.count) })
        {
            if self.received == nil {
                self.received = payload
            } else {
                self.received?.writeBuffer(&payload)
                self.pauseReading()
            }
        }
        if self.body.isComplete {
            self.state = .complete
            self.timer.disarm()
            bytes.moveReaderIndex(forwardBy: consumed)
            if bytes.readableBytes > 0 { self.unparsed = bytes }
        }
    }

    private func pauseReading() {
        guard !self.isPaused, let channel = self.context?.channel else { return }
        self.isPaused = true
        try? channel.syncOptions?.setOption(.autoRead, value: false)
    }

    func resumeReading() {
        guard self.isPaused, let channel = self.context?.channel else { return }
        self.isPaused = false
        try? channel.syncOptions?.setOption(.autoRead, value: true)
    }
}
