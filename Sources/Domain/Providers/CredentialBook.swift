package import Core
package import NIOCore

/// The provider keys of every group, at one moment and for one catalog.
///
/// Immutable: a change makes a new book.
///
/// A group sees its own row only; nothing ever falls back to the row of another group, `default` included.
package struct CredentialBook: Sendable {
    /// A key as the boot file or the environment gives it.
    package struct Entry: Sendable {
        package var group: GroupID
        package var provider: String
        package var apiKey: Secret<String>

        package init(group: GroupID, provider: String, apiKey: Secret<String>) {
            self.group = group
            self.provider = provider
            self.apiKey = apiKey
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

    /// - Throws: `CredentialError` for the first entry that cannot be used; it never holds a key.
    package init(_ entries: [Entry], catalog: Catalog) throws(CredentialError) {
        var rows: [GroupID: Row] = [:]
        for entry in entries {
            guard let provider = catalog.provider(named: entry.provider) else {
                throw .unknownProvider(entry.provider, group: entry.group)
            }
            guard let credential = Credential(entry.apiKey, style: provider.auth) else {
                throw .badKey(provider: entry.provider, group: entry.group)
            }
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

/// One provider key, ready for the wire.
///
/// The only place where a provider's key is readable.
package final class Credential: Sendable {
    /// The whole header line with CRLF; empty for a provider that takes no key.
    private let line: Secret<ByteBuffer>
    private let key: Secret<String>

    /// Nil unless the key has 1 to 4096 visible ASCII characters, so that it cannot break out of its line (row 2).
    init?(_ key: Secret<String>, style: AuthStyle) {
        let isUsable = key.reveal { text in
            (1...4096).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        guard isUsable else { return nil }
        self.key = key
        self.line = Secret(
            key.reveal { text in
                style.linePrefix.map { ByteBuffer(string: "\($0)\(text)\r\n") } ?? ByteBuffer()
            }
        )
    }

    /// Appends the header line that carries the key.
    package func writeLine(into buffer: inout ByteBuffer) {
        self.line.reveal { _ = buffer.writeImmutableBuffer($0) }
    }

    /// `text` without anything that is, or looks like, a key; for a provider's words on their way to a client.
    package func scrub(_ text: String) -> String {
        self.key.reveal { Scrubber.scrub(text, credential: $0) }
    }
}

/// Why a list of provider keys is not a book.
package enum CredentialError: Error, Sendable, Equatable {
    case unknownProvider(String, group: GroupID)
    case duplicate(provider: String, group: GroupID)
    case badKey(provider: String, group: GroupID)
}
