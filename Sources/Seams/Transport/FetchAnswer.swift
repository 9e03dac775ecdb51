package import NIOCore
package import Wire

/// A whole answer.
package struct FetchAnswer: Sendable {
    package let status: Int
    /// The parsed head; its offsets point into `headBytes`.
    package let head: HTTPHead
    package let headBytes: ByteBuffer
    /// Without transfer coding.
    package let body: ByteBuffer

    /// Puts an answer together; for tests that stand in for a server.
    package init(status: Int, head: HTTPHead = HTTPHead(), headBytes: ByteBuffer = ByteBuffer(), body: ByteBuffer) {
        self.status = status
        self.head = head
        self.headBytes = headBytes
        self.body = body
    }

    /// The value of the first field of this name, or nil.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    package func field(_ name: HTTPFieldName) -> String? {
        guard let field = self.head.first(name) else { return nil }
        return self.headBytes.withUnsafeReadableBytes { String(decoding: $0[field.value], as: UTF8.self) }
    }

    /// The same for a name that `HTTPFieldName` does not list.
    ///
    /// - Parameter name: In lower case.
    package func field(named name: StaticString) -> String? {
        self.headBytes.withUnsafeReadableBytes { bytes in
            self.head.first(named: name, in: bytes).map { String(decoding: bytes[$0.value], as: UTF8.self) }
        }
    }
}
