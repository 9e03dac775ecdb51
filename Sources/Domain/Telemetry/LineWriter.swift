internal import Dispatch
internal import Glibc
internal import NIOConcurrencyHelpers
package import NIOCore

/// Writes batches of lines to a descriptor on a thread of its own, behind a queue with a limit.
///
/// A disk that is slow or full costs lines, which are counted, and never time on an event loop (row 115).
package final class LineWriter: Sendable {
    private struct State {
        var queuedBytes = 0
        var droppedLines = 0
    }

    private let state = NIOLockedValueBox(State())
    private let queue = DispatchQueue(label: "turnpike.log")
    private let descriptor: Int32
    private let queuedBytesMax: Int

    /// - Parameters:
    ///   - descriptor: An open descriptor; it is not closed here. It may block.
    ///   - queuedBytesMax: How much may wait for the disk; 4 MiB if not said.
    package init(descriptor: Int32, queuedBytesMax: Int = 4 << 20) {
        self.descriptor = descriptor
        self.queuedBytesMax = queuedBytesMax
    }

    /// Lines lost so far, to a full queue or to a descriptor that refuses.
    package var droppedLines: Int { self.state.withLockedValue(\.droppedLines) }

    /// Queues whole lines, or counts them as dropped if too much is waiting.
    ///
    /// Does not wait.
    package func write(_ lines: ByteBuffer) {
        let count = lines.readableBytes
        let fits = self.state.withLockedValue { state in
            guard state.queuedBytes + count <= self.queuedBytesMax else { return false }
            state.queuedBytes += count
            return true
        }
        guard fits else {
            self.drop(lines)
            return
        }
        self.queue.async {
            if !self.writeAll(lines) { self.drop(lines) }
            self.state.withLockedValue { $0.queuedBytes -= count }
        }
    }

    /// Waits until everything queued so far was written or dropped.
    ///
    /// For the end of the process and for tests.
    package func drain() { self.queue.sync {} }

    private func drop(_ lines: ByteBuffer) {
        let count = lines.readableBytesView.count { $0 == UInt8(ascii: "\n") }
        self.state.withLockedValue { $0.droppedLines += count }
    }

    private func writeAll(_ lines: ByteBuffer) -> Bool {
        lines.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let written = Glibc.write(self.descriptor, part.baseAddress, part.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    var waiting = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                    guard poll(&waiting, 1, 5000) > 0 else { return false }
                } else if written < 0, errno == EINTR {
                    continue
                } else {
                    return false
                }
            }
            return true
        }
    }
}
