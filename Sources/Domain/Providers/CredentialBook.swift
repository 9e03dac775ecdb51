package import Core
internal import NIOCore

/// The provider keys of every group, at one moment and for one catalog.
///
/// Immutable: a change makes a new book.
///
/// A group sees its own row only; nothing ever falls back to the row of another group, `default` included.
package struct CredentialBook: Sendable {
    /// A key as the store or the environment gives it.
    package struct Entry: Sendable {
        /// The store's name for it.
        package var id: String
        package var group: GroupID
        package var provider: String
        /// Whether the provider refused it last.
        package var isRejected: Bool
        /// Whether it is sealed under another key than the store seals with now.
        package var isStale: Bool
        package var open: Credential.Opener

        package init(
            id: String,
            group: GroupID,
            provider: String,
            isRejected: Bool = false,
            isStale: Bool = false,
            open: @escaping Credential.Opener
        ) {
            self.id = id
            self.group = group
            self.provider = provider
            self.isRejected = isRejected
            self.isStale = isStale
            self.open = open
        }

        /// A key that is in no store: of a test, or of a program that brings its own.
        package init(group: GroupID, provider: String, apiKey: Secret<String>) {
            self.init(id: "given:\(provider)", group: group, provider: provider) { buffer in
                apiKey.reveal { _ = buffer.writeString($0) }
            }
        }
    }

    /// One group's credentials, by the providers' positions in the catalog.
    package struct Row: Sendable {
        private var credentials: ContiguousArray<Credential?>

        /// A row without credentials.
        package static let empty = Row(count: 0)

        fileprivate init(count: Int) { self.credentials = ContiguousArray(repeating: nil, count: count) }

        fileprivate mutating func set(_ credential: Credential, for provider: Provider) -> Bool {
            guard self.credentials[provider.index] == nil else { return false }
            self.credentials[provider.index] = credential
            return true
        }

        /// The group's active credential for `provider`.
        package func credential(for provider: Provider) -> Credential? {
            provider.index < self.credentials.count ? self.credentials[provider.index] : nil
        }

        /// Whether a call to `provider` has what it needs.
        package func canUse(_ provider: Provider) -> Bool {
            provider.needsNoCredential || self.credential(for: provider) != nil
        }
    }

    private let rows: [GroupID: Row]

    /// Makes the book.
    ///
    /// A credential for a provider that the catalog does not have is left out: the store may know providers that the
    /// boot file no longer names.
    ///
    /// - Throws: `CredentialError` if a group has two for one provider.
    package init(_ entries: [Entry], catalog: Catalog) throws(CredentialError) {
        var rows: [GroupID: Row] = [:]
        for entry in entries {
            guard let provider = catalog.provider(named: entry.provider) else { continue }
            let credential = Credential(
                id: entry.id,
                style: provider.auth,
                isRejected: entry.isRejected,
                isStale: entry.isStale,
                open: entry.open
            )
            var row = rows[entry.group] ?? Row(count: catalog.providers.count)
            guard row.set(credential, for: provider) else {
                throw .duplicate(provider: entry.provider, group: entry.group)
            }
            rows[entry.group] = row
        }
        self.rows = rows
    }

    /// The credentials of `group`; an empty row for a group that has none.
    package func row(of group: GroupID) -> Row { self.rows[group] ?? .empty }
}

/// Why a list of provider keys is not a book.
package enum CredentialError: Error, Sendable, Equatable {
    case duplicate(provider: String, group: GroupID)
}
