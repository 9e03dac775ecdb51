/// The keys of log metadata, so that one fact has one name everywhere.
package enum LogKeys {
    package static let requestID = "request.id"
    package static let group = "group"
    package static let keyID = "key.id"
    package static let credentialID = "credential.id"
    package static let provider = "provider"
    package static let model = "model"
    package static let errorCode = "error.code"
    package static let errorKind = "error.kind"
    package static let errorReason = "error.reason"
    package static let upstreamStatus = "upstream.status"
    package static let attempt = "attempt"
    package static let file = "file"
    package static let address = "address"
    package static let count = "count"
    package static let duration = "duration.ms"
    package static let signal = "signal"
}
