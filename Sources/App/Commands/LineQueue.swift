import Glibc
import NIOCore
import Telemetry

/// Lines for standard output that leave on a thread of their own; with a limit, beyond which they are dropped.
struct LineQueue: Sendable {
    private let writer = LineWriter(descriptor: STDOUT_FILENO)

    func write(_ line: String) { self.writer.write(ByteBuffer(string: line + "\n")) }
}
