package import NIOCore

/// The body of a request, taken piece by piece while it comes in, so that it can go on without ever being whole in
/// memory.
///
/// Confined to its loop, with one reader at a time. Whoever sends is held back while nobody asks: what has come and was
/// not taken is at most two reads of a socket. A reader takes pieces by `poll`, and learns that there may be more by
/// `wait` or by `onReady`.
package protocol BodySource: AnyObject {
    /// The bytes that it has in all, as its head says; nil where only its end will tell.
    var length: Int? { get }

    /// Whether `rewind` works however far it was read.
    var canRewind: Bool { get }

    /// What has come, without waiting.
    ///
    /// Asking starts the sender's clock: from then on it has to send, at 1 KiB a second or more.
    ///
    /// - Throws: `RequestFault.bodyTooLarge` at the byte that passes the limit, `.timeout` for a sender that is too
    ///   slow, `.malformed`; `CancellationError` once the sender is gone. Every further call throws the same.
    func poll() throws -> UpstreamPiece

    /// Waits until `poll` may have something else to say than `.later`.
    ///
    /// - Throws: `CancellationError`.
    func wait() async throws

    /// Called on the loop whenever `poll` may have something else to say than `.later`.
    var onReady: (() -> Void)? { get set }

    /// Begins again with the first byte.
    ///
    /// - Returns: False where what was given out is not there any more; nothing is changed then.
    func rewind() -> Bool
}

extension BodySource {
    /// The next bytes, waited for where they have not come yet; nil after the last.
    ///
    /// - Throws: As `poll` and `wait`.
    package func read() async throws -> ByteBuffer? {
        while true {
            switch try self.poll() {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .later: try await self.wait()
            }
        }
    }
}
