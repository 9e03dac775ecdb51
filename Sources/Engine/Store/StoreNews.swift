import Auth
package import Core
import Database
package import Logging
package import Pipeline
import Telemetry
package import Vault

/// Writes to the store what calls learned, and says in it that this gateway lives.
package struct StoreNews: Sendable {
    /// How often, in milliseconds: what a call learns is in the store after this time at the latest.
    static let pauseMilliseconds: Int64 = 1_000

    package let store: Store
    package let news: CredentialNews
    package let sources: @Sendable () async -> KeySources
    package let keeper: SnapshotKeeper
    package let logger: Logger
    /// Says host and process, and differs from start to start.
    let instanceID: String

    /// Goes on until cancelled, and then takes leave.
    package func run() async throws {
        var files = await Self.stamps(self.sources())
        var lastBeat = UnixTime(milliseconds: 0)
        var lastIDs: [KeyID] = []
        while !Task.isCancelled {
            await self.write()
            let now = SystemClock.now
            let seen = await Self.stamps(self.sources())
            if seen != files {
                files = seen
                await self.readKeys()
            }
            let ids = self.store.keyring.ids
            if ids != lastIDs || now.milliseconds - lastBeat.milliseconds >= InstanceStore.beatMilliseconds {
                if await self.beat(ids, now) { (lastBeat, lastIDs) = (now, ids) }
            }
            try? await Task.sleep(for: .milliseconds(Self.pauseMilliseconds))
        }
    }

    /// The last of it, once no call is running any more.
    package func finish() async {
        await self.write()
        try? await self.store.database.write { try InstanceStore().leave(self.instanceID, in: $0) }
    }

    /// Says that this gateway lives and which keys it has; false if the store did not take it.
    @discardableResult
    package func beat(_ ids: [KeyID], _ now: UnixTime) async -> Bool {
        let instance = InstanceStore.Instance(
            id: self.instanceID,
            version: Version.text,
            keyIDs: ids,
            seenAt: now
        )
        do {
            try await self.store.database.write { try InstanceStore().beat(instance, in: $0) }
            return true
        } catch {
            return false
        }
    }

    /// Writes uses and refusals in one transaction; what the store does not take is kept for the next time.
    private func write() async {
        let batch = self.news.take()
        guard !batch.isEmpty else { return }
        let credentials = self.store.credentials
        do {
            try await self.store.database.write { session in
                try credentials.noteUses(batch.uses, in: session)
                for (id, time) in batch.rejected { try credentials.markRejected(id, at: time, in: session) }
                try GatewayKeyStore().noteUse(batch.keyUses, in: session)
                try credentials.reseal(batch.stale.sorted(), in: session)
                for id in batch.readmitted { try credentials.markAccepted(id, in: session) }
            }
        } catch {
            self.news.giveBack(batch)
        }
    }

    /// A key file was changed: a rotation on this machine put a new key into it.
    private func readKeys() async {
        do {
            let (standing, isChanged) = try await self.store.readKeys(await self.sources())
            guard isChanged else { return }
            try await self.keeper.rebuild()
            self.logger.info("Encryption keys read again", metadata: ["standing": "\(standing)"])
        } catch {
            self.logger.error(
                "The encryption keys cannot be read again; the old ones stay",
                metadata: [LogKeys.errorReason: "\(error)"]
            )
        }
    }

    private static func stamps(_ sources: KeySources) -> [SmallFile.Stamp?] {
        sources.watchedFiles.map { SmallFile.stamp($0) }
    }
}
