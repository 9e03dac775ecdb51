internal import Auth
internal import Core
internal import Database
package import Vault

/// A credential, and what came of trying it if that was asked for.
package struct StoredCredential: Sendable {
    package let record: CredentialRecord
    package let test: CredentialTest?
    /// Whether the keys in force open it.
    package let isReadable: Bool
}

extension Administration {
    /// A record as it is given out.
    func stored(_ record: CredentialRecord, _ test: CredentialTest?) -> StoredCredential {
        let ring = self.surroundings.vault().keyring
        return StoredCredential(record: record, test: test, isReadable: record.isReadable(with: ring))
    }

    /// Refuses a provider that is not configured, and names the nearest that is.
    func checkProvider(_ name: String) throws(GatewayError) {
        let known = self.surroundings.providers()
        guard !known.contains(name) else { return }
        let hint = NearestName.find(name, in: known).map { " Did you mean '\($0)'?" } ?? ""
        var error = GatewayError(.invalidRequest, "There is no such provider here.\(hint)", param: "provider")
        error.details = [(key: "field", value: "provider"), (key: "expected", value: known.joined(separator: ", "))]
        throw error
    }

    /// Tries a key that is not stored yet, if that was asked for.
    func tryOut(
        _ draft: CredentialDraft,
        _ deed: Deed,
        by actor: Actor
    ) async throws(GatewayError) -> CredentialTest? {
        guard draft.isTested else { return nil }
        let key: GuardedBytes
        do throws(VaultError) {
            key = try Self.guarded(draft.key)
        } catch {
            throw GatewayError(administration: error, isChange: true)
        }
        let test = await self.surroundings.liveTest(draft.provider, key)
        switch test {
        case .accepted, .skipped:
            return test
        case .refused(let status):
            let text = "The provider refused the key with status \(status). Nothing was stored."
            let failure = GatewayError(.credentialRejected, text, param: "apiKey")
            await self.note(failure, deed, by: actor)
            throw failure
        case .unknown(let reason):
            let text =
                "The key could not be tried: \(reason). Nothing was stored; send \"test\": false to store it anyway."
            throw GatewayError(.providerUnavailable, text)
        }
    }

    private static func guarded(_ secret: Secret<String>) throws(VaultError) -> GuardedBytes {
        try secret.reveal { text throws(VaultError) in
            try GuardedBytes(count: max(1, text.utf8.count)) { memory throws(VaultError) in
                memory.copyBytes(from: text.utf8)
            }
        }
    }
}
