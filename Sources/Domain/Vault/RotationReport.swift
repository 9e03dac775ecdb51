package import Core
package import Database

/// What a rotation did, for the operator and the audit log.
package struct RotationReport: Sendable, Equatable {
    package let old: KeyID
    package let new: KeyID
    package let isDryRun: Bool
    package let isForced: Bool
    /// Sealed rows; all of them are under the new key, unless this was a dry run.
    package internal(set) var total = 0
    /// Rows that were under the new key before this run.
    package internal(set) var alreadyNew = 0
    /// Rows this run re-sealed.
    package internal(set) var resealed = 0
    /// Rows that somebody else changed or deleted while they were being re-sealed; their change stands.
    package internal(set) var editedMeanwhile = 0
    /// How often all rows were gone through.
    package internal(set) var passes = 0
    /// Running gateways that did not have the new key; empty unless forced, or a dry run.
    package internal(set) var lacking: [String] = []
    /// Whether an earlier run had begun.
    package internal(set) var wasResumed = false
    package private(set) var backupPath: String?
    /// SHA-256 of the backup, as hexadecimal digits.
    package private(set) var backupDigest: String?
    /// From the first run's beginning, in milliseconds.
    package private(set) var milliseconds: Int64 = 0

    init(_ plan: Rotation.Plan) {
        self.old = plan.old
        self.new = plan.new
        self.isDryRun = plan.isDryRun
        self.isForced = plan.isForced
    }

    mutating func finish(_ state: RotationState, at now: UnixTime) {
        self.backupPath = state.backupPath
        self.backupDigest = state.backupDigest
        self.milliseconds = now.milliseconds - state.startedAt.milliseconds
    }
}

/// How far a rotation is.
package struct RotationProgress: Sendable, Equatable {
    package let stage: RotationState.Stage
    /// Rows re-sealed, over all runs.
    package let done: Int
    package let total: Int
}

extension Rotation {
    /// A copy of the store from before the first row was re-sealed.
    package struct Backup: Sendable, Equatable {
        package let path: String
        /// SHA-256, as hexadecimal digits.
        package let digest: String

        package init(path: String, digest: String) {
            self.path = path
            self.digest = digest
        }
    }

    /// What a rotation needs of the world around it.
    package struct Surroundings: Sendable {
        /// The wall clock.
        package var now: @Sendable () -> UnixTime
        /// Makes a durable, checked copy; nil if the operator has made one himself and said so.
        ///
        /// May be called again if the run before was killed right after it.
        package var backUp: @Sendable () async throws -> Backup?
        /// Makes the key file hold both keys, the given one first; nothing where keys are not in a file of ours.
        package var keepBothKeys: @Sendable (KeyID) async throws -> Void
        /// Makes the key file hold the given key first; the other one stays, for backups.
        package var putNewKeyFirst: @Sendable (KeyID) async throws -> Void
        /// Writes the audit record in the transaction that retires the old key.
        package var record: @Sendable (RotationReport, any SQLSession) throws -> Void
        /// Hears of each batch.
        package var progress: @Sendable (RotationProgress) -> Void
        /// Waits between two batches, where a rotation runs beside calls; may throw to stop it.
        package var pause: @Sendable () async throws -> Void
        /// Whether the holder of a lease is known to have died, so that nobody has to wait for its end.
        package var hasDied: @Sendable (_ holder: String) -> Bool

        package init(
            now: @escaping @Sendable () -> UnixTime,
            backUp: @escaping @Sendable () async throws -> Backup?,
            keepBothKeys: @escaping @Sendable (KeyID) async throws -> Void = { _ in },
            putNewKeyFirst: @escaping @Sendable (KeyID) async throws -> Void = { _ in },
            record: @escaping @Sendable (RotationReport, any SQLSession) throws -> Void,
            progress: @escaping @Sendable (RotationProgress) -> Void = { _ in },
            pause: @escaping @Sendable () async throws -> Void = {},
            hasDied: @escaping @Sendable (_ holder: String) -> Bool = { _ in false }
        ) {
            self.now = now
            self.backUp = backUp
            self.keepBothKeys = keepBothKeys
            self.putNewKeyFirst = putNewKeyFirst
            self.record = record
            self.progress = progress
            self.pause = pause
            self.hasDied = hasDied
        }
    }
}
