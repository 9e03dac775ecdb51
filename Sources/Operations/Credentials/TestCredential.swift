internal import Auth
package import Core
internal import Database
internal import Vault

extension Administration {
    /// Tries a stored credential against its provider, and notes whether the provider takes it.
    package func testCredential(
        _ id: String,
        of group: GroupID,
        by actor: Actor
    ) async throws(GatewayError) -> StoredCredential {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        let permission = Permission(.groupAdmin, in: group)
        let deed = Deed("credential.test", id, in: group)
        try await self.admit(actor, permission, deed)
        let (record, key) = try await self.look(by: actor, needing: permission) { session in
            (
                try credentials.find(id, group: group, in: session),
                try credentials.open(id, group: group, in: session)
            )
        }
        let test = await self.surroundings.liveTest(record.provider, key)
        let tested = try await self.change(deed, by: actor, needing: permission) { session, now, deed in
            deed.details = [("provider", .string(record.provider)), ("test", .string(test.name))]
            switch test {
            case .accepted: try credentials.markAccepted(id, in: session)
            case .refused: try credentials.markRejected(id, at: now, in: session)
            case .unknown, .skipped: break
            }
            return try credentials.find(id, group: group, in: session)
        }
        return self.stored(tested, test)
    }
}
