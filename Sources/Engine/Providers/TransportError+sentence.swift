import Core
package import Transport

extension TransportError {
    /// The failure in words for a person at a terminal.
    package var sentence: String {
        switch self {
        case .timeout(let clock, let limit, _): "no answer within \(limit.milliseconds) ms (\(clock.rawValue))"
        case .nameNotResolved(let reason): "the name cannot be resolved (\(reason))"
        case .forbiddenAddress(let reason): "the address may not be dialled: \(reason)"
        case .connectFailed(let reason): "no connection: \(reason)"
        case .tlsFailed(let reason): "TLS failed: \(reason)"
        case .closedBeforeHead: "the connection ended before an answer"
        case .closedInBody: "the connection ended inside the answer"
        case .protocolViolation(let reason): "the answer is not HTTP: \(reason)"
        case .bodyTooLarge(let limit): "the answer is larger than \(limit) bytes"
        }
    }
}
