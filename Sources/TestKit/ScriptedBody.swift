package import NIOCore
package import Transport

/// A body in memory, given out in the pieces it was made of.
package final class ScriptedBody: BodySource {
    package let length: Int?
    package let canRewind: Bool
    package var onReady: (() -> Void)?
    private let pieces: [ByteBuffer]
    private var index = 0

    /// - Parameter isChunked: Whether its length is not known before its end.
    package init(_ pieces: [ByteBuffer], isChunked: Bool = false, canRewind: Bool = true) {
        self.pieces = pieces.filter { $0.readableBytes > 0 }
        self.length = isChunked ? nil : pieces.reduce(0) { $0 + $1.readableBytes }
        self.canRewind = canRewind
    }

    package func poll() throws -> UpstreamPiece {
        guard self.index < self.pieces.count else { return .end }
        defer { self.index += 1 }
        return .bytes(self.pieces[self.index])
    }

    package func wait() async throws {}

    package func rewind() -> Bool {
        guard self.canRewind || self.index == 0 else { return false }
        self.index = 0
        return true
    }
}

@available(*, unavailable, message: "confined to its loop")
extension ScriptedBody: Sendable {}
