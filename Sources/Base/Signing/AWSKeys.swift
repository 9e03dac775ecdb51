package import Core

/// AWS's keys for signing requests, of a user or of a role for some hours.
package struct AWSCredentials: Sendable {
    /// The public part; safe to log.
    package var accessKeyID: String
    package var secretAccessKey: Secret<String>
    /// Comes with the keys of a role.
    package var sessionToken: Secret<String>?

    package init(accessKeyID: String, secretAccessKey: Secret<String>, sessionToken: Secret<String>? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

/// AWS's keys in somebody else's memory, as long as that is lent: nothing here copies them.
package struct AWSKeys {
    /// The public part; safe to log.
    package let accessKeyID: UnsafeRawBufferPointer
    let secretAccessKey: UnsafeRawBufferPointer
    /// Comes with the keys of a role.
    let sessionToken: UnsafeRawBufferPointer?

    /// The keys in `ACCESS_KEY_ID:SECRET_ACCESS_KEY` or `ACCESS_KEY_ID:SECRET_ACCESS_KEY:SESSION_TOKEN`.
    ///
    /// None of the three has a colon in it: ids are letters and digits, the others base64.
    ///
    /// - Throws: `SigningError.badKeys` if a part is missing, or holds a byte that could end a header line (row 2).
    package init(parsing bytes: UnsafeRawBufferPointer) throws(SigningError) {
        guard let first = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw .badKeys }
        let rest = bytes[(first + 1)...]
        let second = rest.firstIndex(of: UInt8(ascii: ":"))
        try self.init(
            accessKeyID: UnsafeRawBufferPointer(rebasing: bytes[..<first]),
            secretAccessKey: UnsafeRawBufferPointer(rebasing: bytes[(first + 1)..<(second ?? bytes.endIndex)]),
            sessionToken: second.map { UnsafeRawBufferPointer(rebasing: bytes[($0 + 1)...]) }
        )
    }

    /// The keys in three places.
    ///
    /// - Throws: `SigningError.badKeys` if a part is empty, or holds a byte that could end a header line (row 2).
    package init(
        accessKeyID: UnsafeRawBufferPointer,
        secretAccessKey: UnsafeRawBufferPointer,
        sessionToken: UnsafeRawBufferPointer? = nil
    ) throws(SigningError) {
        guard (1...128).contains(accessKeyID.count), accessKeyID.allSatisfy(Self.isWord),
            Self.isVisible(secretAccessKey), sessionToken.map(Self.isVisible) ?? true
        else { throw .badKeys }
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// Letters, digits and `_`: what IAM allows in ids of access keys.
    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// 1 to 8192 visible ASCII characters.
    private static func isVisible(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (1...8192).contains(bytes.count) && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

// Safety: it points into memory that is lent; it must not leave the call that it was made in.
@available(*, unavailable)
extension AWSKeys: Sendable {}

/// Why a request was not signed.
package enum SigningError: Error, Sendable, Equatable {
    /// The keys are not of the form `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`.
    case badKeys
    /// What is to be signed does not begin with a request line and header lines.
    case badHead
}
