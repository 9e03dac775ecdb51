package import Auth
package import Core
internal import NIOConcurrencyHelpers
package import Providers

/// What calls learned of credentials and gateway keys, collected until somebody writes it to the store.
///
/// Bounded by the number of credentials: each has one entry of each kind.
package final class CredentialNews: Sendable {
    /// What was collected since the last time.
    package struct Batch: Sendable {
        /// When each was last used with success.
        package var uses: [String: UnixTime] = [:]
        /// Those that their provider refused, and when first.
        package var rejected: [String: UnixTime] = [:]
        /// Those that their provider takes again.
        package var readmitted: Set<String> = []
        /// Those that are sealed under another key than the store seals with.
        package var stale: Set<String> = []
        /// When each gateway key was last used.
        package var keyUses: [GatewayKeyID: UnixTime] = [:]

        package var isEmpty: Bool {
            // What is stale or readmitted was used too.
            self.uses.isEmpty && self.rejected.isEmpty && self.keyUses.isEmpty
        }
    }

    private let batch = NIOLockedValueBox(Batch())

    package init() {}

    /// Notes a successful answer.
    ///
    /// Takes the lock at most once a second for each credential.
    package func noteSuccess(_ credential: Credential, at time: UnixTime) {
        let news = credential.accept(at: time)
        guard news.isFirstThisSecond || news.isReadmitted else { return }
        self.batch.withLockedValue { batch in
            batch.uses[credential.id] = max(time, batch.uses[credential.id] ?? time)
            if credential.isStale { batch.stale.insert(credential.id) }
            if news.isReadmitted {
                batch.rejected[credential.id] = nil
                batch.readmitted.insert(credential.id)
            }
        }
    }

    /// Notes that a caller was let in.
    ///
    /// Takes the lock at most once a second for each key.
    package func noteUse(of principal: Principal, at time: UnixTime) {
        guard principal.use(at: time) else { return }
        self.batch.withLockedValue { $0.keyUses[GatewayKeyID(principal.keyID)] = time }
    }

    /// Notes that the provider refused the credential.
    ///
    /// - Returns: Whether it was taken before, so that this is worth a line in the log.
    @discardableResult
    package func noteRejection(_ credential: Credential, at time: UnixTime) -> Bool {
        guard credential.reject() else { return false }
        self.batch.withLockedValue { batch in
            batch.readmitted.remove(credential.id)
            batch.rejected[credential.id] = batch.rejected[credential.id] ?? time
        }
        return true
    }

    /// Hands over what was collected and begins anew.
    package func take() -> Batch {
        self.batch.withLockedValue { batch in
            let full = batch
            batch = Batch()
            return full
        }
    }

    /// Takes back what could not be written, for the next time.
    package func giveBack(_ old: Batch) {
        self.batch.withLockedValue { batch in
            batch.uses.merge(old.uses) { max($0, $1) }
            for (id, time) in old.rejected where !batch.readmitted.contains(id) {
                batch.rejected[id] = min(time, batch.rejected[id] ?? time)
            }
            batch.keyUses.merge(old.keyUses) { max($0, $1) }
            batch.stale.formUnion(old.stale)
            batch.readmitted.formUnion(old.readmitted.filter { batch.rejected[$0] == nil })
        }
    }
}
