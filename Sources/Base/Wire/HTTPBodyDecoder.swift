/// Finds the payload and the end of a body of any framing.
package struct HTTPBodyDecoder: Sendable {
    /// Whether the whole body has been read.
    ///
    /// At once for bodies that are empty by their framing.
    package var isComplete: Bool {
        switch self.state {
        case .length(let remaining): remaining == 0
        case .chunked(let decoder): decoder.isComplete
        case .untilClose: false
        case .closed: true
        }
    }

    private var state: State

    private enum State: Sendable {
        /// So many bytes are left. Next: `length(0)`, the end.
        case length(remaining: Int)
        /// Next: the same until the decoder is complete.
        case chunked(ChunkedDecoder)
        /// Everything is payload. Next: `closed`.
        case untilClose
        /// The connection ended, which was the end of the body.
        case closed
    }

    /// A decoder at the start of a body of this framing.
    package init(_ framing: HTTPFraming) {
        switch framing {
        case .none: self.state = .length(remaining: 0)
        case .length(let count): self.state = .length(remaining: count)
        case .chunked: self.state = .chunked(ChunkedDecoder())
        case .untilClose: self.state = .untilClose
        }
    }

    /// Decodes as much of `bytes` as belongs to the body.
    ///
    /// - Parameters:
    ///   - bytes: What has come since the last call.
    ///   - limits: How much overhead the sender may send. The size of the payload is for the caller to limit.
    ///   - emit: Receives the start in `bytes` and the count of each run of payload; never an empty one.
    /// - Returns: How many bytes were used. All of them, unless the body ended: the rest belongs to the next message.
    /// - Throws: `HTTPParseError`, only where the framing is chunked.
    package mutating func decode(
        _ bytes: UnsafeRawBufferPointer,
        limits: HTTPLimits,
        emit: (Int, Int) -> Void
    ) throws(HTTPParseError) -> Int {
        switch self.state {
        case .length(let remaining):
            let count = min(remaining, bytes.count)
            if count > 0 { emit(0, count) }
            self.state = .length(remaining: remaining - count)
            return count
        case .chunked(var decoder):
            defer { self.state = .chunked(decoder) }
            return try decoder.decode(bytes, limits: limits, emit: emit)
        case .untilClose:
            if bytes.count > 0 { emit(0, bytes.count) }
            return bytes.count
        case .closed:
            return 0
        }
    }

    /// Notes that the connection has ended.
    ///
    /// This completes a body that ends with it, and changes nothing after the end.
    ///
    /// - Throws: `HTTPParseError.unexpectedEnd` if the body is not complete: it was cut, and must not pass for whole.
    package mutating func close() throws(HTTPParseError) {
        if case .untilClose = self.state { self.state = .closed }
        guard self.isComplete else { throw .unexpectedEnd }
    }
}
