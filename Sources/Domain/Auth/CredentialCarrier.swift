/// Finds the one credential of a request, whichever of the known header fields carries it.
///
/// Every field that can carry a credential is offered; two that disagree are refused, so that no check can look at one
/// and the next check at the other (row 39). A credential in the query string is never looked at.
package struct CredentialCarrier {
    /// A header field that may carry a credential.
    package enum Field: Sendable {
        /// `Authorization: Bearer …`; other schemes carry nothing for us.
        case authorization
        /// `x-api-key`, as Anthropic's SDKs send it, and `api-key`, as Azure's do: the bare credential.
        case bare
    }

    /// What a request carries.
    package enum Finding {
        case nothing
        /// Valid only as long as the bytes that were offered.
        case one(UnsafeRawBufferPointer)
        /// Two fields, two different credentials.
        case ambiguous
    }

    package private(set) var finding = Finding.nothing

    package init() {}

    /// Takes one field's value, without surrounding white space.
    package mutating func offer(_ field: Field, _ value: UnsafeRawBufferPointer) {
        var credential = value
        if field == .authorization {
            guard let token = Self.bearerToken(value) else { return }
            credential = token
        }
        guard !credential.isEmpty else { return }
        switch self.finding {
        case .nothing:
            self.finding = .one(credential)
        case .one(let first):
            if !first.elementsEqual(credential) { self.finding = .ambiguous }
        case .ambiguous:
            break
        }
    }

    /// The token of `Bearer <token>`; the scheme's letters may have any case (RFC 9110 section 11.1).
    private static func bearerToken(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.count > 7, value[6] == UInt8(ascii: " ") else { return nil }
        let scheme: StaticString = "bearer"
        for index in 0..<6 where value[index] | 0x20 != scheme.utf8Start[index] { return nil }
        var start = 7
        while start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
        return UnsafeRawBufferPointer(rebasing: value[start...])
    }
}
