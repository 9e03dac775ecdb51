package import Core
package import NIOCore

/// What went wrong between Turnpike and an upstream.
///
/// `didSend` decides what may be tried again.
package enum TransportError: Error, Sendable {
    /// A clock ran out; `limit` is the value that was in force.
    case timeout(ClockName, limit: TimeAmount, didSend: Bool)
    /// The name has no address, or the resolver did not answer in time.
    case nameNotResolved(String)
    /// The name leads to an address that may not be dialled; see `allow_private`.
    case forbiddenAddress(String)
    /// Nobody accepted the connection.
    case connectFailed(String)
    /// The TLS handshake failed: untrusted, wrong name, expired.
    case tlsFailed(String)
    /// The connection ended before the answer's head.
    case closedBeforeHead
    /// The connection ended inside the answer's body.
    case closedInBody
    /// The upstream's bytes are not HTTP that we accept; the reason is ours, not the upstream's text.
    case protocolViolation(String)
    /// The answer is larger than the limit.
    case bodyTooLarge(limit: Int)

    /// Whether any byte of the request may have reached the upstream.
    package var didSend: Bool {
        switch self {
        case .timeout(_, _, let didSend): didSend
        case .nameNotResolved, .forbiddenAddress, .connectFailed, .tlsFailed: false
        case .closedBeforeHead, .closedInBody, .protocolViolation, .bodyTooLarge: true
        }
    }
}

/// What is wrong with a request before any handler could read it.
package enum RequestFault: Error, Sendable, Equatable {
    /// The bytes are not a request; the text says which rule they break.
    case malformed(String)
    /// Head or field count over the limit.
    case headTooLarge
    /// The body is over `limit` bytes.
    case bodyTooLarge(limit: Int)
    /// Head or body came too slowly.
    case timeout(String)
    /// An `Expect` other than `100-continue`, or a coding we do not take.
    case unsupported(String)
    /// Too much is going on; try again after the given time.
    case overloaded(retryAfter: Duration)
}
