package import Auth
package import Core
package import NIOCore
package import Wire

/// Finds out who a request acts for.
package enum CallerIdentity {
    /// The principal of the one credential that the request carries.
    ///
    /// - Throws: `GatewayError` with `UNAUTHENTICATED`, the same for a key that is missing, unknown, disabled or
    ///   expired; with `INVALID_REQUEST` if two fields carry different credentials (row 39).
    package static func of(
        _ head: HTTPHead,
        _ headBytes: ByteBuffer,
        keys: KeyTable,
        now: UnixTime
    ) throws(GatewayError) -> Principal {
        return try headBytes.withBytes { (bytes) throws(GatewayError) -> Principal in
            var carrier = CredentialCarrier()
            if head.contains(.authorization) || head.contains(.xAPIKey) || head.contains(.apiKey) {
                for field in head.fields {
                    switch field.name {
                    case .authorization:
                        carrier.offer(.authorization, UnsafeRawBufferPointer(rebasing: bytes[field.value]))
                    case .xAPIKey, .apiKey:
                        carrier.offer(.bare, UnsafeRawBufferPointer(rebasing: bytes[field.value]))
                    default:
                        continue
                    }
                }
            }
            let principal: Principal?
            switch carrier.finding {
            case .ambiguous:
                throw GatewayError(.invalidRequest, "Ambiguous credentials: two header fields carry different keys.")
            case .one(let credential):
                principal = keys.principal(for: credential, now: now)
            case .nothing:
                principal = keys.principal(for: UnsafeRawBufferPointer(start: nil, count: 0), now: now)
            }
            guard let principal else { throw Self.refusal }
            return principal
        }
    }

    /// The one answer to every key that does not work.
    package static let refusal = GatewayError(
        .unauthenticated,
        "No valid gateway key. Send it as 'Authorization: Bearer <key>'."
    )
}
