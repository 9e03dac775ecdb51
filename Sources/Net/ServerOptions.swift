package import NIOCore
package import Wire

/// What bounds a client's connection.
///
/// Every wait has its limit here.
package struct ServerOptions: Sendable {
    /// Head size, field count and chunk limits.
    package var limits = HTTPLimits()
    /// Between two requests of one connection, and before the first.
    package var idleTimeout = TimeAmount.seconds(75)
    /// From the first byte of a head to its blank line, in total.
    package var headTimeout = TimeAmount.seconds(10)
    /// How long a request body may come slower than 1 KiB a second.
    package var bodyGrace = TimeAmount.seconds(5)
    /// For a whole request body, at any pace.
    package var bodyTimeout = TimeAmount.seconds(60)
    /// How long a client may be waited for in all while its body is taken piece by piece; such a body holds no memory.
    package var pieceTimeout = TimeAmount.minutes(30)
    /// For the TLS handshake.
    package var handshakeTimeout = TimeAmount.seconds(10)
    /// How long a client may take nothing of an answer before it counts as gone.
    package var writeStallTimeout = TimeAmount.seconds(60)
    /// How long unread input is thrown away after the last answer, so that the answer is not lost to a reset.
    package var lingerTimeout = TimeAmount.seconds(2)
    /// Bytes of pipelined requests that wait behind a running one.
    package var pipelineBytesMax = 64 << 10
    /// Whether a client may close its side and still wait for its answer (`server.half_close: allow`).
    package var allowsHalfClose = false

    package init() {}
}
