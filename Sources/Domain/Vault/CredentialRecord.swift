package import Core
package import Database

/// What may be shown of a provider credential: everything but the key.
package struct CredentialRecord: Sendable, Equatable {
    package let id: String
    package let group: GroupID
    package let provider: String
    package let isActive: Bool
    /// See `hint(of:)`.
    package let keyHint: String
    /// The sealing key the row is labelled with; nil if the label is none.
    package let keyID: KeyID?
    /// When the provider last refused the key, with no success since.
    package let rejectedAt: UnixTime?
    /// Who added it: the name of a user or of a gateway key.
    package let createdBy: String
    package let createdAt: UnixTime
    package let updatedAt: UnixTime
    /// When a call with it last succeeded; up to a minute behind.
    package let lastUsedAt: UnixTime?

    /// Whether this ring has the key that opens it; a list shows "needs key" otherwise (row 60).
    package func isReadable(with ring: Keyring) -> Bool { self.keyID.map { ring.ids.contains($0) } ?? false }

    /// The first 8 and the last 4 characters, `sk-or-v1…x4f2`; `***` for a key of 12 characters or fewer.
    package static func hint(of key: Secret<String>) -> String {
        key.reveal { text in text.count <= 12 ? "***" : "\(text.prefix(8))…\(text.suffix(4))" }
    }
}

/// A provider key on its way into the store.
package struct NewCredential: Sendable {
    package var group: GroupID
    package var provider: String
    package var key: Secret<String>
    package var createdBy: String

    package init(group: GroupID, provider: String, key: Secret<String>, createdBy: String) {
        self.group = group
        self.provider = provider
        self.key = key
        self.createdBy = createdBy
    }
}

/// Which credentials to list.
package struct CredentialFilter: Sendable, Equatable {
    package var group: GroupID?
    package var provider: String?
    package var isActive: Bool?
    package var isRejected: Bool?

    package init(group: GroupID? = nil, provider: String? = nil, isActive: Bool? = nil, isRejected: Bool? = nil) {
        self.group = group
        self.provider = provider
        self.isActive = isActive
        self.isRejected = isRejected
    }
}

/// Some of the credentials, and where the next ones begin.
package struct CredentialPage: Sendable {
    package let records: [CredentialRecord]
    /// Give it back for the next page; nil on the last one.
    package let next: String?
}

/// An active credential as the gateway keeps it in memory: still sealed.
package struct ActiveCredential: Sendable {
    package let id: String
    package let group: GroupID
    package let provider: String
    /// Nil if the row holds no blob at all; then the credential exists and is unreadable.
    package let sealed: SealedCredential?
    package let rejectedAt: UnixTime?
}

/// Why a credential was not stored, found or changed.
package enum CredentialStoreError: Error, Sendable, Equatable {
    /// The group has an active credential for the provider: `DUPLICATE_CREDENTIAL`.
    case duplicate(provider: String)
    /// No credential with this id, or it belongs to another group: `CREDENTIAL_NOT_FOUND`.
    case notFound
    case unknownGroup(GroupID)
    /// Not 1 to 4096 visible ASCII characters, so it could not stand in a header (row 2).
    case badKey
    /// Not 1 to 100 characters without control characters.
    case badProvider
    case badCursor
    case vault(VaultError)
    case database(DatabaseError)
}
