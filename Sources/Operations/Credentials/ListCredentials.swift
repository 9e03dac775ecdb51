internal import Auth
package import Core
internal import Database
package import Vault

extension Administration {
    /// Lists the credentials of a group; `filter.group` is set here.
    package func listCredentials(
        of group: GroupID,
        filter: CredentialFilter,
        after cursor: String?,
        limit: Int,
        by actor: Actor
    ) async throws(GatewayError) -> (items: [StoredCredential], next: String?) {
        let credentials = CredentialStore(vault: self.surroundings.vault())
        var filter = filter
        filter.group = group
        let wanted = filter
        let page = try await self.look(by: actor, needing: Permission(.groupAdmin, in: group)) { session in
            try credentials.list(wanted, after: cursor, limit: limit, in: session)
        }
        return (page.records.map { self.stored($0, nil) }, page.next)
    }
}
