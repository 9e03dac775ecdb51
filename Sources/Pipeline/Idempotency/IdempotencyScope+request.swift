internal import Auth
internal import Core
internal import Metering
internal import NIOCore
internal import Wire

extension IdempotencyScope {
    /// What a request's `Idempotency-Key` is looked for among: the keys of its caller.
    ///
    /// - Throws: `GatewayError` unless there is one key, and a good one.
    init(of principal: Principal, _ head: HTTPHead, _ headBytes: ByteBuffer) throws(GatewayError) {
        let holder = principal.user.map { "\(principal.keyID) \($0.text)" } ?? principal.keyID
        self.init(group: principal.group, holder: holder, key: try Self.key(head, headBytes))
    }

    private static func key(_ head: HTTPHead, _ headBytes: ByteBuffer) throws(GatewayError) -> IdempotencyKey {
        var values: [IdempotencyKey?] = []
        headBytes.withUnsafeReadableBytes { bytes in
            for field in head.fields where field.name == .idempotencyKey {
                values.append(IdempotencyKey(bytes[field.value]))
            }
        }
        if values.count == 1, let key = values[0] { return key }
        var error = GatewayError(.invalidRequest, "Idempotency-Key must be there once.", param: "Idempotency-Key")
        let expected = "1 to \(IdempotencyKey.lengthMax) visible ASCII characters"
        if values.count == 1 {
            error = GatewayError(.invalidRequest, "Idempotency-Key must be \(expected).", param: "Idempotency-Key")
        }
        error.details = [(key: "field", value: "Idempotency-Key"), (key: "expected", value: expected)]
        throw error
    }
}
